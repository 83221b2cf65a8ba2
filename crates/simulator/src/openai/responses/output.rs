use gateway_domain::Usage;
use serde_json::{Value, json};

use super::super::usage::Inclusive;
use super::items::{Item, Kind, Progress, items};
use super::request::{Keeping, ResponseRequest};
use crate::draft::{Draft, Stop};
use crate::reply::BLOCKED;

/// A finished response, before it is written as JSON or as events.
#[derive(Debug)]
pub(super) struct Answer {
    id: String,
    pub(super) items: Vec<Item>,
    pub(super) end: End,
    pub(super) usage: Usage,
    /// How many bytes of content one event carries.
    pub(super) delta_bytes: usize,
    created_at: i64,
    request: ResponseRequest,
    keeping: Option<Keeping>,
}

/// How a response ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    /// With its reason.
    Incomplete(&'static str),
    Failed,
}

impl End {
    pub(super) const fn status(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed => "failed",
        }
    }
}

impl Answer {
    pub(super) fn new(mut request: ResponseRequest, mut draft: Draft) -> Self {
        let mut items = items(&mut draft, &request);
        let (end, is_refusal) = end(&draft.stop);
        if is_refusal {
            for item in &mut items {
                if matches!(item.kind, Kind::Text) {
                    item.kind = Kind::Refusal;
                }
            }
        }
        if let (End::Incomplete(_), Some(last)) = (end, items.last_mut()) {
            last.is_cut = true;
        }
        Self {
            id: format!(
                "resp_{:016x}{:016x}{:016x}",
                draft.ids.next(),
                draft.ids.next(),
                draft.ids.next()
            ),
            items,
            end,
            usage: draft.usage,
            delta_bytes: draft.delta_bytes,
            created_at: request.at.as_seconds(),
            keeping: request.keeping.take(),
            request,
        }
    }

    /// Lets the provider keep the response, if it is to.
    pub(super) fn keep(&mut self) {
        if let Some(keeping) = self.keeping.take() {
            let output = self
                .items
                .iter()
                .map(|item| item.to_json(Progress::Ended))
                .collect();
            keeping
                .store
                .keep(&keeping.credential, &self.id, keeping.conversation, output);
        }
    }

    pub(super) fn whole(&self) -> Vec<u8> {
        self.response(Some(self.end)).to_string().into_bytes()
    }

    /// The response with all that is in it at its end, or with nothing yet.
    pub(super) fn response(&self, end: Option<End>) -> Value {
        let body = &self.request.body;
        let or = |name: &str, usual: Value| match &body[name] {
            Value::Null => usual,
            given => given.clone(),
        };
        let output: Vec<Value> = match end {
            Some(_) => self
                .items
                .iter()
                .map(|item| item.to_json(Progress::Ended))
                .collect(),
            None => Vec::new(),
        };
        let incomplete = match end {
            Some(End::Incomplete(reason)) => json!({ "reason": reason }),
            _ => Value::Null,
        };
        let error = match end {
            Some(End::Failed) => json!({
                "code": "server_error", "message": "The model failed to generate a response.",
            }),
            _ => Value::Null,
        };
        json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "completed_at": (end == Some(End::Completed)).then_some(self.created_at),
            "status": end.map_or("in_progress", End::status),
            "background": false,
            "error": error,
            "incomplete_details": incomplete,
            "instructions": body["instructions"],
            "max_output_tokens": body["max_output_tokens"],
            "max_tool_calls": body["max_tool_calls"],
            "metadata": or("metadata", json!({})),
            "model": self.request.model.id,
            "output": output,
            "parallel_tool_calls": or("parallel_tool_calls", json!(true)),
            "previous_response_id": body["previous_response_id"],
            "prompt_cache_key": body["prompt_cache_key"],
            "reasoning": self.reasoning(),
            "safety_identifier": body["safety_identifier"],
            "service_tier": if end.is_some() { self.request.service_tier } else { "auto" },
            "store": or("store", json!(true)),
            "temperature": or("temperature", json!(1.0)),
            "text": self.text(),
            "tool_choice": or("tool_choice", json!("auto")),
            "tools": or("tools", json!([])),
            "top_logprobs": or("top_logprobs", json!(0)),
            "top_p": or("top_p", json!(1.0)),
            "truncation": or("truncation", json!("disabled")),
            "usage": end.map_or(Value::Null, |_| self.usage()),
            "user": body["user"],
        })
    }

    fn reasoning(&self) -> Value {
        let asked = &self.request.body["reasoning"];
        let effort = asked["effort"].as_str().or_else(|| {
            let model = &self.request.model;
            model.reasons().then_some(model.usual_effort)
        });
        json!({"effort": effort, "summary": asked["summary"]})
    }

    fn text(&self) -> Value {
        let asked = &self.request.body["text"];
        let format = match &asked["format"] {
            Value::Null => json!({"type": "text"}),
            given => given.clone(),
        };
        json!({"format": format, "verbosity": asked["verbosity"].as_str().unwrap_or("medium")})
    }

    fn usage(&self) -> Value {
        let tokens = Inclusive::from(self.usage.tokens);
        json!({
            "input_tokens": tokens.input,
            "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.written},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
            "total_tokens": tokens.total,
        })
    }
}

/// How the response ends, and whether its text is a refusal.
fn end(stop: &Stop) -> (End, bool) {
    let end = match stop {
        Stop::EndOfTurn | Stop::ToolUse | Stop::Sequence(_) => End::Completed,
        Stop::MaxTokens => End::Incomplete("max_output_tokens"),
        Stop::Scripted(word) => match word.as_str() {
            "refusal" => return (End::Completed, true),
            word if word == "content_filter" || word.starts_with(BLOCKED) => {
                End::Incomplete("content_filter")
            }

            "max_tokens" | "max_output_tokens" | "length" | "model_context_window_exceeded" => {
                End::Incomplete("max_output_tokens")
            }
            "failed" => End::Failed,
            _ => End::Completed,
        },
    };
    (end, false)
}
