use std::time::Duration;

use gateway_balancing::{Delivery, Preamble, Prompt};
use gateway_domain::UserId;
use gateway_protocol::{CacheWish, fingerprint};
use gateway_providers::Operation;

use crate::Call;

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
pub(crate) fn prompt(call: &Call) -> Prompt {
    let (key, peek) = (&call.key, &call.peek);
    let session = call.headers.get(SESSION_HEADER).map(http::HeaderValue::as_bytes);
    let session = session
        .or(peek.user_id.as_deref().map(str::as_bytes))
        .unwrap_or_default();
    let conversation = peek
        .conversation
        .map(|begins| fingerprint(&[key.id.as_uuid().as_bytes(), session, &begins.to_le_bytes()]));
    Prompt {
        input_tokens: tokens(call.body.len()),
        output_tokens: peek.max_tokens.unwrap_or(u64::MAX).min(USUAL_OUTPUT_TOKENS),
        delivery: match call.operation {
            Operation::CountTokens => Delivery::Counted,
            Operation::CreateMessage if peek.stream => Delivery::Streamed,
            Operation::CreateMessage => Delivery::Whole,
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
        pin: peek.pin.as_deref().map(|name| pin(key.user_id, name)),
    }
}

/// How routing knows what only one account holds. Each user has pins of their own: what one refers to shall decide
/// nothing for another.
pub(crate) fn pin(user: UserId, name: &str) -> u64 {
    fingerprint(&[b"pin", user.as_uuid().as_bytes(), name.as_bytes()])
}

/// About how many tokens so many bytes of a request's JSON are.
pub(crate) fn tokens(bytes: usize) -> u64 {
    (bytes / BYTES_PER_TOKEN) as u64
}
