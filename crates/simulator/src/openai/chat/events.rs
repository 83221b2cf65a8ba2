use super::super::ApiError;
use super::super::json::{piece_end, put, put_text};
use super::super::usage::billed_so_far;
use super::choice::{Completion, ToolCall};
use crate::dialect::{Event, Events};
use crate::error;
use crate::record::Billed;
use crate::tokens::tokens;

/// A chat completion as chunks, written one by one.
#[derive(Debug)]
pub(super) struct Chunks {
    completion: Completion,
    includes_usage: bool,
    stage: Stage,
    /// Output tokens in the chunks so far.
    written: u64,
    has_content: bool,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Role,
    /// A delta, from this byte of what the model thinks, says or calls with.
    Reasoning(usize),
    Text(usize),
    CallStart(usize),
    CallInput(usize, usize),
    Finish,
    Usage,
    Done,
    End,
}

impl Chunks {
    pub(super) const fn new(completion: Completion, includes_usage: bool) -> Self {
        Self {
            completion,
            includes_usage,
            stage: Stage::Role,
            written: 0,
            has_content: false,
        }
    }

    /// The stage that follows the content before call number `call`.
    fn call_or_end(&self, call: usize) -> Stage {
        if call < self.completion.calls.len() {
            Stage::CallStart(call)
        } else {
            Stage::Finish
        }
    }

    fn input_or_call(&self, at: usize, from: usize) -> Stage {
        if from < self.completion.calls[at].input.len() {
            Stage::CallInput(at, from)
        } else {
            self.call_or_end(at + 1)
        }
    }

    fn text_or_calls(&self, from: usize) -> Stage {
        if from < self.completion.text.len() {
            Stage::Text(from)
        } else {
            self.call_or_end(0)
        }
    }

    fn reasoning_or_text(&self, from: usize) -> Stage {
        if from < self.completion.reasoning.len() {
            Stage::Reasoning(from)
        } else {
            self.text_or_calls(0)
        }
    }

    fn put_role(&mut self, out: &mut Vec<u8>) {
        self.open(out);
        out.extend_from_slice(b"{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}");
        self.close(out, None);
        self.stage = self.reasoning_or_text(0);
    }

    fn put_finish(&mut self, out: &mut Vec<u8>) {
        self.open(out);
        out.extend_from_slice(b"{}");
        self.close(out, Some(&self.completion.finish_reason));
        self.stage = if self.includes_usage {
            Stage::Usage
        } else {
            Stage::Done
        };
    }

    /// A delta of a text; where it ends.
    fn put_piece(&mut self, out: &mut Vec<u8>, field: &str, from: usize) -> usize {
        let completion = &self.completion;
        let text = if field == "reasoning_content" {
            &completion.reasoning
        } else {
            &completion.text
        };
        let end = piece_end(text, from, completion.delta_bytes);
        let piece = &text[from..end];
        self.open(out);
        put(out, format_args!("{{\"{field}\":"));
        put_text(out, piece);
        out.push(b'}');
        self.close(out, None);
        self.written += tokens(piece);
        end
    }

    fn put_call_start(&mut self, out: &mut Vec<u8>, at: usize) {
        self.open(out);
        let call = &self.completion.calls[at];
        let (kind, field) = kind_of(call);
        put(
            out,
            format_args!(
                "{{\"tool_calls\":[{{\"index\":{at},\"id\":\"{}\",\"type\":\"{kind}\",\"{kind}\":{{\"name\":",
                call.id
            ),
        );
        put_text(out, &call.name);
        put(out, format_args!(",\"{field}\":\"\"}}}}]}}"));
        self.close(out, None);
        // A call's own cost is not in the pieces of its input.
        self.written += call.tokens().saturating_sub(tokens(&call.input));
    }

    /// A piece of a call's input; where it ends.
    fn put_call_piece(&mut self, out: &mut Vec<u8>, at: usize, from: usize) -> usize {
        self.open(out);
        let call = &self.completion.calls[at];
        let (kind, field) = kind_of(call);
        let end = piece_end(&call.input, from, self.completion.delta_bytes);
        let piece = &call.input[from..end];
        put(
            out,
            format_args!("{{\"tool_calls\":[{{\"index\":{at},\"{kind}\":{{\"{field}\":"),
        );
        put_text(out, piece);
        out.extend_from_slice(b"}}]}");
        self.close(out, None);
        self.written += tokens(piece);
        end
    }

    /// Everything before a delta.
    fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        self.completion.put_start(out, "chat.completion.chunk");
        self.completion.put_tier(out);
        out.extend_from_slice(b",\"choices\":[{\"index\":0,\"delta\":");
    }

    /// Everything after a delta.
    fn close(&self, out: &mut Vec<u8>, finish_reason: Option<&str>) {
        out.extend_from_slice(b",\"logprobs\":null,\"finish_reason\":");
        match finish_reason {
            Some(reason) => put_text(out, reason),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b"}]");
        if self.includes_usage {
            out.extend_from_slice(b",\"usage\":null");
        }
        out.extend_from_slice(b"}\n\n");
    }

    fn put_usage(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        self.completion.put_start(out, "chat.completion.chunk");
        self.completion.put_tier(out);
        out.extend_from_slice(b",\"choices\":[],\"usage\":");
        self.completion.put_usage(out);
        out.extend_from_slice(b"}\n\n");
    }

    /// What an event with content is, as far as the pace depends on it.
    fn content(&mut self) -> Event {
        if std::mem::replace(&mut self.has_content, true) {
            Event::Delta
        } else {
            self.written += self.completion.hidden_tokens;
            Event::FirstContent
        }
    }
}

fn kind_of(call: &ToolCall) -> (&'static str, &'static str) {
    if call.is_custom {
        ("custom", "input")
    } else {
        ("function", "arguments")
    }
}

impl Events for Chunks {
    fn content_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Option<Event> {
        match self.stage {
            Stage::Role => {
                self.put_role(out);
                return Some(Event::Head);
            }
            Stage::Reasoning(from) => {
                let end = self.put_piece(out, "reasoning_content", from);
                self.stage = self.reasoning_or_text(end);
                return Some(self.content());
            }
            Stage::Text(from) => {
                let field = if self.completion.is_refusal {
                    "refusal"
                } else {
                    "content"
                };
                let end = self.put_piece(out, field, from);
                self.stage = self.text_or_calls(end);
                return Some(self.content());
            }
            Stage::CallStart(at) => {
                self.put_call_start(out, at);
                self.stage = self.input_or_call(at, 0);
                return Some(self.content());
            }
            Stage::CallInput(at, from) => {
                let end = self.put_call_piece(out, at, from);
                self.stage = self.input_or_call(at, end);
                return Some(Event::Delta);
            }
            Stage::Finish => self.put_finish(out),
            Stage::Usage => {
                self.put_usage(out);
                self.stage = Stage::Done;
            }
            Stage::Done => {
                out.extend_from_slice(b"data: [DONE]\n\n");
                self.stage = Stage::End;
            }
            Stage::End => return None,
        }
        Some(Event::Frame)
    }

    fn billed(&self) -> Billed {
        let usage = &self.completion.usage;
        match self.stage {
            Stage::Role => Billed::default(),
            Stage::Usage | Stage::Done | Stage::End => Billed {
                messages: 1,
                tokens: usage.tokens,
                web_searches: usage.web_searches,
            },
            _ => billed_so_far(usage.tokens, self.written, usage.web_searches),
        }
    }

    fn fail(&mut self, error: &error::ApiError, _: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&ApiError::worded(error).body());
        out.extend_from_slice(b"\n\n");
    }

    fn ping(&self) -> &'static [u8] {
        b": keep-alive\n\n"
    }
}
