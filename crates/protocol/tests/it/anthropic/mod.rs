//! Anthropic's dialect put into words that belong to none, and back.

mod errors;
mod foreign_history;
mod properties;
mod read_replies;
mod read_requests;
mod read_streams;
mod refused_requests;
mod thinking;
mod write_replies;
mod write_requests;
mod write_streams;

use gateway_protocol::translation::{Conversation, Dropped, ReplyTerms};
use gateway_protocol::{Address, Framing};
use serde_json::Value;

use crate::{anthropic, text};

/// A conversation and what was left out of it; or the sentence for the client.
fn read(body: &str) -> Result<(Conversation, String), String> {
    let mut dropped = Dropped::default();
    let conversation = anthropic()
        .read_request(body.as_bytes(), &Address::default(), &mut dropped)
        .map_err(|error| error.to_string())?;
    Ok((conversation, dropped.to_string()))
}

/// A request of one message and these fields.
fn request(fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(
        r#"{{"model":"claude-sonnet-5-5","max_tokens":2000,"messages":[{{"role":"user","content":"Hello"}}]{comma}{fields}}}"#
    )
}

/// A request of these messages.
fn messages(messages: &str) -> String {
    format!(r#"{{"model":"claude-sonnet-5-5","max_tokens":2000,"messages":{messages}}}"#)
}

/// A request whose one message has these blocks.
fn blocks(blocks: &str) -> String {
    messages(&format!(r#"[{{"role":"user","content":[{blocks}]}}]"#))
}

/// What goes to the provider.
struct Written {
    body: Value,
    version: &'static str,
    dropped: String,
}

fn write(conversation: &Conversation) -> Result<Written, String> {
    let mut dropped = Dropped::default();
    let rendered = anthropic()
        .write_request(conversation, &mut dropped)
        .map_err(|error| error.to_string())?;
    let [(name, version)] = rendered.headers.as_slice() else {
        panic!("one header was expected");
    };
    assert_eq!(*name, "anthropic-version");
    Ok(Written {
        body: serde_json::from_slice(&rendered.body).unwrap(),
        version,
        dropped: dropped.to_string(),
    })
}

fn pretty(json: &[u8]) -> String {
    let value: Value = serde_json::from_str(text(json)).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

fn terms() -> ReplyTerms {
    ReplyTerms {
        model: "the-model-asked-for".to_owned(),
        id: "0a1b2c".to_owned(),
        created_at: 1_790_000_000,
        include_usage: true,
        framing: Framing::Events,
        echo: None,
    }
}
