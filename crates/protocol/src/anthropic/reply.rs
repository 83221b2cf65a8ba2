use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::{Origin, Part, Reply, ReplyTerms, Signature, Stop, Thought, ToolCall, Unreadable};

use super::message::{self, Content, Message};
use super::stop;
use super::usage::CumulativeUsage;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    content: Vec<&'a RawValue>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    #[serde(borrow)]
    stop_details: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct TextBlock {
    text: String,
}

#[derive(Deserialize)]
struct ThinkingBlock {
    thinking: String,
    signature: Option<String>,
}

#[derive(Deserialize)]
struct RedactedBlock {
    data: String,
}

#[derive(Deserialize)]
struct ToolUseBlock {
    id: Option<String>,
    name: String,
    input: Box<RawValue>,
}

#[derive(Deserialize)]
struct StopDetails {
    explanation: Option<String>,
}

/// What the provider says of why it refused.
pub(super) fn explanation(stop_details: &RawValue) -> Option<String> {
    let details: StopDetails = serde_json::from_str(stop_details.get()).ok()?;
    details.explanation.filter(|text| !text.is_empty())
}

pub(super) fn read(body: &[u8]) -> Result<Reply, Unreadable> {
    let answer: Answer<'_> = serde_json::from_slice(body)?;
    let mut parts = Vec::new();
    for block in answer.content {
        parts.extend(part(block.get())?);
    }
    let stop = stop::read(answer.stop_reason.as_deref(), answer.stop_sequence);
    if stop == Stop::Refusal {
        parts.extend(answer.stop_details.and_then(explanation).map(Part::Text));
    }
    let mut usage = CumulativeUsage::default();
    if let Some(object) = answer.usage {
        usage.overwrite(object.get().as_bytes());
    }
    Ok(Reply {
        parts,
        stop,
        usage: usage.usage(),
    })
}

/// `None` for what the provider did by itself, such as searches of the web, and for an empty text.
fn part(block: &str) -> Result<Option<Part>, Unreadable> {
    let kind: Kind<'_> = serde_json::from_str(block)?;
    Ok(match &*kind.name {
        "text" => {
            let TextBlock { text } = serde_json::from_str(block)?;
            (!text.is_empty()).then_some(Part::Text(text))
        }
        "thinking" => {
            let ThinkingBlock { thinking, signature } = serde_json::from_str(block)?;
            let signature = signature.filter(|text| message::is_signature(text));
            Some(Part::Thinking(Thought {
                text: thinking,
                signature: signature.map(|text| Signature::new(Origin::Anthropic, text)),
                is_redacted: false,
            }))
        }
        "redacted_thinking" => {
            let RedactedBlock { data } = serde_json::from_str(block)?;
            Some(Part::Thinking(Thought {
                text: String::new(),
                signature: Some(Signature::new(Origin::AnthropicRedacted, data)),
                is_redacted: true,
            }))
        }
        "tool_use" => {
            let ToolUseBlock { id, name, input } = serde_json::from_str(block)?;
            Some(Part::ToolCall(ToolCall {
                id: id.unwrap_or_default(),
                name,
                arguments: input,
                signature: None,
            }))
        }
        _ => None,
    })
}

pub(super) fn write(reply: &Reply, terms: &ReplyTerms) -> Bytes {
    let usage = reply.usage.clone().unwrap_or_default();
    let is_call = |part: &Part| matches!(part, Part::ToolCall(_));
    let (stop_reason, stop_sequence) = stop::write(&reply.stop, reply.parts.iter().any(is_call));
    let mut message = Message::new(terms, &usage);
    message.content = reply.parts.iter().filter_map(content).collect();
    message.stop_reason = Some(stop_reason);
    message.stop_sequence = stop_sequence;
    json::to_bytes(&message)
}

/// `None` for what no model says.
fn content(part: &Part) -> Option<Content<'_>> {
    match part {
        Part::Text(text) => Some(Content::Text { text }),
        Part::Thinking(thought) if thought.is_redacted => {
            let data = message::redacted(thought.signature.as_ref()?);
            Some(Content::RedactedThinking { data })
        }
        Part::Thinking(thought) => Some(Content::Thinking {
            thinking: &thought.text,
            signature: message::signature(thought.signature.as_ref()),
        }),
        Part::ToolCall(call) => Some(Content::ToolUse {
            id: &call.id,
            name: &call.name,
            input: &call.arguments,
        }),
        Part::Media(_) | Part::ToolResult(_) => None,
    }
}
