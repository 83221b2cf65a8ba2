use crate::translation::Stop;

/// What a candidate's `finishReason` comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// The model had said all.
    Done,
    /// The answer may have no more tokens.
    MaxTokens,
    /// The model, or Gemini, would not answer.
    Refused,
    /// The model got lost: there is no answer, or no end to it.
    Failed,
}

impl Finish {
    /// Reads the word; `None` where the candidate goes on.
    pub(super) fn of(reason: &str) -> Option<Self> {
        Some(match reason {
            "" | "FINISH_REASON_UNSPECIFIED" => return None,
            // What could be continued with a token is, without it, cut off.
            "MAX_TOKENS" | "CONTINUATION" => Self::MaxTokens,
            "MALFORMED_FUNCTION_CALL"
            | "MALFORMED_RESPONSE"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE"
            | "OTHER" => Self::Failed,
            "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE"
            | "NO_IMAGE" | "ESCALATION" | "MODEL_ARMOR" => Self::Refused,
            word if word.starts_with("IMAGE_") || word.starts_with("PUP_") => Self::Refused,
            _ => Self::Done,
        })
    }

    /// Why the model stopped, after an answer in which it did or did not call tools.
    pub(super) const fn stop(self, has_calls: bool) -> Stop {
        match self {
            Self::Refused => Stop::Refusal,
            // Gemini says STOP after calls, too, and calls always come whole.
            Self::Done | Self::MaxTokens | Self::Failed if has_calls => Stop::ToolUse,
            Self::MaxTokens => Stop::MaxTokens,
            Self::Done | Self::Failed => Stop::EndTurn,
        }
    }
}

/// The `finishReason` for why an answer stopped.
pub(super) const fn reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::StopSequence(_) | Stop::ToolUse | Stop::Pause => "STOP",
        Stop::MaxTokens | Stop::ContextWindow => "MAX_TOKENS",
        Stop::Refusal => "SAFETY",
    }
}
