use bytes::Bytes;
use serde::Serialize;

use gateway_domain::Usage;

use crate::ErrorAnswer;
use crate::json;
use crate::translation::{Piece, PieceWriter, ReplyTerms, Stop};

use super::super::super::error;
use super::super::completion::finish_reason;
use super::super::usage::WrittenUsage;
use super::super::{KEEP_ALIVE, event};

/// Writes a stream of chunks.
pub(in super::super) struct Writer {
    id: String,
    created: i64,
    model: String,
    include_usage: bool,
    has_begun: bool,
    has_stopped: bool,
    usage: Option<Usage>,
    /// How many calls have begun.
    calls: u32,
    call: Option<OpenCall>,
}

/// The call that began last.
#[derive(Clone, Copy)]
struct OpenCall {
    index: u32,
    is_text: bool,
    has_arguments: bool,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    system_fingerprint: (),
    choices: &'a [Choice<'a>],
    /// The outer `Option` tells whether the member is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<WrittenUsage>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: (),
    finish_reason: Option<&'static str>,
}

#[derive(Serialize, Default)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[Call<'a>; 1]>,
}

#[derive(Serialize)]
struct Call<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Custom<'a>>,
}

#[derive(Serialize)]
struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[derive(Serialize)]
struct Custom<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    input: &'a str,
}

impl<'a> Call<'a> {
    fn new(call: OpenCall, id: Option<&'a str>, name: Option<&'a str>, arguments: &'a str) -> Self {
        let (function, custom) = if call.is_text {
            (
                None,
                Some(Custom {
                    name,
                    input: arguments,
                }),
            )
        } else {
            (Some(Function { name, arguments }), None)
        };
        let r#type = if call.is_text { "custom" } else { "function" };
        Self {
            index: call.index,
            id,
            r#type: id.map(|_| r#type),
            function,
            custom,
        }
    }
}

impl Writer {
    pub(in super::super) fn new(terms: &ReplyTerms) -> Self {
        Self {
            id: format!("chatcmpl-{}", terms.id),
            created: terms.created_at,
            model: terms.model.clone(),
            include_usage: terms.include_usage,
            has_begun: false,
            has_stopped: false,
            usage: None,
            calls: 0,
            call: None,
        }
    }

    /// The role, before anything else.
    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            let delta = Delta {
                role: Some("assistant"),
                content: Some(""),
                ..Delta::default()
            };
            self.say(delta, None, out);
        }
    }

    /// Ends the open call: the SDKs read its arguments as JSON, which nothing at all is not.
    fn end_call(&mut self, out: &mut Vec<u8>) {
        if let Some(call) = self.call.take()
            && !call.is_text
            && !call.has_arguments
        {
            self.say_call(Call::new(call, None, None, "{}"), out);
        }
    }

    fn begin_call(&mut self, id: &str, name: &str, is_text: bool, out: &mut Vec<u8>) {
        self.end_call(out);
        let call = OpenCall {
            index: self.calls,
            is_text,
            has_arguments: false,
        };
        self.calls += 1;
        self.call = Some(call);
        self.say_call(Call::new(call, Some(id), Some(name), ""), out);
    }

    fn stop(&mut self, stop: &Stop, out: &mut Vec<u8>) {
        self.end_call(out);
        if !std::mem::replace(&mut self.has_stopped, true) {
            self.say(Delta::default(), Some(finish_reason(stop)), out);
        }
    }

    fn say_call(&self, call: Call<'_>, out: &mut Vec<u8>) {
        let delta = Delta {
            tool_calls: Some([call]),
            ..Delta::default()
        };
        self.say(delta, None, out);
    }

    fn say(&self, delta: Delta<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        let choice = Choice {
            index: 0,
            delta,
            logprobs: (),
            finish_reason,
        };
        // With the usage at the end, every other chunk says that it has none.
        self.write_chunk(&[choice], self.include_usage.then_some(None), out);
    }

    fn write_chunk(&self, choices: &[Choice<'_>], usage: Option<Option<WrittenUsage>>, out: &mut Vec<u8>) {
        let json: Bytes = json::to_bytes(&Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            system_fingerprint: (),
            choices,
            usage,
        });
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&json);
        out.extend_from_slice(b"\n\n");
    }
}

impl PieceWriter for Writer {
    fn write(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        if !matches!(piece, Piece::Ping) {
            self.begin(out);
        }
        match piece {
            Piece::Usage(usage) => self.usage = Some(usage.clone()),
            Piece::Text(text) => {
                self.end_call(out);
                let delta = Delta {
                    content: Some(text),
                    ..Delta::default()
                };
                self.say(delta, None, out);
            }
            Piece::Thinking(text) => {
                self.end_call(out);
                let delta = Delta {
                    reasoning_content: Some(text),
                    ..Delta::default()
                };
                self.say(delta, None, out);
            }
            Piece::ToolCall {
                id, name, is_text, ..
            } => self.begin_call(id, name, *is_text, out),
            Piece::Arguments(text) => {
                if let Some(call) = &mut self.call {
                    call.has_arguments = true;
                    let call = *call;
                    self.say_call(Call::new(call, None, None, text), out);
                }
            }
            Piece::Stop(stop) => self.stop(stop, out),
            Piece::Ping => out.extend_from_slice(KEEP_ALIVE),
            // There is no place for signatures, and clients would not send them back.
            Piece::Signature(_) | Piece::Redacted(_) | Piece::End | Piece::Error { .. } => {}
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        let stop = if self.calls > 0 {
            Stop::ToolUse
        } else {
            Stop::EndTurn
        };
        self.stop(&stop, out);
        if self.include_usage
            && let Some(usage) = &self.usage
        {
            self.write_chunk(&[], Some(Some(usage.into())), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn fail(&mut self, error: &ErrorAnswer<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&event(&error::error_body(error)));
    }
}
