use crate::translation::Stop;

/// Why the model stopped, by the word for it and the text that it stopped at.
///
/// A word from the future is taken for the plainest reason.
pub(super) fn read(word: Option<&str>, sequence: Option<String>) -> Stop {
    match word {
        Some("max_tokens") => Stop::MaxTokens,
        Some("stop_sequence") => Stop::StopSequence(sequence),
        Some("tool_use") => Stop::ToolUse,
        Some("refusal") => Stop::Refusal,
        Some("pause_turn") => Stop::Pause,
        Some("model_context_window_exceeded") => Stop::ContextWindow,
        _ => Stop::EndTurn,
    }
}

/// The word for it, and the text that the model stopped at.
///
/// Where a tool was called, the word says so: the client would not run it otherwise.
pub(super) fn write(stop: &Stop, calls_tools: bool) -> (&'static str, Option<&str>) {
    match stop {
        Stop::EndTurn | Stop::StopSequence(None) if calls_tools => ("tool_use", None),
        Stop::EndTurn | Stop::StopSequence(None) => ("end_turn", None),
        Stop::MaxTokens => ("max_tokens", None),
        Stop::StopSequence(Some(sequence)) => ("stop_sequence", Some(sequence)),
        Stop::ToolUse => ("tool_use", None),
        Stop::Refusal => ("refusal", None),
        Stop::Pause => ("pause_turn", None),
        Stop::ContextWindow => ("model_context_window_exceeded", None),
    }
}
