use serde_json::{Value, json};

use super::super::json::free_text;
use super::request::ResponseRequest;
use super::seal::seal;
use crate::ask::call_tokens;
use crate::draft::{Content, Draft};
use crate::draw::Draw;
use crate::tokens::tokens;

/// An item of an answer's output.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) kind: Kind,
    /// What its deltas carry: text, the summary of reasoning, or what a tool is called with.
    pub(super) text: String,
    /// Whether the answer was cut in it.
    pub(super) is_cut: bool,
    /// Output tokens that its deltas do not carry.
    pub(super) hidden_tokens: u64,
}

#[derive(Debug)]
pub(super) enum Kind {
    Text,
    Refusal,
    Reasoning { sealed: Option<String> },
    Call { call_id: String, name: String },
    CustomCall { call_id: String, name: String },
    WebSearch,
}

/// How much of an item there is yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Begun,
    Ended,
}

impl Item {
    pub(super) fn new(content: Content, request: &ResponseRequest, ids: &mut Draw) -> Self {
        let hidden_tokens = match &content {
            Content::Thinking { is_shown: true, .. } | Content::Text(_) => 0,
            Content::ToolUse { name, .. } => call_tokens(name, ""),
            other => other.tokens(),
        };
        let (start, kind, text) = match content {
            Content::Text(text) => ("msg", Kind::Text, text),
            Content::Thinking { text, is_shown, .. } => {
                let sealed = request.seals.then(|| seal(ids));
                (
                    "rs",
                    Kind::Reasoning { sealed },
                    if is_shown { text } else { String::new() },
                )
            }
            Content::ToolUse { name, input } => {
                let call_id = format!("call_{}", ids.base62(24));
                if request.custom_tools.contains(&name) {
                    ("ctc", Kind::CustomCall { call_id, name }, free_text(input))
                } else {
                    ("fc", Kind::Call { call_id, name }, input)
                }
            }
            Content::WebSearch { input } => ("ws", Kind::WebSearch, input),
        };
        Self {
            id: format!(
                "{start}_{:016x}{:016x}{:016x}",
                ids.next(),
                ids.next(),
                ids.next()
            ),
            kind,
            text,
            is_cut: false,
            hidden_tokens,
        }
    }

    /// Whether its text comes in deltas.
    pub(super) const fn has_deltas(&self) -> bool {
        !matches!(self.kind, Kind::WebSearch)
    }

    pub(super) fn tokens_of(&self, piece: &str) -> u64 {
        if self.has_deltas() { tokens(piece) } else { 0 }
    }

    pub(super) fn to_json(&self, progress: Progress) -> Value {
        let is_begun = progress == Progress::Begun;
        let text = if is_begun { "" } else { &self.text };
        let status = match progress {
            Progress::Begun => "in_progress",
            Progress::Ended if self.is_cut => "incomplete",
            Progress::Ended => "completed",
        };
        match &self.kind {
            Kind::Text | Kind::Refusal => {
                let content = if is_begun {
                    Vec::new()
                } else {
                    vec![self.part(text)]
                };
                json!({
                    "id": self.id, "type": "message", "status": status, "role": "assistant", "content": content,
                })
            }
            Kind::Reasoning { sealed } => {
                let summary = if text.is_empty() {
                    Vec::new()
                } else {
                    vec![self.part(text)]
                };
                let mut item = json!({"id": self.id, "type": "reasoning", "summary": summary});
                if let Some(sealed) = sealed {
                    item["encrypted_content"] = json!(sealed);
                }
                item
            }
            Kind::Call { call_id, name } => json!({
                "id": self.id, "type": "function_call", "status": status, "arguments": text, "call_id": call_id,
                "name": name,
            }),
            Kind::CustomCall { call_id, name } => json!({
                "id": self.id, "type": "custom_tool_call", "status": status, "input": text, "call_id": call_id,
                "name": name,
            }),
            Kind::WebSearch => {
                let input: Value = serde_json::from_str(&self.text).unwrap_or_default();
                json!({
                    "id": self.id, "type": "web_search_call", "status": status,
                    "action": {"type": "search", "query": input["query"]},
                })
            }
        }
    }

    /// The only part of the item's content, with this much of its text.
    pub(super) fn part(&self, text: &str) -> Value {
        match &self.kind {
            Kind::Refusal => json!({"type": "refusal", "refusal": text}),
            Kind::Reasoning { .. } => json!({"type": "summary_text", "text": text}),
            _ => json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text}),
        }
    }
}

/// The items of a draft's content.
pub(super) fn items(draft: &mut Draft, request: &ResponseRequest) -> Vec<Item> {
    let content = std::mem::take(&mut draft.content);
    content
        .into_iter()
        .map(|content| Item::new(content, request, &mut draft.ids))
        .collect()
}
