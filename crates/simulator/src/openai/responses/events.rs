use serde_json::{Value, json};

use super::super::ApiError;
use super::super::json::{piece_end, put};
use super::super::usage::billed_so_far;
use super::items::{Item, Kind, Progress};
use super::output::Answer;
use crate::dialect::{Event, Events};
use crate::error;
use crate::record::Billed;

/// A response as server-sent events, written one by one.
#[derive(Debug)]
pub(super) struct ResponseEvents {
    answer: Answer,
    stage: Stage,
    /// The number of the next event.
    sequence: u64,
    /// Output tokens in the events so far.
    written: u64,
    has_content: bool,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Created,
    InProgress,
    ItemAdded(usize),
    /// The start of an item's only part.
    PartAdded(usize),
    /// A delta of an item, from this byte of its text.
    Delta(usize, usize),
    TextDone(usize),
    PartDone(usize),
    ItemDone(usize),
    Terminal,
    End,
}

impl ResponseEvents {
    pub(super) const fn new(answer: Answer) -> Self {
        Self {
            answer,
            stage: Stage::Created,
            sequence: 0,
            written: 0,
            has_content: false,
        }
    }

    fn item_or_end(&self, at: usize) -> Stage {
        if at < self.answer.items.len() {
            Stage::ItemAdded(at)
        } else {
            Stage::Terminal
        }
    }

    /// Where an item goes on after its start.
    fn after_added(&self, at: usize) -> Stage {
        let item = &self.answer.items[at];
        match item.kind {
            Kind::Reasoning { .. } if item.text.is_empty() => Stage::ItemDone(at),
            Kind::Call { .. } | Kind::CustomCall { .. } => self.delta_or_done(at, 0),
            _ => Stage::PartAdded(at),
        }
    }

    fn delta_or_done(&self, at: usize, from: usize) -> Stage {
        let item = &self.answer.items[at];
        if item.has_deltas() && from < item.text.len() {
            Stage::Delta(at, from)
        } else {
            Stage::TextDone(at)
        }
    }

    /// Writes an event with these fields after its type and number.
    fn put(&mut self, out: &mut Vec<u8>, kind: &str, fields: &[(&str, Value)]) {
        put(
            out,
            format_args!(
                "event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{}",
                self.sequence
            ),
        );
        self.sequence += 1;
        for (name, value) in fields {
            put(out, format_args!(",\"{name}\":{value}"));
        }
        out.extend_from_slice(b"}\n\n");
    }

    /// Writes an event about the only part of an item.
    fn put_about(&mut self, out: &mut Vec<u8>, at: usize, step: Step, more: &[(&str, Value)]) {
        let item = &self.answer.items[at];
        let (kind, index) = event_of(item, step);
        let mut fields = vec![("item_id", json!(item.id)), ("output_index", json!(at))];
        if let Some(index) = index {
            fields.push((index, json!(0)));
        }
        fields.extend_from_slice(more);
        self.put(out, kind, &fields);
    }

    fn item(&mut self, out: &mut Vec<u8>, at: usize, progress: Progress) {
        let kind = match progress {
            Progress::Begun => "response.output_item.added",
            Progress::Ended => "response.output_item.done",
        };
        let item = self.answer.items[at].to_json(progress);
        self.put(out, kind, &[("output_index", json!(at)), ("item", item)]);
    }

    fn delta(&mut self, out: &mut Vec<u8>, at: usize, from: usize) {
        let item = &self.answer.items[at];
        let end = piece_end(&item.text, from, self.answer.delta_bytes);
        let piece = &item.text[from..end];
        self.written += item.tokens_of(piece);
        let mut fields = vec![("delta", json!(piece))];
        if matches!(item.kind, Kind::Text) {
            fields.push(("logprobs", json!([])));
        }
        self.put_about(out, at, Step::Delta, &fields);
        self.stage = self.delta_or_done(at, end);
    }

    fn text_done(&mut self, out: &mut Vec<u8>, at: usize) {
        let item = &self.answer.items[at];
        let text = json!(item.text);
        let (fields, next) = match &item.kind {
            Kind::Text => (vec![("text", text), ("logprobs", json!([]))], Stage::PartDone(at)),
            Kind::Refusal => (vec![("refusal", text)], Stage::PartDone(at)),
            Kind::Reasoning { .. } => (vec![("text", text)], Stage::PartDone(at)),
            Kind::Call { name, .. } => (
                vec![("name", json!(name)), ("arguments", text)],
                Stage::ItemDone(at),
            ),
            Kind::CustomCall { .. } => (vec![("input", text)], Stage::ItemDone(at)),
            Kind::WebSearch => (Vec::new(), Stage::PartDone(at)),
        };
        self.put_about(out, at, Step::TextDone, &fields);
        self.stage = next;
    }

    /// Writes the start or the end of an item's part.
    fn part(&mut self, out: &mut Vec<u8>, at: usize, step: Step) {
        let item = &self.answer.items[at];
        let text = if step == Step::Added { "" } else { &item.text };
        let fields = if item.has_deltas() {
            vec![("part", item.part(text))]
        } else {
            Vec::new()
        };
        self.put_about(out, at, step, &fields);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Added,
    Delta,
    TextDone,
    PartDone,
}

/// The event of a step in an item, and the field that counts its parts.
fn event_of(item: &Item, step: Step) -> (&'static str, Option<&'static str>) {
    let steps: [&'static str; 4] = match &item.kind {
        Kind::Text => [
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
        ],
        Kind::Refusal => [
            "response.content_part.added",
            "response.refusal.delta",
            "response.refusal.done",
            "response.content_part.done",
        ],
        Kind::Reasoning { .. } => [
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
        ],
        Kind::Call { .. } => [
            "",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "",
        ],
        Kind::CustomCall { .. } => [
            "",
            "response.custom_tool_call_input.delta",
            "response.custom_tool_call_input.done",
            "",
        ],
        Kind::WebSearch => [
            "response.web_search_call.in_progress",
            "",
            "response.web_search_call.searching",
            "response.web_search_call.completed",
        ],
    };
    let index = match &item.kind {
        Kind::Text | Kind::Refusal => Some("content_index"),
        Kind::Reasoning { .. } => Some("summary_index"),
        Kind::Call { .. } | Kind::CustomCall { .. } | Kind::WebSearch => None,
    };
    (steps[step as usize], index)
}

impl Events for ResponseEvents {
    fn content_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Option<Event> {
        match self.stage {
            Stage::Created => {
                let response = self.answer.response(None);
                self.put(out, "response.created", &[("response", response)]);
                self.stage = Stage::InProgress;
                return Some(Event::Head);
            }
            Stage::InProgress => {
                let response = self.answer.response(None);
                self.put(out, "response.in_progress", &[("response", response)]);
                self.stage = self.item_or_end(0);
                return Some(Event::Head);
            }
            Stage::ItemAdded(at) => {
                self.item(out, at, Progress::Begun);
                self.written += self.answer.items[at].hidden_tokens;
                self.stage = self.after_added(at);
                if !std::mem::replace(&mut self.has_content, true) {
                    return Some(Event::FirstContent);
                }
            }
            Stage::PartAdded(at) => {
                self.part(out, at, Step::Added);
                self.stage = self.delta_or_done(at, 0);
            }
            Stage::Delta(at, from) => {
                self.delta(out, at, from);
                return Some(Event::Delta);
            }
            Stage::TextDone(at) => self.text_done(out, at),
            Stage::PartDone(at) => {
                self.part(out, at, Step::PartDone);
                self.stage = Stage::ItemDone(at);
            }
            Stage::ItemDone(at) => {
                self.item(out, at, Progress::Ended);
                self.stage = self.item_or_end(at + 1);
            }
            Stage::Terminal => {
                self.answer.keep();
                let end = self.answer.end;
                let response = self.answer.response(Some(end));
                self.put(
                    out,
                    &format!("response.{}", end.status()),
                    &[("response", response)],
                );
                self.stage = Stage::End;
            }
            Stage::End => return None,
        }
        Some(Event::Frame)
    }

    fn billed(&self) -> Billed {
        let usage = &self.answer.usage;
        match self.stage {
            Stage::Created => Billed::default(),
            Stage::End => Billed {
                messages: 1,
                tokens: usage.tokens,
                web_searches: usage.web_searches,
            },
            _ => billed_so_far(usage.tokens, self.written, usage.web_searches),
        }
    }

    fn fail(&mut self, error: &error::ApiError, _: &str, out: &mut Vec<u8>) {
        // The reference has its fields beside the type; the provider itself sends them as an object.
        let error = ApiError::worded(error).to_json();
        self.put(out, "error", &[("error", error)]);
    }

    fn ping(&self) -> &'static [u8] {
        b": keep-alive\n\n"
    }
}
