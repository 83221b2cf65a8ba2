use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ErrorKind;
use crate::json;
use crate::sse::{Event, EventReader};
use crate::translation::{Origin, Piece, PieceReader, Signature, Stop};

use super::error;
use super::message::is_signature;
use super::reply::{Kind, explanation};
use super::stop;
use super::usage::CumulativeUsage;

/// The longest event that is told. Real ones have a few kilobytes, but some servers send a call's arguments at once.
const MAX_EVENT: usize = 8 * 1024 * 1024;

const UNREADABLE: &str = "the model's provider sent an event that cannot be read";

/// Tells Anthropic's events piece by piece.
///
/// As in the official SDKs, an event without a name is passed over, and so is one of an unknown name.
pub(super) struct Reader {
    events: EventReader,
    told: Told,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            events: EventReader::new(kept),
            told: Told::default(),
        }
    }
}

impl PieceReader for Reader {
    fn push(&mut self, chunk: &[u8], on_piece: &mut dyn FnMut(Piece)) {
        self.events.push(chunk, |event| {
            if self.told.is_over {
                return;
            }
            if self.told.read(&event, on_piece).is_err() {
                self.told.is_over = true;
                on_piece(Piece::Error {
                    kind: ErrorKind::BadGateway,
                    message: UNREADABLE.to_owned(),
                });
            }
        });
    }
}

fn kept(name: &[u8]) -> usize {
    match name {
        // The name may stand below the data.
        b""
        | b"message_start"
        | b"content_block_start"
        | b"content_block_delta"
        | b"message_delta"
        | b"error" => MAX_EVENT,
        _ => 0,
    }
}

/// How far the stream has been told.
#[derive(Default)]
struct Told {
    usage: CumulativeUsage,
    block: Block,
    is_over: bool,
}

/// The block that is open.
#[derive(Default)]
enum Block {
    /// A text, or none.
    #[default]
    Text,
    Thinking {
        is_signed: bool,
    },
    /// A call, and the arguments that came with its beginning: they count if no others come.
    ToolUse(Option<Box<RawValue>>),
    /// What the provider does by itself.
    Passed,
}

#[derive(Deserialize)]
struct BlockStart<'a> {
    #[serde(borrow)]
    content_block: &'a RawValue,
}

#[derive(Deserialize)]
struct StartedBlock {
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct BlockDelta {
    delta: Delta,
}

#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    partial_json: Option<String>,
}

#[derive(Deserialize)]
struct MessageDelta<'a> {
    #[serde(borrow)]
    delta: Option<Ending<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Ending<'a> {
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
    stop_sequence: Option<String>,
    #[serde(borrow)]
    stop_details: Option<&'a RawValue>,
}

type OnPiece<'a> = &'a mut dyn FnMut(Piece);

impl Told {
    fn read(&mut self, event: &Event<'_>, on_piece: OnPiece<'_>) -> Result<(), serde_json::Error> {
        match event.name {
            b"ping" => on_piece(Piece::Ping),
            b"message_start" => self.start(event.data, on_piece),
            b"content_block_start" => self.start_block(event.data, on_piece)?,
            // What a block holds that is passed over may be of any length.
            b"content_block_delta" if matches!(self.block, Block::Passed) => {}
            b"content_block_delta" => self.go_on(event.data, on_piece)?,
            b"content_block_stop" => self.end_block(on_piece),
            b"message_delta" => self.end_message(event.data, on_piece)?,
            b"message_stop" => {
                self.is_over = true;
                on_piece(Piece::End);
            }
            b"error" => {
                self.is_over = true;
                let (kind, message) = error::read_event(event.data);
                on_piece(Piece::Error { kind, message });
            }
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, data: &[u8], on_piece: OnPiece<'_>) {
        let usage = json::member(data, b"message").and_then(|message| json::member(message, b"usage"));
        if let Some(usage) = usage {
            self.usage.overwrite(usage);
        }
        // Even of no usage: it says that the answer begins.
        on_piece(Piece::Usage(self.usage.usage().unwrap_or_default()));
    }

    fn start_block(&mut self, data: &[u8], on_piece: OnPiece<'_>) -> Result<(), serde_json::Error> {
        self.end_block(on_piece);
        let BlockStart { content_block } = serde_json::from_slice(data)?;
        let kind: Kind<'_> = serde_json::from_str(content_block.get())?;
        if !matches!(
            &*kind.name,
            "text" | "thinking" | "redacted_thinking" | "tool_use"
        ) {
            self.block = Block::Passed;
            return Ok(());
        }
        let block: StartedBlock = serde_json::from_str(content_block.get())?;
        match &*kind.name {
            "text" => tell(block.text, Piece::Text, on_piece),
            "thinking" => {
                self.block = Block::Thinking { is_signed: false };
                tell(block.thinking, Piece::Thinking, on_piece);
                self.sign(block.signature, on_piece);
            }
            "redacted_thinking" => {
                self.block = Block::Passed;
                let data = block.data.unwrap_or_default();
                on_piece(Piece::Redacted(Signature::new(Origin::AnthropicRedacted, data)));
            }
            _ => {
                self.block = Block::ToolUse(block.input.filter(|input| input.get() != "{}"));
                on_piece(Piece::ToolCall {
                    id: block.id.unwrap_or_default(),
                    name: block.name.unwrap_or_default(),
                    signature: None,
                    is_text: false,
                });
            }
        }
        Ok(())
    }

    fn go_on(&mut self, data: &[u8], on_piece: OnPiece<'_>) -> Result<(), serde_json::Error> {
        let BlockDelta { delta } = serde_json::from_slice(data)?;
        tell(delta.text, Piece::Text, on_piece);
        tell(delta.thinking, Piece::Thinking, on_piece);
        self.sign(delta.signature, on_piece);
        if let Block::ToolUse(whole) = &mut self.block
            && let Some(piece) = delta.partial_json.filter(|piece| !piece.is_empty())
        {
            *whole = None;
            on_piece(Piece::Arguments(piece));
        }
        Ok(())
    }

    /// Tells a thought's signature, once.
    fn sign(&mut self, signature: Option<String>, on_piece: OnPiece<'_>) {
        if let Block::Thinking { is_signed } = &mut self.block
            && let Some(signature) = signature.filter(|text| is_signature(text))
            && !std::mem::replace(is_signed, true)
        {
            on_piece(Piece::Signature(Signature::new(Origin::Anthropic, signature)));
        }
    }

    fn end_block(&mut self, on_piece: OnPiece<'_>) {
        if let Block::ToolUse(Some(whole)) = std::mem::take(&mut self.block) {
            on_piece(Piece::Arguments(whole.get().to_owned()));
        }
    }

    fn end_message(&mut self, data: &[u8], on_piece: OnPiece<'_>) -> Result<(), serde_json::Error> {
        let MessageDelta { delta, usage } = serde_json::from_slice(data)?;
        if let Some(Ending {
            stop_reason: Some(word),
            stop_sequence,
            stop_details,
        }) = delta
        {
            let stop = stop::read(Some(&word), stop_sequence);
            if stop == Stop::Refusal {
                tell(stop_details.and_then(explanation), Piece::Text, on_piece);
            }
            on_piece(Piece::Stop(stop));
        }
        if let Some(object) = usage {
            self.usage.overwrite(object.get().as_bytes());
            self.usage
                .usage()
                .map(Piece::Usage)
                .into_iter()
                .for_each(on_piece);
        }
        Ok(())
    }
}

fn tell(text: Option<String>, piece: fn(String) -> Piece, on_piece: OnPiece<'_>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        on_piece(piece(text));
    }
}
