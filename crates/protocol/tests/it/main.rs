//! What the crate reads and writes, as a client or a provider sees it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

mod answers;
mod errors;
mod models;
mod requests;
mod streams;

use gateway_domain::Dialect;
use gateway_protocol::{Codec, codec};

fn anthropic() -> &'static dyn Codec {
    codec(Dialect::Anthropic).unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}
