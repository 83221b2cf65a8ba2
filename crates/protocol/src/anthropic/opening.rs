use memchr::memmem;

use crate::fingerprint::Fingerprint;
use crate::json;
use crate::{CacheWish, Preamble};

/// Of a long body only this much is searched for marks from its end: the last messages carry them.
const TAIL: usize = 16 * 1024;
/// What a mark says stands right behind it.
const MARK_LENGTH: usize = 96;
/// How the system block begins that names the client's release and changes from request to request.
const BILLING_BLOCK: &[u8] = b"x-anthropic-billing-header";

/// What a conversation begins with: its tools, its system prompt and its first message.
#[derive(Default)]
pub(super) struct Opening<'a> {
    pub(super) tools: Option<&'a [u8]>,
    pub(super) system: Option<&'a [u8]>,
    pub(super) messages: Option<&'a [u8]>,
    /// Whether the request as a whole is marked for caching.
    pub(super) cache_control: Option<&'a [u8]>,
}

impl Opening<'_> {
    /// What other conversations begin with as well.
    pub(super) fn preamble(&self) -> Option<Preamble> {
        let mut fingerprint = Fingerprint::new();
        let mut bytes = 0;
        let mut add = |value: &[u8]| {
            bytes += value.len();
            fingerprint.add(value);
        };
        self.tools.into_iter().for_each(&mut add);
        match self.system {
            Some(blocks) if blocks.starts_with(b"[") => json::elements(blocks)
                .flatten()
                .filter(|block| !is_billing_block(block))
                .for_each(&mut add),
            system => system.into_iter().for_each(&mut add),
        }
        (bytes > 0).then(|| Preamble {
            hash: fingerprint.finish(),
            bytes,
        })
    }

    /// The same for every turn of a conversation: later turns only add messages.
    pub(super) fn conversation(&self, preamble: Option<Preamble>) -> Option<u64> {
        let first = json::elements(self.messages?).next()?.ok()?;
        let mut fingerprint = Fingerprint::new();
        fingerprint.add(&preamble.map_or(0, |preamble| preamble.hash).to_le_bytes());
        for member in json::members(first).flatten() {
            match &*member.key {
                b"content" if member.value.starts_with(b"[") => {
                    for block in json::elements(member.value).flatten() {
                        add_without_marks(&mut fingerprint, block);
                    }
                }
                _ => fingerprint.add(member.value),
            }
        }
        Some(fingerprint.finish())
    }

    /// For how long the request wants to be cached.
    pub(super) fn cache_wish(&self) -> CacheWish {
        let own = self.cache_control.map(wish_of_mark);
        let tail = self
            .messages
            .map(|messages| &messages[messages.len().saturating_sub(TAIL)..]);
        let parts = [self.tools, self.system, tail];
        let marks = parts.into_iter().flatten().flat_map(|part| {
            memmem::find_iter(part, b"\"cache_control\"").map(|at| wish_of_mark(&part[at..]))
        });
        own.into_iter().chain(marks).max().unwrap_or_default()
    }
}

fn is_billing_block(block: &[u8]) -> bool {
    memmem::find(&block[..block.len().min(256)], BILLING_BLOCK).is_some()
}

/// The mark for caching moves on with the conversation; what it stood on stays the same.
fn add_without_marks(fingerprint: &mut Fingerprint, block: &[u8]) {
    if !block.starts_with(b"{") {
        fingerprint.add(block);
        return;
    }
    for member in json::members(block).flatten() {
        if *member.key != *b"cache_control" {
            fingerprint.add(&member.key);
            fingerprint.add(member.value);
        }
    }
}

/// `mark` begins with it and may go on with anything.
fn wish_of_mark(mark: &[u8]) -> CacheWish {
    let mark = &mark[..mark.len().min(MARK_LENGTH)];
    let end = memchr::memchr(b'}', mark).unwrap_or(mark.len());
    if memmem::find(&mark[..end], b"null").is_some() {
        CacheWish::None
    } else if memmem::find(&mark[..end], b"\"1h\"").is_some() {
        CacheWish::Long
    } else {
        CacheWish::Short
    }
}
