use serde_json::Value;

use super::ApiError;
use crate::ask::{Prompt, Walk};
use crate::cache::Ttl;
use crate::tokens::tokens;

/// What the API spends on a tools preamble, and on each message.
const TOOLS_TOKENS: u64 = 346;
const MESSAGE_TOKENS: u64 = 3;
const IMAGE_TOKENS: u64 = 1_500;
/// The provider's limit.
const BREAKPOINTS_LIMIT: usize = 4;

/// Walks over the body of a request that was checked.
pub(super) fn read(body: &Value) -> Result<Prompt, ApiError> {
    let mut walk = if mark(body)? {
        Walk::caching(body["model"].as_str().unwrap_or_default())
    } else {
        Walk::counting()
    };
    for tool in items(&body["tools"]) {
        add(&mut walk, tool, 0);
    }
    content(&mut walk, &body["system"], 1);
    for message in items(&body["messages"]) {
        content(
            &mut walk,
            &message["content"],
            if message["role"] == "assistant" { 3 } else { 2 },
        );
    }
    if let (Some(ttl), Some(last)) = (ttl(&body["cache_control"]), walk.prefixes.last_mut()) {
        last.breakpoint = last.breakpoint.or(Some(ttl));
    }
    let has_tools = !items(&body["tools"]).is_empty();
    let overhead = MESSAGE_TOKENS * items(&body["messages"]).len() as u64;
    Ok(Prompt {
        tokens: walk.tokens() + overhead + if has_tools { TOOLS_TOKENS } else { 0 },
        prefixes: walk.prefixes,
        question: if has_tools { question(body) } else { String::new() },
    })
}

fn content(walk: &mut Walk, content: &Value, place: u64) {
    if let Some(text) = content.as_str() {
        walk.push(tokens(text), text.as_bytes(), place, None);
    }
    for block in items(content) {
        add(walk, block, place);
    }
}

fn add(walk: &mut Walk, block: &Value, place: u64) {
    let count = block_tokens(block);
    if !walk.is_caching() {
        walk.count(count);
        return;
    }
    let breakpoint = ttl(&block["cache_control"]).or_else(|| {
        let nested = items(&block["content"]).iter();
        nested
            .filter_map(|inner| ttl(&inner["cache_control"]))
            .next_back()
    });
    if block["type"] == "text" {
        let text = block["text"].as_str().unwrap_or_default();
        walk.push(count, text.as_bytes(), place, breakpoint);
    } else {
        walk.push(
            count,
            without_marks(block).to_string().as_bytes(),
            place,
            breakpoint,
        );
    }
}

/// Whether anything is to be cached; refuses what the provider refuses about it.
fn mark(body: &Value) -> Result<bool, ApiError> {
    let mut ttls = Vec::new();
    let mut visit = |block: &Value| {
        ttls.extend(ttl(&block["cache_control"]));
        for inner in items(&block["content"]) {
            ttls.extend(ttl(&inner["cache_control"]));
        }
    };
    items(&body["tools"]).iter().for_each(&mut visit);
    items(&body["system"]).iter().for_each(&mut visit);
    for message in items(&body["messages"]) {
        items(&message["content"]).iter().for_each(&mut visit);
    }
    ttls.extend(ttl(&body["cache_control"]));
    if ttls.len() > BREAKPOINTS_LIMIT {
        return Err(ApiError::invalid(format!(
            "A maximum of {BREAKPOINTS_LIMIT} blocks with cache_control may be provided. Found {}.",
            ttls.len()
        )));
    }
    if ttls
        .windows(2)
        .any(|pair| pair == [Ttl::FiveMinutes, Ttl::OneHour])
    {
        return Err(ApiError::invalid(
            "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks \
             are processed in the following order: `tools`, `system`, `messages`.",
        ));
    }
    Ok(!ttls.is_empty())
}

fn ttl(cache_control: &Value) -> Option<Ttl> {
    cache_control.is_object().then(|| {
        if cache_control["ttl"] == "1h" {
            Ttl::OneHour
        } else {
            Ttl::FiveMinutes
        }
    })
}

fn without_marks(block: &Value) -> Value {
    let mut block = block.clone();
    if let Some(fields) = block.as_object_mut() {
        fields.remove("cache_control");
    }
    for inner in block["content"].as_array_mut().into_iter().flatten() {
        if let Some(fields) = inner.as_object_mut() {
            fields.remove("cache_control");
        }
    }
    block
}

fn block_tokens(block: &Value) -> u64 {
    let text = |field: &str| tokens(block[field].as_str().unwrap_or_default());
    match block["type"].as_str() {
        Some("text") => text("text"),
        Some("thinking") => text("thinking"),
        Some("redacted_thinking") => text("data"),
        Some("image") => IMAGE_TOKENS,
        Some("document") => document_tokens(&block["source"]) + text("title") + text("context"),
        Some("tool_use") => text("name") + tokens(&block["input"].to_string()),
        Some("tool_result") => match &block["content"] {
            Value::String(text) => tokens(text),
            Value::Array(inner) => inner.iter().map(block_tokens).sum(),
            _ => 0,
        },
        _ => tokens(&without_marks(block).to_string()),
    }
}

fn document_tokens(source: &Value) -> u64 {
    match source["type"].as_str() {
        Some("text") => tokens(source["data"].as_str().unwrap_or_default()),
        // A page of a PDF is some 60 kB and some 2,000 tokens.
        Some("base64") => 2_000 + source["data"].as_str().unwrap_or_default().len() as u64 / 40,
        _ => 2_000,
    }
}

/// The last turn's text, unless it answers tool calls: then the model goes on instead of calling again.
fn question(body: &Value) -> String {
    let mut text = String::new();
    let turn = items(&body["messages"])
        .iter()
        .rev()
        .take_while(|message| message["role"] != "assistant");
    for message in turn {
        match &message["content"] {
            Value::String(own) => text.push_str(own),
            content => {
                for block in items(content) {
                    if block["type"] == "tool_result" {
                        return String::new();
                    }
                    text.push_str(block["text"].as_str().unwrap_or_default());
                    text.push('\n');
                }
            }
        }
        text.push('\n');
    }
    text
}

pub(super) fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}
