use serde_json::Value;

use crate::ask::{Prompt, Walk};
use crate::cache::Ttl;
use crate::tokens::tokens;

/// What the API spends on each turn.
const TURN_TOKENS: u64 = 1;
const IMAGE_TOKENS: u64 = 258;

/// Walks over the body of a request that was checked.
///
/// The API caches on its own: any start of a prompt may be read by a later one, but never all of it.
pub(super) fn read(body: &Value, model: &str) -> Prompt {
    let mut walk = Walk::caching(model);
    for part in items(&body["systemInstruction"]["parts"]) {
        add(&mut walk, part, 0);
    }
    let tools = items(&body["tools"]);
    for tool in tools {
        add(&mut walk, tool, 1);
    }
    let contents = items(&body["contents"]);
    for content in contents {
        let place = if content["role"] == "model" { 3 } else { 2 };
        for part in items(&content["parts"]) {
            add(&mut walk, part, place);
        }
    }
    if let Some(last) = walk.prefixes.last_mut() {
        last.breakpoint = None;
    }
    Prompt {
        tokens: walk.tokens() + TURN_TOKENS * contents.len() as u64,
        prefixes: walk.prefixes,
        question: if tools.is_empty() {
            String::new()
        } else {
            question(contents)
        },
    }
}

fn add(walk: &mut Walk, block: &Value, place: u64) {
    let count = block_tokens(block);
    let cached = Some(Ttl::FiveMinutes);
    if let Some(text) = block["text"].as_str() {
        walk.push(count, text.as_bytes(), place, cached);
    } else {
        walk.push(count, block.to_string().as_bytes(), place, cached);
    }
}

fn block_tokens(block: &Value) -> u64 {
    let call = |call: &Value, with: &str| {
        tokens(call["name"].as_str().unwrap_or_default()) + tokens(&call[with].to_string())
    };
    if let Some(text) = block["text"].as_str() {
        tokens(text)
    } else if block["functionCall"].is_object() {
        call(&block["functionCall"], "args")
    } else if block["functionResponse"].is_object() {
        let media = items(&block["functionResponse"]["parts"]).iter();
        call(&block["functionResponse"], "response") + media.map(media_tokens).sum::<u64>()
    } else if block["inlineData"].is_object() || block["fileData"].is_object() {
        media_tokens(block)
    } else {
        tokens(&block.to_string())
    }
}

fn media_tokens(part: &Value) -> u64 {
    let data = &part["inlineData"];
    let kind = data["mimeType"].as_str().unwrap_or_default();
    let length = data["data"].as_str().unwrap_or_default().len() as u64;
    if kind.starts_with("image/") {
        IMAGE_TOKENS
    } else {
        // A page is an image too, and some 60 kB.
        IMAGE_TOKENS.max(length / 4)
    }
}

/// The last turn's text, unless functions answer in it: then the model goes on instead of calling again.
fn question(contents: &[Value]) -> String {
    let mut text = String::new();
    let turn = contents
        .iter()
        .rev()
        .take_while(|content| content["role"] != "model");
    for part in turn.flat_map(|content| items(&content["parts"])) {
        if part["functionResponse"].is_object() {
            return String::new();
        }
        text.push_str(part["text"].as_str().unwrap_or_default());
        text.push('\n');
    }
    text
}

pub(super) fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}
