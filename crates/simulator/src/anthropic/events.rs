use std::io::Write;

use gateway_domain::Usage;
use serde_json::json;

use super::compose::{Content, Message};
use super::{ApiError, error};
use crate::dialect::{Event, Events};
use crate::record::Billed;
use crate::tokens::tokens;

const PING: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";

/// A message as server-sent events, written one by one so that an open stream costs no more than its text.
#[derive(Debug)]
pub(crate) struct MessageEvents {
    message: Message,
    stage: Stage,
    /// Output tokens in the events so far.
    written: u64,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Start,
    Ping,
    BlockStart(usize),
    /// The empty piece of JSON that a call begins with.
    EmptyJson(usize),
    /// A delta of a block, from this byte of it.
    Delta(usize, usize),
    Signature(usize),
    BlockStop(usize),
    MessageDelta,
    Stop,
    Done,
}

impl MessageEvents {
    pub(crate) const fn new(message: Message) -> Self {
        Self {
            message,
            stage: Stage::Start,
            written: 0,
        }
    }
}

impl Events for MessageEvents {
    fn content_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    fn billed(&self) -> Billed {
        let mut billed = Billed {
            messages: 1,
            tokens: self.message.usage.tokens,
            web_searches: self.message.usage.web_searches,
        };
        match self.stage {
            Stage::Start => return Billed::default(),
            Stage::Stop | Stage::Done => {}
            _ => {
                let reported = self.message.usage.tokens.output;
                billed.tokens.output = self.written.max(1).min(reported);
                billed.tokens.reasoning = billed.tokens.reasoning.min(billed.tokens.output);
            }
        }
        billed
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Option<Event> {
        match self.stage {
            Stage::Start => {
                self.start(out);
                self.stage = Stage::Ping;
                Some(Event::Head)
            }
            Stage::Ping => {
                out.extend_from_slice(PING);
                self.stage = self.block_or_end(0);
                Some(Event::Head)
            }
            Stage::BlockStart(at) => {
                self.block_start(at, out);
                Some(if at == 0 {
                    Event::FirstContent
                } else {
                    Event::Frame
                })
            }
            Stage::EmptyJson(at) => {
                open_delta(out, at, "input_json_delta", "partial_json");
                out.extend_from_slice(b"\"\"}}\n\n");
                self.stage = self.after(at, 0);
                Some(Event::Frame)
            }
            Stage::Delta(at, from) => {
                self.delta(at, from, out);
                Some(Event::Delta)
            }
            Stage::Signature(at) => {
                if let Content::Thinking { signature, .. } = &self.message.content[at] {
                    open_delta(out, at, "signature_delta", "signature");
                    put_text(out, signature);
                    out.extend_from_slice(b"}}\n\n");
                }
                self.stage = Stage::BlockStop(at);
                Some(Event::Frame)
            }
            Stage::BlockStop(at) => {
                put(
                    out,
                    format_args!(
                        "event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":{at}}}\n\n"
                    ),
                );
                self.stage = self.block_or_end(at + 1);
                Some(Event::Frame)
            }
            Stage::MessageDelta => {
                self.message_delta(out);
                self.stage = Stage::Stop;
                Some(Event::Frame)
            }
            Stage::Stop => {
                out.extend_from_slice(b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
                self.stage = Stage::Done;
                Some(Event::Frame)
            }
            Stage::Done => None,
        }
    }

    fn fail(&mut self, error: &ApiError, request_id: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: error\ndata: ");
        out.extend_from_slice(&error::body(error, request_id));
        out.extend_from_slice(b"\n\n");
    }

    fn ping(&self) -> &'static [u8] {
        PING
    }
}

impl MessageEvents {
    fn block_or_end(&self, at: usize) -> Stage {
        if at < self.message.content.len() {
            Stage::BlockStart(at)
        } else {
            Stage::MessageDelta
        }
    }

    fn start(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(
            b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":",
        );
        put_text(out, &self.message.model);
        out.extend_from_slice(b",\"id\":");
        put_text(out, &self.message.id);
        out.extend_from_slice(
            b",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\
              \"stop_details\":null,\"usage\":",
        );
        put_usage(out, &self.message.usage, self.message.usage.tokens.output.min(1));
        out.extend_from_slice(b"}}\n\n");
    }

    fn block_start(&mut self, at: usize, out: &mut Vec<u8>) {
        put(
            out,
            format_args!(
                "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":{at},\"content_block\":"
            ),
        );
        let block = &self.message.content[at];
        put_block(out, block, Form::Start);
        out.extend_from_slice(b"}\n\n");
        // What has no deltas is written with its start; a call's own cost is not in its input's deltas.
        self.written += match block {
            Content::Text(_) => 0,
            Content::Thinking { text, tokens, .. } if text.is_empty() => *tokens,
            Content::Thinking { .. } => 0,
            other => other.tokens().saturating_sub(tokens(text_of(other))),
        };
        self.stage = match block {
            Content::ToolUse { .. } | Content::WebSearch { .. } => Stage::EmptyJson(at),
            Content::Text(_) | Content::Thinking { .. } | Content::WebSearchResult { .. } => {
                self.after(at, 0)
            }
        };
    }

    /// Where a block goes on after so many bytes of it.
    fn after(&self, at: usize, from: usize) -> Stage {
        let block = &self.message.content[at];
        if from < text_of(block).len() {
            Stage::Delta(at, from)
        } else if matches!(block, Content::Thinking { .. }) {
            Stage::Signature(at)
        } else {
            Stage::BlockStop(at)
        }
    }

    fn delta(&mut self, at: usize, from: usize, out: &mut Vec<u8>) {
        let block = &self.message.content[at];
        let text = text_of(block);
        let mut end = (from + self.message.delta_bytes).min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let piece = &text[from..end];
        match block {
            Content::Thinking { .. } => open_delta(out, at, "thinking_delta", "thinking"),
            Content::ToolUse { .. } | Content::WebSearch { .. } => {
                open_delta(out, at, "input_json_delta", "partial_json");
            }
            Content::Text(_) | Content::WebSearchResult { .. } => open_delta(out, at, "text_delta", "text"),
        }
        put_text(out, piece);
        out.extend_from_slice(b"}}\n\n");
        self.written += tokens(piece);
        self.stage = self.after(at, end);
    }

    fn message_delta(&self, out: &mut Vec<u8>) {
        let message = &self.message;
        out.extend_from_slice(
            b"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":",
        );
        put_text(out, &message.stop_reason);
        out.extend_from_slice(b",\"stop_sequence\":");
        put_option(out, message.stop_sequence.as_deref());
        let tokens = message.usage.tokens;
        put(
            out,
            format_args!(
                ",\"stop_details\":null}},\"usage\":{{\"input_tokens\":{},\"cache_creation_input_tokens\":{},\
             \"cache_read_input_tokens\":{},\"output_tokens\":{}",
                tokens.input,
                tokens.cache_write_5m + tokens.cache_write_1h,
                tokens.cache_read,
                tokens.output
            ),
        );
        put_details(out, &message.usage);
        out.extend_from_slice(b"}}\n\n");
    }
}

/// The message as one JSON object.
pub(crate) fn whole(message: &Message) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"{\"model\":");
    put_text(&mut out, &message.model);
    out.extend_from_slice(b",\"id\":");
    put_text(&mut out, &message.id);
    out.extend_from_slice(b",\"type\":\"message\",\"role\":\"assistant\",\"content\":[");
    for (at, block) in message.content.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put_block(&mut out, block, Form::Whole);
    }
    out.extend_from_slice(b"],\"stop_reason\":");
    put_text(&mut out, &message.stop_reason);
    out.extend_from_slice(b",\"stop_sequence\":");
    put_option(&mut out, message.stop_sequence.as_deref());
    out.extend_from_slice(b",\"stop_details\":null,\"usage\":");
    put_usage(&mut out, &message.usage, message.usage.tokens.output);
    out.push(b'}');
    out
}

/// Whether a block is written as a whole, or as the start that deltas follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    Start,
}

fn put_block(out: &mut Vec<u8>, block: &Content, form: Form) {
    let whole = |text| if form == Form::Whole { text } else { "" };
    match block {
        Content::Text(text) => {
            out.extend_from_slice(b"{\"type\":\"text\",\"text\":");
            put_text(out, whole(text));
            out.push(b'}');
        }
        Content::Thinking { text, signature, .. } => {
            out.extend_from_slice(b"{\"type\":\"thinking\",\"thinking\":");
            put_text(out, whole(text));
            out.extend_from_slice(b",\"signature\":");
            put_text(out, whole(signature));
            out.push(b'}');
        }
        Content::ToolUse { id, name, input } => {
            put_call(
                out,
                "tool_use",
                (id, name),
                if form == Form::Whole { input } else { "{}" },
            );
        }
        Content::WebSearch { id, input } => {
            put_call(
                out,
                "server_tool_use",
                (id, "web_search"),
                if form == Form::Whole { input } else { "{}" },
            );
        }
        Content::WebSearchResult { id } => {
            let result = json!({
                "type": "web_search_tool_result",
                "tool_use_id": id,
                "content": [{
                    "type": "web_search_result",
                    "title": "An example page",
                    "url": "https://example.com/",
                    "encrypted_content": "RXhhbXBsZQ==",
                    "page_age": "1 day ago",
                }],
            });
            put(out, format_args!("{result}"));
        }
    }
}

fn put_call(out: &mut Vec<u8>, kind: &str, (id, name): (&str, &str), input: &str) {
    put(
        out,
        format_args!("{{\"type\":\"{kind}\",\"id\":\"{id}\",\"name\":"),
    );
    put_text(out, name);
    put(out, format_args!(",\"input\":{input}}}"));
}

/// The part of a block that its deltas carry.
fn text_of(block: &Content) -> &str {
    match block {
        Content::Text(text) | Content::Thinking { text, .. } => text,
        Content::ToolUse { input, .. } | Content::WebSearch { input, .. } => input,
        Content::WebSearchResult { .. } => "",
    }
}

fn put_usage(out: &mut Vec<u8>, usage: &Usage, output: u64) {
    let tokens = usage.tokens;
    put(
        out,
        format_args!(
            "{{\"input_tokens\":{},\"cache_creation_input_tokens\":{},\"cache_read_input_tokens\":{},\
         \"cache_creation\":{{\"ephemeral_5m_input_tokens\":{},\"ephemeral_1h_input_tokens\":{}}},\"output_tokens\":{output}",
            tokens.input,
            tokens.cache_write_5m + tokens.cache_write_1h,
            tokens.cache_read,
            tokens.cache_write_5m,
            tokens.cache_write_1h,
        ),
    );
    if output == tokens.output {
        put_details(out, usage);
    }
    for (name, value) in [
        ("service_tier", &usage.service_tier),
        ("inference_geo", &usage.inference_geo),
        ("speed", &usage.speed),
    ] {
        if let Some(value) = value {
            put(out, format_args!(",\"{name}\":"));
            put_text(out, value);
        }
    }
    out.push(b'}');
}

/// The parts of a usage that only its end knows.
fn put_details(out: &mut Vec<u8>, usage: &Usage) {
    if usage.tokens.reasoning > 0 {
        put(
            out,
            format_args!(
                ",\"output_tokens_details\":{{\"thinking_tokens\":{}}}",
                usage.tokens.reasoning
            ),
        );
    }
    if usage.web_searches > 0 {
        put(
            out,
            format_args!(
                ",\"server_tool_use\":{{\"web_search_requests\":{},\"web_fetch_requests\":0}}",
                usage.web_searches
            ),
        );
    }
}

fn open_delta(out: &mut Vec<u8>, at: usize, kind: &str, field: &str) {
    put(
        out,
        format_args!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{at},\"delta\":{{\
         \"type\":\"{kind}\",\"{field}\":"
        ),
    );
}

fn put_option(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => put_text(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string is always JSON, and a vector takes every byte");
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes every byte");
}
