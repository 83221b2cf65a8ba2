use std::borrow::Cow;

use bytes::Bytes;
use gateway_domain::Usage;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::ErrorAnswer;
use crate::json;
use crate::translation::{self, Balance, Piece, PieceWriter, Reply, ReplyTerms, Signature, Stop, ToolCall};

use super::framing::Framer;
use super::wire::{Arguments, Content, FunctionCall, Part};
use super::{error, finish, signature, usage};

/// Told to clients whose model was cut off by its provider for no reason that Gemini has a word for.
const PAUSED: &str = "The model paused. Send the conversation again to let it go on.";

/// A whole answer, or one event of a stream.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    candidates: [Candidate<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_metadata: Option<usage::Told>,
    model_version: &'a str,
    response_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_message: Option<&'static str>,
    index: u32,
}

/// How an answer ends.
struct Ending<'a> {
    reason: &'static str,
    message: Option<&'static str>,
    usage: Option<&'a Usage>,
}

impl<'a> Ending<'a> {
    fn of(stop: &Stop, usage: Option<&'a Usage>) -> Self {
        Self {
            reason: finish::reason(stop),
            message: (*stop == Stop::Pause).then_some(PAUSED),
            usage,
        }
    }
}

fn response<'a>(
    mut parts: Vec<Part<'a>>,
    ending: Option<Ending<'_>>,
    model_version: &'a str,
    response_id: &'a str,
) -> Bytes {
    if parts.is_empty() {
        // Google's SDK forgets a turn that ends without any part.
        parts.push(Part::text(""));
    }
    json::to_bytes(&Response {
        usage_metadata: ending
            .as_ref()
            .and_then(|ending| ending.usage)
            .map(usage::Told::of),
        candidates: [Candidate {
            content: Content {
                parts,
                role: Some("model"),
            },
            finish_reason: ending.as_ref().map(|ending| ending.reason),
            finish_message: ending.and_then(|ending| ending.message),
            index: 0,
        }],
        model_version,
        response_id,
    })
}

/// See [`Translate::write_reply`](crate::translation::Translate::write_reply).
pub(super) fn whole(reply: &Reply, terms: &ReplyTerms) -> Bytes {
    let mut calls = Calls::default();
    let parts = reply.parts.iter().filter_map(|part| match part {
        translation::Part::Text(text) => Some(Part::text(text.as_str())),
        translation::Part::Thinking(thought) => {
            let signature = thought.signature.as_ref().map(signature::write);
            Some(Part::thought(thought.text.as_str(), signature.map(Cow::Owned)))
        }
        translation::Part::ToolCall(call) => Some(calls.part(call)),
        // No model's answer has them.
        translation::Part::Media(_) | translation::Part::ToolResult(_) => None,
    });
    let ending = Ending::of(&reply.stop, reply.usage.as_ref());
    response(parts.collect(), Some(ending), &terms.model, &terms.id)
}

/// The calls of an answer.
#[derive(Default)]
struct Calls {
    has_begun: bool,
}

impl Calls {
    /// The next one. The first always has a signature: newer models of Gemini's, to which the conversation may move,
    /// refuse it without one.
    fn part<'a>(&mut self, call: &'a ToolCall) -> Part<'a> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let own = call.signature.as_ref().map(signature::write).map(Cow::Owned);
        Part {
            function_call: Some(FunctionCall {
                id: Cow::Borrowed(&call.id),
                name: &call.name,
                args: Arguments::from(&*call.arguments),
            }),
            thought_signature: own.or_else(|| is_first.then_some(Cow::Borrowed(signature::FOREIGN))),
            ..Part::default()
        }
    }
}

/// Writes a streamed answer.
pub(super) struct Writer {
    framer: Framer,
    model: String,
    id: String,
    usage: Option<Usage>,
    stop: Option<Stop>,
    /// Whose arguments are still coming.
    call: Option<OpenCall>,
    calls: Calls,
    /// Whether a call had to be left out because its arguments made no sense.
    is_malformed: bool,
}

/// A call in the making: Gemini's come whole.
struct OpenCall {
    id: String,
    name: String,
    signature: Option<Signature>,
    is_text: bool,
    arguments: String,
    balance: Balance,
}

impl OpenCall {
    /// `None` if its arguments are no JSON: its model was cut off.
    fn close(self) -> Option<ToolCall> {
        let json = match self.arguments {
            text if self.is_text => String::from_utf8_lossy(&json::to_bytes(&text)).into_owned(),
            empty if empty.is_empty() => "{}".to_owned(),
            json => json,
        };
        Some(ToolCall {
            id: self.id,
            name: self.name,
            arguments: RawValue::from_string(json).ok()?,
            signature: self.signature,
        })
    }
}

impl Writer {
    pub(super) fn new(terms: &ReplyTerms) -> Self {
        Self {
            framer: Framer::new(terms.framing),
            model: terms.model.clone(),
            id: terms.id.clone(),
            usage: None,
            stop: None,
            call: None,
            calls: Calls::default(),
            is_malformed: false,
        }
    }

    fn say(&mut self, part: Part<'_>, out: &mut Vec<u8>) {
        self.close_call(out);
        let chunk = response(vec![part], None, &self.model, &self.id);
        self.framer.part(&chunk, out);
    }

    fn close_call(&mut self, out: &mut Vec<u8>) {
        if let Some(call) = self.take_call() {
            let chunk = response(vec![self.calls.part(&call)], None, &self.model, &self.id);
            self.framer.part(&chunk, out);
        }
    }

    fn take_call(&mut self) -> Option<ToolCall> {
        let call = self.call.take()?.close();
        self.is_malformed |= call.is_none();
        call
    }

    fn ending(&self) -> Ending<'_> {
        let stop = self.stop.as_ref().unwrap_or(&Stop::EndTurn);
        let ending = Ending::of(stop, self.usage.as_ref());
        if self.is_malformed && matches!(stop, Stop::ToolUse | Stop::EndTurn) {
            return Ending {
                reason: "MALFORMED_FUNCTION_CALL",
                ..ending
            };
        }
        ending
    }
}

impl PieceWriter for Writer {
    fn write(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        match piece {
            Piece::Text(text) => self.say(Part::text(text.as_str()), out),
            Piece::Thinking(text) => self.say(Part::thought(text.as_str(), None), out),
            Piece::Signature(signature) | Piece::Redacted(signature) => {
                let signature = signature::write(signature);
                self.say(Part::thought("", Some(Cow::Owned(signature))), out);
            }
            Piece::ToolCall {
                id,
                name,
                signature,
                is_text,
            } => {
                self.close_call(out);
                self.call = Some(OpenCall {
                    id: id.clone(),
                    name: name.clone(),
                    signature: signature.clone(),
                    is_text: *is_text,
                    arguments: String::new(),
                    balance: Balance::default(),
                });
            }
            Piece::Arguments(more) => {
                if let Some(call) = &mut self.call {
                    call.arguments.push_str(more);
                    call.balance.read(more);
                    // Should the stream break now, the call is whole.
                    if call.balance.is_over() && !call.is_text {
                        self.close_call(out);
                    }
                }
            }
            Piece::Usage(usage) => self.usage = Some(usage.clone()),
            Piece::Stop(stop) => self.stop = Some(stop.clone()),
            Piece::Ping | Piece::End | Piece::Error { .. } => {}
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let call = self.take_call();
        let parts = call.iter().map(|call| self.calls.part(call)).collect();
        let last = response(parts, Some(self.ending()), &self.model, &self.id);
        self.framer.part(&last, out);
        self.framer.end(out);
    }

    fn fail(&mut self, error: &ErrorAnswer<'_>, out: &mut Vec<u8>) {
        self.framer.part(&error::body(error), out);
        self.framer.end(out);
    }
}
