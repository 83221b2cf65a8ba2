use gateway_domain::Usage;

use super::super::json::{free_text, put, put_text};
use super::super::usage::Inclusive;
use super::request::ChatRequest;
use crate::ask::call_tokens;
use crate::draft::{Content, Draft, Stop};
use crate::reply::BLOCKED;

/// A finished chat completion, before it is written as JSON or as chunks.
#[derive(Debug)]
pub(super) struct Completion {
    id: String,
    created: i64,
    model: String,
    service_tier: &'static str,
    fingerprint: String,
    /// What the model thinks, as far as it is shown.
    pub(super) reasoning: String,
    /// Tokens of what it thinks without showing it.
    pub(super) hidden_tokens: u64,
    pub(super) text: String,
    /// Whether the text is a refusal.
    pub(super) is_refusal: bool,
    pub(super) calls: Vec<ToolCall>,
    pub(super) finish_reason: String,
    pub(super) usage: Usage,
    reports_cache_writes: bool,
    /// How many bytes of content one chunk carries.
    pub(super) delta_bytes: usize,
}

#[derive(Debug)]
pub(super) struct ToolCall {
    pub(super) id: String,
    pub(super) name: String,
    /// JSON, or the free text of a custom tool.
    pub(super) input: String,
    pub(super) is_custom: bool,
}

impl ToolCall {
    pub(super) fn tokens(&self) -> u64 {
        call_tokens(&self.name, &self.input)
    }
}

impl Completion {
    pub(super) fn new(request: ChatRequest, mut draft: Draft) -> Self {
        let (finish_reason, is_refusal) = finish_reason(&draft.stop);
        let mut completion = Self {
            id: format!("chatcmpl-{}", draft.ids.base62(29)),
            created: request.at.as_seconds(),
            fingerprint: format!("fp_{:010x}", draft.ids.next() >> 24),
            model: request.model.id.into_owned(),
            service_tier: request.service_tier,
            reasoning: String::new(),
            hidden_tokens: 0,
            text: String::new(),
            is_refusal,
            calls: Vec::new(),
            finish_reason,
            usage: draft.usage,
            reports_cache_writes: request.model.bills_cache_writes,
            delta_bytes: draft.delta_bytes,
        };
        for content in draft.content {
            match content {
                Content::Text(text) => completion.text.push_str(&text),
                Content::Thinking {
                    text, is_shown: true, ..
                } => completion.reasoning.push_str(&text),
                Content::Thinking { tokens, .. } => completion.hidden_tokens += tokens,
                Content::ToolUse { name, input } => {
                    let is_custom = request.custom_tools.contains(&name);
                    completion.calls.push(ToolCall {
                        id: format!("call_{}", draft.ids.base62(24)),
                        input: if is_custom { free_text(input) } else { input },
                        name,
                        is_custom,
                    });
                }
                // Its result is in the text.
                Content::WebSearch { .. } => {}
            }
        }
        completion
    }

    /// The fields that the whole answer and every chunk have.
    pub(super) fn put_start(&self, out: &mut Vec<u8>, object: &str) {
        put(
            out,
            format_args!(
                "{{\"id\":\"{}\",\"object\":\"{object}\",\"created\":{},\"model\":",
                self.id, self.created
            ),
        );
        put_text(out, &self.model);
    }

    /// The fields after the choices, but for the usage.
    pub(super) fn put_tier(&self, out: &mut Vec<u8>) {
        put(
            out,
            format_args!(
                ",\"service_tier\":\"{}\",\"system_fingerprint\":\"{}\"",
                self.service_tier, self.fingerprint
            ),
        );
    }

    pub(super) fn put_usage(&self, out: &mut Vec<u8>) {
        let tokens = Inclusive::from(self.usage.tokens);
        put(
            out,
            format_args!(
                "{{\"prompt_tokens\":{},\"completion_tokens\":{},\"total_tokens\":{},\"prompt_tokens_details\":{{\
                 \"cached_tokens\":{}",
                tokens.input, tokens.output, tokens.total, tokens.cached
            ),
        );
        if self.reports_cache_writes {
            put(out, format_args!(",\"cache_write_tokens\":{}", tokens.written));
        }
        put(
            out,
            format_args!(
                ",\"audio_tokens\":0}},\"completion_tokens_details\":{{\"reasoning_tokens\":{},\"audio_tokens\":0,\
                 \"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}}",
                tokens.reasoning
            ),
        );
    }
}

/// Why the answer ends, in the provider's words, and whether its text is a refusal.
fn finish_reason(stop: &Stop) -> (String, bool) {
    let reason = match stop {
        Stop::EndOfTurn | Stop::Sequence(_) => "stop",
        Stop::ToolUse => "tool_calls",
        Stop::MaxTokens => "length",
        Stop::Scripted(word) => match word.as_str() {
            "end_turn" | "stop_sequence" => "stop",
            "tool_use" => "tool_calls",
            "max_tokens" | "model_context_window_exceeded" => "length",
            "refusal" => return ("stop".to_owned(), true),
            blocked if blocked.starts_with(BLOCKED) => "content_filter",
            own => own,
        },
    };
    (reason.to_owned(), false)
}

/// The completion as one JSON object.
pub(super) fn whole(completion: &Completion) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    completion.put_start(&mut out, "chat.completion");
    out.extend_from_slice(b",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
    let says_nothing = completion.text.is_empty() && !completion.calls.is_empty();
    if completion.is_refusal || says_nothing {
        out.extend_from_slice(b"null");
    } else {
        put_text(&mut out, &completion.text);
    }
    if !completion.reasoning.is_empty() {
        out.extend_from_slice(b",\"reasoning_content\":");
        put_text(&mut out, &completion.reasoning);
    }
    if !completion.calls.is_empty() {
        out.extend_from_slice(b",\"tool_calls\":[");
        for (at, call) in completion.calls.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            put_call(&mut out, call);
        }
        out.push(b']');
    }
    out.extend_from_slice(b",\"refusal\":");
    if completion.is_refusal {
        put_text(&mut out, &completion.text);
    } else {
        out.extend_from_slice(b"null");
    }
    out.extend_from_slice(b",\"annotations\":[]},\"logprobs\":null,\"finish_reason\":");
    put_text(&mut out, &completion.finish_reason);
    out.extend_from_slice(b"}],\"usage\":");
    completion.put_usage(&mut out);
    completion.put_tier(&mut out);
    out.push(b'}');
    out
}

fn put_call(out: &mut Vec<u8>, call: &ToolCall) {
    let (kind, field) = if call.is_custom {
        ("custom", "input")
    } else {
        ("function", "arguments")
    };
    put(
        out,
        format_args!(
            "{{\"id\":\"{}\",\"type\":\"{kind}\",\"{kind}\":{{\"name\":",
            call.id
        ),
    );
    put_text(out, &call.name);
    put(out, format_args!(",\"{field}\":"));
    put_text(out, &call.input);
    out.extend_from_slice(b"}}");
}
