use gateway_domain::Usage;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::ErrorAnswer;
use crate::translation::{Piece, PieceWriter, ReplyTerms, Signature, Stop};

use super::error;
use super::message::{self, Content, Counts, Message};
use super::stop;

/// Writes an answer as Anthropic's events.
pub(super) struct Writer {
    terms: ReplyTerms,
    usage: Usage,
    has_begun: bool,
    /// How many blocks there were before the one that is open.
    index: usize,
    open: Open,
    calls_tools: bool,
    stop: Option<Stop>,
}

/// The block that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    None,
    Text,
    Thinking,
    Redacted,
    ToolUse,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event<'a> {
    MessageStart {
        message: Message<'a>,
    },
    ContentBlockStart {
        index: usize,
        content_block: Content<'a>,
    },
    ContentBlockDelta {
        index: usize,
        delta: Delta<'a>,
    },
    ContentBlockStop {
        index: usize,
    },
    MessageDelta {
        delta: Ending<'a>,
        usage: Counts,
    },
    MessageStop,
    Ping,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

#[derive(Serialize)]
struct Ending<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    stop_details: Option<()>,
}

impl Event<'_> {
    const fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
            Self::Ping => "ping",
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(self.name().as_bytes());
        out.extend_from_slice(b"\ndata: ");
        serde_json::to_writer(&mut *out, self).expect("strings, numbers and JSON always serialize");
        out.extend_from_slice(b"\n\n");
    }
}

impl Writer {
    pub(super) fn new(terms: &ReplyTerms) -> Self {
        Self {
            terms: terms.clone(),
            usage: Usage::default(),
            has_begun: false,
            index: 0,
            open: Open::None,
            calls_tools: false,
            stop: None,
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            let message = Message::new(&self.terms, &self.usage);
            Event::MessageStart { message }.write(out);
        }
    }

    /// Opens a block for a text or a thought, unless one is open.
    fn open(&mut self, kind: Open, content_block: Content<'_>, out: &mut Vec<u8>) {
        if self.open != kind {
            self.open_anew(kind, content_block, out);
        }
    }

    fn open_anew(&mut self, kind: Open, content_block: Content<'_>, out: &mut Vec<u8>) {
        self.close(out);
        let index = self.index;
        Event::ContentBlockStart { index, content_block }.write(out);
        self.open = kind;
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open == Open::Thinking {
            self.close_thinking(None, out);
        } else {
            self.close_block(out);
        }
    }

    fn close_thinking(&mut self, signature: Option<&Signature>, out: &mut Vec<u8>) {
        let signature = &message::signature(signature);
        self.delta(Delta::Signature { signature }, out);
        self.close_block(out);
    }

    fn close_block(&mut self, out: &mut Vec<u8>) {
        if self.open != Open::None {
            Event::ContentBlockStop { index: self.index }.write(out);
            self.index += 1;
            self.open = Open::None;
        }
    }

    fn delta(&self, delta: Delta<'_>, out: &mut Vec<u8>) {
        let index = self.index;
        Event::ContentBlockDelta { index, delta }.write(out);
    }

    fn call(&mut self, id: &str, name: &str, out: &mut Vec<u8>) {
        let input: &RawValue = serde_json::from_str("{}").expect("it is JSON");
        self.calls_tools = true;
        self.open_anew(Open::ToolUse, Content::ToolUse { id, name, input }, out);
    }
}

const NO_TEXT: Content<'_> = Content::Text { text: "" };
const NO_THINKING: Content<'_> = Content::Thinking {
    thinking: "",
    signature: std::borrow::Cow::Borrowed(""),
};

impl PieceWriter for Writer {
    fn write(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        match piece {
            Piece::Ping => {
                if self.has_begun {
                    Event::Ping.write(out);
                }
                return;
            }
            Piece::Usage(usage) => self.usage = usage.clone(),
            _ => {}
        }
        self.begin(out);
        match piece {
            Piece::Text(text) => {
                self.open(Open::Text, NO_TEXT, out);
                self.delta(Delta::Text { text }, out);
            }
            Piece::Thinking(thinking) => {
                self.open(Open::Thinking, NO_THINKING, out);
                self.delta(Delta::Thinking { thinking }, out);
            }
            Piece::Signature(signature) => {
                self.open(Open::Thinking, NO_THINKING, out);
                self.close_thinking(Some(signature), out);
            }
            Piece::Redacted(signature) => {
                let data = message::redacted(signature);
                self.open_anew(Open::Redacted, Content::RedactedThinking { data }, out);
                self.close_block(out);
            }
            Piece::ToolCall { id, name, .. } => self.call(id, name, out),
            Piece::Arguments(partial_json) => {
                if self.open == Open::ToolUse {
                    self.delta(Delta::InputJson { partial_json }, out);
                }
            }
            Piece::Stop(stop) => {
                self.close(out);
                self.stop = Some(stop.clone());
            }
            Piece::Usage(_) | Piece::Ping | Piece::End | Piece::Error { .. } => {}
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        self.close(out);
        let stop = self.stop.take().unwrap_or(Stop::EndTurn);
        let (stop_reason, stop_sequence) = stop::write(&stop, self.calls_tools);
        let delta = Ending {
            stop_reason,
            stop_sequence,
            stop_details: None,
        };
        let usage = Counts::of(&self.usage);
        Event::MessageDelta { delta, usage }.write(out);
        Event::MessageStop.write(out);
    }

    fn fail(&mut self, error: &ErrorAnswer<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&error::event(&error::body(error)));
    }
}
