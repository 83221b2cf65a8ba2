use std::time::Duration;

use gateway_balancing::{Delivery, Preamble, Prompt};
use gateway_domain::ApiKeyId;
use gateway_protocol::{CacheWish, Peek, fingerprint};
use http::HeaderMap;

/// Bytes of a request's JSON for each token of its prompt, as an estimate.
const BYTES_PER_TOKEN: usize = 4;
/// Output tokens that an answer rarely exceeds, whatever it may have.
const USUAL_OUTPUT_TOKENS: u64 = 1_000;
const SHORT_CACHE: Duration = Duration::from_secs(5 * 60);
const LONG_CACHE: Duration = Duration::from_secs(60 * 60);
const SESSION_HEADER: &str = "x-claude-code-session-id";

/// What routing may know of a request's prompt.
///
/// A conversation is known by its key, the session that the client names, and how it begins: so sub-agents that share
/// a session are told apart.
pub(crate) fn prompt(key: ApiKeyId, peek: &Peek, body_bytes: usize, headers: &HeaderMap) -> Prompt {
    let session = headers.get(SESSION_HEADER).map(http::HeaderValue::as_bytes);
    let session = session
        .or(peek.user_id.as_deref().map(str::as_bytes))
        .unwrap_or_default();
    let conversation = peek
        .conversation
        .map(|begins| fingerprint(&[key.as_uuid().as_bytes(), session, &begins.to_le_bytes()]));
    Prompt {
        input_tokens: tokens(body_bytes),
        output_tokens: peek.max_tokens.unwrap_or(u64::MAX).min(USUAL_OUTPUT_TOKENS),
        delivery: if peek.stream {
            Delivery::Streamed
        } else {
            Delivery::Whole
        },
        conversation,
        preamble: peek.preamble.map(|preamble| Preamble {
            hash: preamble.hash,
            tokens: tokens(preamble.bytes),
        }),
        cache_lifetime: match peek.cache_wish {
            CacheWish::None => None,
            CacheWish::Short => Some(SHORT_CACHE),
            CacheWish::Long => Some(LONG_CACHE),
        },
        pin: peek.pin.as_deref().map(pin),
    }
}

/// How routing knows what only one account holds.
pub(crate) fn pin(name: &str) -> u64 {
    fingerprint(&[b"pin", name.as_bytes()])
}

fn tokens(bytes: usize) -> u64 {
    (bytes / BYTES_PER_TOKEN) as u64
}
