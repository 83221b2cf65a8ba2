//! What the crate reads and writes, as a client or a provider sees it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

mod answers;
mod anthropic;
mod ceiling;
mod chat;
mod damage;
mod errors;
mod gemini;
mod models;
mod pairs;
mod requests;
mod responses;
mod said;
mod streams;

use bytes::Bytes;
use gateway_domain::Dialect;
use gateway_protocol::{Address, Codec, codec};
use proptest::prelude::{Strategy, prop, prop_oneof};
use serde_json::Value;

fn anthropic() -> &'static dyn Codec {
    codec(Dialect::Anthropic).unwrap()
}

/// The body that a provider of the client's own dialect gets.
fn passed(codec: &dyn Codec, body: &Bytes) -> Bytes {
    let address = Address {
        model: Some("m"),
        ..Address::default()
    };
    let peek = codec.peek(body, &address).unwrap();
    codec.pass(body, &peek).body
}

/// Asserts what a provider of the client's own dialect gets of a request, written in one line or in many.
fn assert_passed(codec: &dyn Codec, given: &Value, sent: &Value) {
    let spellings = [serde_json::to_vec(given), serde_json::to_vec_pretty(given)];
    for body in spellings.map(|body| Bytes::from(body.unwrap())) {
        let passed = passed(codec, &body);
        assert_eq!(serde_json::from_slice::<Value>(&passed).unwrap(), *sent);
        if given == sent {
            assert_eq!(passed.as_ptr(), body.as_ptr(), "a copy of {given}");
        }
    }
}

/// Words that may look like marks, or have them within.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,8}",
        "[a-z]{0,3}(gemini:|openai:|anthropic:|unsigned:|_gs1_|b3BlbmFpO|YW50aHJvcGlj)[a-z\\\\\"]{0,3}",
    ]
}

/// The id of a call as a client knows it, and as its provider does.
fn ids() -> impl Strategy<Value = (String, String)> {
    ("[a-zA-Z0-9]{1,30}", prop::option::of("([A-Za-z0-9_-]{4}){0,9}")).prop_map(|(own, signature)| {
        let marked = signature.map(|signature| format!("{own}_gs1_{signature}"));
        (marked.unwrap_or_else(|| own.clone()), own)
    })
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}
