use bytes::Bytes;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::{Part, Reply, ReplyTerms, Stop};

use super::arguments;
use super::item::{Item, Status};
use super::response::{Ending, Progress, Response, status};

/// See [`Translate::write_reply`](crate::translation::Translate::write_reply).
pub(super) fn write(reply: &Reply, terms: &ReplyTerms) -> Bytes {
    let output = output(&reply.parts, &reply.stop, &terms.id);
    json::to_bytes(&Response::new(
        terms,
        Progress {
            ending: Ending::Stop(&reply.stop),
            output: &output,
            usage: reply.usage.as_ref(),
        },
    ))
}

fn output(parts: &[Part], stop: &Stop, answer: &str) -> Vec<Box<RawValue>> {
    let mut output = Vec::new();
    let mut rest = parts;
    while let Some(first) = rest.first() {
        // Texts that follow each other are of one message.
        let texts: Vec<&str> = rest.iter().map_while(text).collect();
        rest = &rest[texts.len().max(1)..];
        let status = if rest.is_empty() {
            status(stop)
        } else {
            Status::Completed
        };
        output.extend(item(first, &texts, status, &ItemId::new(answer, output.len())));
    }
    output
}

fn text(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text),
        Part::Media(_) | Part::Thinking(_) | Part::ToolCall(_) | Part::ToolResult(_) => None,
    }
}

fn item(part: &Part, texts: &[&str], status: Status, id: &ItemId<'_>) -> Option<Box<RawValue>> {
    match part {
        Part::Text(_) => Some(Item::message(&id.of("msg"), status, texts).to_json()),
        Part::Thinking(thought) => {
            let id = id.of("rs");
            Some(Item::reasoning(&id, &thought.text, thought.signature.as_ref()).to_json())
        }
        Part::ToolCall(call) => Some(match arguments::text(&call.arguments) {
            Some(input) => Item::CustomToolCall {
                id: &id.of("ctc"),
                status,
                call_id: &call.id,
                name: &call.name,
                input: input.into(),
            }
            .to_json(),
            None => Item::FunctionCall {
                id: &id.of("fc"),
                status,
                arguments: call.arguments.get(),
                call_id: &call.id,
                name: &call.name,
            }
            .to_json(),
        }),
        // No model says these.
        Part::Media(_) | Part::ToolResult(_) => None,
    }
}

/// Names an item of an answer by its place.
pub(super) struct ItemId<'a> {
    answer: &'a str,
    place: usize,
}

impl<'a> ItemId<'a> {
    pub(super) const fn new(answer: &'a str, place: usize) -> Self {
        Self { answer, place }
    }

    pub(super) fn of(&self, kind: &str) -> String {
        format!("{kind}_{}_{}", self.answer, self.place)
    }
}
