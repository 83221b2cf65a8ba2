use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ErrorKind;
use crate::json;
use crate::sse::Event;
use crate::translation::{Origin, Piece, PieceReader, Stop};

use super::answer::{Answer, broken_response};
use super::error;
use super::events::{Events, MAX_EVENT, kind};
use super::read_items::{PARAGRAPH, Reasoning};
use super::read_reply::{Call, IncompleteDetails, Message, Said, incomplete};

/// The longest event that holds a part of the answer. Models say less in a whole answer.
const MAX_CONTENT: usize = 32 * 1024 * 1024;

/// See [`Translate::piece_reader`](crate::translation::Translate::piece_reader).
pub(super) struct Reader {
    events: Events,
    state: State,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            events: Events::new(kept),
            state: State::default(),
        }
    }
}

impl PieceReader for Reader {
    fn push(&mut self, chunk: &[u8], on_piece: &mut dyn FnMut(Piece)) {
        let Self { events, state } = self;
        events.push(chunk, |event, end| {
            if state.is_over {
                return;
            }
            if let Err(Broken) = state.read(event, end, on_piece) {
                state.is_over = true;
                on_piece(Piece::Error {
                    kind: ErrorKind::BadGateway,
                    message: "The model's provider sent an event that cannot be read.".to_owned(),
                });
            }
        });
    }
}

fn kept(name: &[u8]) -> usize {
    match name {
        b"response.created"
        | b"response.completed"
        | b"response.incomplete"
        | b"response.failed"
        | b"error" => MAX_EVENT,
        b""
        | b"response.output_item.added"
        | b"response.output_item.done"
        | b"response.reasoning_summary_part.added" => MAX_CONTENT,
        name if name.ends_with(b".delta") => MAX_CONTENT,
        _ => 0,
    }
}

/// An event is not as the dialect has it, and what it says would be missing.
struct Broken;

impl From<serde_json::Error> for Broken {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

#[derive(Deserialize)]
struct ItemEvent<'a> {
    output_index: Option<u64>,
    #[serde(borrow)]
    item: &'a RawValue,
}

#[derive(Deserialize)]
struct ItemKind<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Delta {
    output_index: Option<u64>,
    delta: String,
}

#[derive(Deserialize)]
struct SummaryPart {
    summary_index: Option<u64>,
}

/// What the events so far have told.
#[derive(Default)]
struct State {
    answer: Answer,
    said: Said,
    item: Item,
    is_over: bool,
}

/// What is known of the item that comes at present.
#[derive(Default)]
struct Item {
    place: Option<u64>,
    /// Whether the call is told already.
    is_call: bool,
    /// Whether text of it has come; what the item says at its end is then known.
    has_text: bool,
    /// Which of the two ways to tell a thought is in use.
    thought: Option<&'static [u8]>,
}

impl State {
    fn read(&mut self, event: &Event<'_>, end: &[u8], on_piece: &mut dyn FnMut(Piece)) -> Result<(), Broken> {
        match &*kind(event) {
            b"response.created" => on_piece(Piece::Usage(gateway_domain::Usage::default())),
            b"response.in_progress" | b"response.queued" | b"keepalive" | b"ping" => on_piece(Piece::Ping),
            b"response.output_item.added" => self.begin(event.data, on_piece)?,
            b"response.output_item.done" => self.finish(event.data, on_piece)?,
            b"response.output_text.delta" => self.tell(Piece::Text, event.data, on_piece)?,
            b"response.refusal.delta" => {
                self.said.has_refused = true;
                self.tell(Piece::Text, event.data, on_piece)?;
            }
            b"response.reasoning_summary_part.added" => self.begin_paragraph(event.data, on_piece)?,
            b"response.reasoning_summary_text.delta" => self.think(b"summary", event.data, on_piece)?,
            b"response.reasoning_text.delta" => self.think(b"content", event.data, on_piece)?,
            b"response.function_call_arguments.delta" | b"response.custom_tool_call_input.delta" => {
                self.tell(Piece::Arguments, event.data, on_piece)?;
            }
            kind @ (b"response.completed" | b"response.incomplete") => {
                self.read_response(event, end);
                let stop = if kind == b"response.completed" {
                    self.said.stop()
                } else {
                    stop_of(event)
                };
                self.is_over = true;
                on_usage(&self.answer, on_piece);
                on_piece(Piece::Stop(stop));
                on_piece(Piece::End);
            }
            b"response.failed" | b"error" => {
                self.read_response(event, end);
                self.is_over = true;
                on_usage(&self.answer, on_piece);
                let said = error::read(event.data).map(|error| error.message);
                on_piece(Piece::Error {
                    kind: error::read_kind(event.data),
                    message: said.unwrap_or_else(|| "The model's provider failed.".to_owned()),
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, data: &[u8], on_piece: &mut dyn FnMut(Piece)) -> Result<(), Broken> {
        let event: ItemEvent<'_> = serde_json::from_slice(data)?;
        let kind: ItemKind<'_> = serde_json::from_str(event.item.get())?;
        self.item = Item {
            place: event.output_index,
            ..Item::default()
        };
        if let kind @ ("function_call" | "custom_tool_call") = &*kind.r#type {
            let call: Call = serde_json::from_str(event.item.get())?;
            self.call(call, kind, on_piece);
        }
        Ok(())
    }

    fn call(&mut self, call: Call, kind: &str, on_piece: &mut dyn FnMut(Piece)) {
        self.said.has_called = true;
        self.item.is_call = true;
        on_piece(Piece::ToolCall {
            id: call.call_id,
            name: call.name,
            signature: None,
            is_text: kind == "custom_tool_call",
        });
    }

    /// Tells what of an item has not come by and by, and what only its end tells.
    fn finish(&mut self, data: &[u8], on_piece: &mut dyn FnMut(Piece)) -> Result<(), Broken> {
        let event: ItemEvent<'_> = serde_json::from_slice(data)?;
        let kind: ItemKind<'_> = serde_json::from_str(event.item.get())?;
        if event.output_index != self.item.place {
            self.item = Item {
                place: event.output_index,
                ..Item::default()
            };
        }
        let json = event.item.get();
        match &*kind.r#type {
            "message" => {
                let message: Message = serde_json::from_str(json)?;
                let has_text = self.item.has_text;
                let texts = message.texts(&mut self.said);
                texts.filter(|_| !has_text).map(Piece::Text).for_each(on_piece);
            }
            kind @ ("function_call" | "custom_tool_call") => {
                let mut call: Call = serde_json::from_str(json)?;
                let arguments = std::mem::take(if kind == "function_call" {
                    &mut call.arguments
                } else {
                    &mut call.input
                });
                if !self.item.is_call {
                    self.call(call, kind, on_piece);
                }
                if !self.item.has_text && !arguments.is_empty() {
                    on_piece(Piece::Arguments(arguments));
                }
            }
            "reasoning" => {
                let reasoning: Reasoning<'_> = serde_json::from_str(json)?;
                let thought = reasoning.thought().unwrap_or_default();
                if !self.item.has_text && !thought.text.is_empty() {
                    on_piece(Piece::Thinking(thought.text));
                }
                match thought.signature {
                    Some(signature) if signature.origin == Origin::AnthropicRedacted => {
                        on_piece(Piece::Redacted(signature));
                    }
                    Some(signature) => on_piece(Piece::Signature(signature)),
                    None => {}
                }
            }
            _ => {}
        }
        // What comes next is no part of it.
        self.item = Item::default();
        Ok(())
    }

    /// Tells a delta. One of an item that is not begun while another comes would be taken for a part of that other.
    fn tell(
        &mut self,
        piece: fn(String) -> Piece,
        data: &[u8],
        on_piece: &mut dyn FnMut(Piece),
    ) -> Result<(), Broken> {
        let Delta { output_index, delta } = serde_json::from_slice(data)?;
        if let (Some(place), Some(of)) = (self.item.place, output_index)
            && place != of
        {
            return Err(Broken);
        }
        if !delta.is_empty() {
            self.item.has_text = true;
            on_piece(piece(delta));
        }
        Ok(())
    }

    /// Thoughts are told in summary or in full; of a thought that is told in both ways, as its first words were.
    fn think(
        &mut self,
        way: &'static [u8],
        data: &[u8],
        on_piece: &mut dyn FnMut(Piece),
    ) -> Result<(), Broken> {
        if *self.item.thought.get_or_insert(way) == way {
            self.tell(Piece::Thinking, data, on_piece)?;
        }
        Ok(())
    }

    fn begin_paragraph(&mut self, data: &[u8], on_piece: &mut dyn FnMut(Piece)) -> Result<(), Broken> {
        let part: SummaryPart = serde_json::from_slice(data)?;
        if part.summary_index.is_some_and(|index| index > 0) && self.item.has_text {
            on_piece(Piece::Thinking(PARAGRAPH.to_owned()));
        }
        Ok(())
    }

    fn read_response(&mut self, event: &Event<'_>, end: &[u8]) {
        if event.is_whole() {
            self.answer.read_event(event.data);
        } else {
            self.answer.read_ends(event.data, end);
        }
    }
}

fn on_usage(answer: &Answer, on_piece: &mut dyn FnMut(Piece)) {
    if let Some(usage) = answer.usage() {
        on_piece(Piece::Usage(usage));
    }
}

/// Why an incomplete answer is not complete. It says so before its items.
fn stop_of(event: &Event<'_>) -> Stop {
    let details = broken_response(event.data)
        .and_then(|response| json::member(response, b"incomplete_details"))
        .and_then(|details| serde_json::from_slice::<IncompleteDetails<'_>>(details).ok());
    incomplete(details.as_ref())
}
