//! Gemini's dialect.

mod answers;
mod arrays;
mod calling;
mod declaring;
mod errors;
mod foreign_history;
mod generations;
mod models;
mod peeks;
mod pieces;
mod reading;
mod replies;
mod round_trips;
mod schemas;
mod streams;
mod traps;
mod whole_events;
mod writing;

use gateway_domain::Dialect;
use gateway_protocol::translation::{Conversation, Dropped, ReplyTerms};
use gateway_protocol::{Address, Codec, Framing, codec};
use serde_json::Value;

use crate::text;

fn gemini() -> &'static dyn Codec {
    codec(Dialect::Gemini).unwrap()
}

fn address(model: &str) -> Address<'_> {
    Address {
        model: Some(model),
        ..Address::default()
    }
}

/// Reads a request for one of the newest models, and what was dropped of it.
fn read(body: &str) -> Result<(Conversation, String), String> {
    let mut dropped = Dropped::default();
    gemini()
        .read_request(body.as_bytes(), &address("gemini-3.1-pro-preview"), &mut dropped)
        .map(|conversation| (conversation, dropped.to_string()))
        .map_err(|error| error.to_string())
}

/// Writes a request, and what was dropped of it.
fn write(conversation: &Conversation) -> Result<(Value, String), String> {
    let mut dropped = Dropped::default();
    gemini()
        .write_request(conversation, &mut dropped)
        .map(|rendered| {
            let body = serde_json::from_slice(&rendered.body).unwrap();
            (body, dropped.to_string())
        })
        .map_err(|error| error.to_string())
}

fn terms(framing: Framing) -> ReplyTerms {
    ReplyTerms {
        model: "the-clients-name".to_owned(),
        id: "abc123".to_owned(),
        created_at: 1_790_000_000,
        include_usage: true,
        framing,
        echo: None,
    }
}

fn pretty(json: &[u8]) -> String {
    let value: Value = serde_json::from_slice(json).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

macro_rules! streams {
    ($($name:ident)*) => {
        /// Streams as Gemini makes them.
        const STREAMS: &[(&str, &[u8])] =
            &[$((stringify!($name), include_bytes!(concat!("../fixtures/gemini/", stringify!($name), ".sse")))),*];
    };
}

streams! {
    blocked cut_off deviant error_first error_midway grounded malformed malformed_late parallel picture safety
    signed_text text thinking traffic
}

fn stream(name: &str) -> &'static str {
    let (_, stream) = STREAMS.iter().find(|(own, _)| *own == name).unwrap();
    text(stream)
}
