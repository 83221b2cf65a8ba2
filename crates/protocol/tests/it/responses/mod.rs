//! OpenAI's Responses.

mod answers;
mod errors;
mod foreign_history;
mod pieces;
mod reading;
mod replies;
mod requests;
mod streams;
mod way_back;
mod writing;

use gateway_domain::Dialect;
use gateway_protocol::translation::{Conversation, Dropped, ReplyTerms, Untranslatable};
use gateway_protocol::{Address, Codec, Framing, codec};
use serde_json::value::RawValue;

fn responses() -> &'static dyn Codec {
    codec(Dialect::OpenAiResponses).unwrap()
}

/// What is read of a request, and what is named as dropped.
fn read(body: &str) -> Result<(Conversation, String), Untranslatable> {
    let mut dropped = Dropped::default();
    let conversation = responses().read_request(body.as_bytes(), &Address::default(), &mut dropped)?;
    Ok((conversation, dropped.to_string()))
}

/// The sentence with which a request is refused.
fn refusal(body: &str) -> String {
    match read(body) {
        Ok(read) => panic!("not refused: {read:?}"),
        Err(error) => error.to_string(),
    }
}

/// A request whose input is this list of items.
fn with_input(items: &str) -> String {
    format!(r#"{{"model":"m","input":[{items}]}}"#)
}

fn terms() -> ReplyTerms {
    ReplyTerms {
        model: "claude-sonnet-5-5".to_owned(),
        id: "0199c0de".to_owned(),
        created_at: 1_795_600_000,
        include_usage: true,
        framing: Framing::Events,
        echo: None,
    }
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

/// A JSON text as people like to read it.
fn pretty(json: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(json).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}
