use gateway_domain::{TokenCounts, Usage};
use serde_json::{Value, json};

use super::request::GenerateRequest;
use super::signature::sign;
use super::usage::metadata;
use crate::ask::call_tokens;
use crate::draft::{Content, Draft, Stop};
use crate::reply::BLOCKED;
use crate::tokens::tokens;

/// A finished answer, before it is written as a whole or as chunks.
#[derive(Debug)]
pub(super) struct Answer {
    model: String,
    id: String,
    pub(super) parts: Vec<Part>,
    pub(super) finish: Finish,
    pub(super) usage: Usage,
    /// How many bytes of content one delta carries.
    pub(super) delta_bytes: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Part {
    Text(String),
    Thought(String),
    Call {
        id: String,
        name: String,
        args: Value,
        signature: Option<String>,
    },
}

/// How an answer ends.
#[derive(Debug)]
pub(super) enum Finish {
    /// The prompt was refused, so that there is no candidate.
    Blocked(String),
    Candidate {
        reason: String,
        /// Of the last part, where no call has one.
        signature: Option<String>,
        searched: Vec<String>,
    },
}

impl Part {
    /// What it costs to write it, as far as it is not written piece by piece.
    pub(super) fn tokens(&self) -> u64 {
        match self {
            Self::Text(text) | Self::Thought(text) => tokens(text),
            Self::Call { name, args, .. } => call_tokens(name, &args.to_string()),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!({ "text": text }),
            Self::Thought(text) => json!({"text": text, "thought": true}),
            Self::Call {
                id,
                name,
                args,
                signature,
            } => {
                let mut part = json!({"functionCall": {"id": id, "name": name, "args": args}});
                if let Some(signature) = signature {
                    part["thoughtSignature"] = signature.as_str().into();
                }
                part
            }
        }
    }
}

impl Answer {
    /// The answer to a request with this content.
    pub(super) fn new(request: &GenerateRequest, mut draft: Draft) -> Self {
        let mut parts = Vec::new();
        let mut searched = Vec::new();
        let mut is_signed = !request.model.signs();
        for block in draft.content {
            match block {
                // A part without text says nothing.
                Content::Text(text) if text.is_empty() => {}
                Content::Text(text) => parts.push(Part::Text(text)),
                Content::Thinking {
                    text, is_shown: true, ..
                } => parts.push(Part::Thought(text)),
                Content::Thinking { is_shown: false, .. } => {}
                Content::ToolUse { name, input } => parts.push(Part::Call {
                    id: draft.ids.base62(8).to_ascii_lowercase(),
                    name,
                    // The input is JSON, and an object if whoever scripted it made it one.
                    args: serde_json::from_str(&input).unwrap_or_default(),
                    // Of calls in parallel only the first is signed.
                    signature: (!std::mem::replace(&mut is_signed, true)).then(|| sign(draft.ids.next())),
                }),
                Content::WebSearch { input } => searched.push(input),
            }
        }
        let finish = match reason(draft.stop) {
            Err(blocked) => Finish::Blocked(blocked),
            Ok(reason) => Finish::Candidate {
                reason,
                signature: (!is_signed && !parts.is_empty()).then(|| sign(draft.ids.next())),
                searched,
            },
        };
        Self {
            model: request.model.id.to_string(),
            id: draft.ids.base62(22),
            parts,
            finish,
            usage: draft.usage,
            delta_bytes: draft.delta_bytes,
        }
    }

    /// The answer in one piece.
    pub(super) fn whole(&self) -> Value {
        let mut parts: Vec<Value> = self.parts.iter().map(Part::to_json).collect();
        if let Finish::Candidate {
            signature: Some(signature),
            ..
        } = &self.finish
            && let Some(last) = parts.last_mut()
        {
            last["thoughtSignature"] = signature.as_str().into();
        }
        let candidate = self.last_candidate(&parts);
        self.envelope(candidate, &self.usage.tokens)
    }

    /// A candidate that goes on.
    pub(super) fn candidate(part: &Value) -> Value {
        json!({"content": {"parts": [part], "role": "model"}, "index": 0})
    }

    /// The candidate with its end, unless the prompt was refused.
    pub(super) fn last_candidate(&self, parts: &[Value]) -> Option<Value> {
        let Finish::Candidate { reason, searched, .. } = &self.finish else {
            return None;
        };
        let mut candidate = json!({"finishReason": reason, "index": 0});
        if !parts.is_empty() {
            candidate["content"] = json!({"parts": parts, "role": "model"});
        }
        if !matches!(reason.as_str(), "STOP" | "MAX_TOKENS") {
            candidate["finishMessage"] = format!("The answer ended for the reason {reason}.").into();
        }
        if !searched.is_empty() {
            candidate["groundingMetadata"] = grounding(searched);
        }
        Some(candidate)
    }

    /// What is around a candidate, or in the place of one.
    pub(super) fn envelope(&self, candidate: Option<Value>, counted: &TokenCounts) -> Value {
        let mut answer = json!({
            "usageMetadata": metadata(counted),
            "modelVersion": self.model,
            "responseId": self.id,
        });
        if let Finish::Blocked(reason) = &self.finish {
            answer["promptFeedback"] = json!({ "blockReason": reason });
        }
        if let Some(candidate) = candidate {
            answer["candidates"] = json!([candidate]);
        }
        answer
    }
}

/// Why a candidate ends, or why there is none.
fn reason(stop: Stop) -> Result<String, String> {
    let reason = match stop {
        Stop::EndOfTurn | Stop::ToolUse | Stop::Sequence(_) => "STOP".to_owned(),
        Stop::MaxTokens => "MAX_TOKENS".to_owned(),
        Stop::Scripted(reason) => match reason.as_str() {
            "end_turn" | "tool_use" | "stop_sequence" | "pause_turn" | "stop" | "tool_calls" => {
                "STOP".to_owned()
            }
            "max_tokens" | "model_context_window_exceeded" | "length" => "MAX_TOKENS".to_owned(),
            "refusal" | "content_filter" => "SAFETY".to_owned(),
            _ => match reason.strip_prefix(BLOCKED) {
                Some(blocked) => return Err(blocked.to_owned()),
                None => reason,
            },
        },
    };
    Ok(reason)
}

fn grounding(searched: &[String]) -> Value {
    let query = |input: &String| {
        let input: Value = serde_json::from_str(input).unwrap_or_default();
        input["query"].clone()
    };
    json!({
        "webSearchQueries": searched.iter().map(query).collect::<Vec<_>>(),
        "groundingChunks": [{"web": {"uri": "https://example.com/", "title": "An example page"}}],
    })
}
