use std::collections::VecDeque;

use bytes::Bytes;
use gateway_domain::{Timestamp, TokenCounts};

/// A request as it arrived, and what became of it.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its place in the order of arrival, from 0.
    pub number: u64,
    /// When its head was complete.
    pub at: Timestamp,
    /// The connection that it came on; requests of one connection share it.
    pub connection: u64,
    /// `POST` and the like.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Names in the client's spelling and order. Bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body as sent, without chunked framing but with its content encoding; empty until it is complete.
    pub body: Bytes,
    /// The key, in the header or the query that the dialect has for it, else the token of `authorization: Bearer`.
    pub credential: Option<String>,
    /// The status that it was answered with, once that is decided.
    pub status: Option<u16>,
    /// The id that it was answered with, where the dialect has a header for one.
    pub request_id: String,
    /// What the provider bills for it; for a stream that broke, what was sent until then.
    pub billed: Billed,
    /// How it ended.
    pub ended: Ended,
}

impl Received {
    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It has not: its body is being read, or its answer is being written.
    InProgress,
    /// The whole answer was sent. A client that has read all of it finds this.
    Completed,
    /// The simulator cut the answer, because a script said so.
    Cut {
        /// How many bytes of the answer's body were sent, framing not counted.
        body_bytes: u64,
    },
    /// The client closed the connection, or its writing half, before it had the whole answer.
    ClientWentAway {
        /// How many bytes of the answer's body were sent, framing not counted.
        body_bytes: u64,
    },
}

/// What the provider counted for one request or one credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Billed {
    /// Messages that cost something.
    pub messages: u64,
    /// Tokens by rate.
    pub tokens: TokenCounts,
    /// Searches of the web.
    pub web_searches: u64,
}

impl Billed {
    pub(crate) fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.tokens.input += other.tokens.input;
        self.tokens.cache_read += other.tokens.cache_read;
        self.tokens.cache_write_5m += other.tokens.cache_write_5m;
        self.tokens.cache_write_1h += other.tokens.cache_write_1h;
        self.tokens.output += other.tokens.output;
        self.tokens.reasoning += other.tokens.reasoning;
        self.web_searches += other.web_searches;
    }
}

/// How many requests came and how they ended, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Requests whose head was read.
    pub received: u64,
    /// Of these, those that have ended in any way.
    pub ended: u64,
    /// Of these, those whose client went away.
    pub disconnected: u64,
    /// Connections that are open now.
    pub connections: u64,
}

/// The latest requests, oldest first.
#[derive(Debug)]
pub(crate) struct Journal {
    kept: VecDeque<Received>,
    capacity: usize,
}

impl Journal {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            capacity,
        }
    }

    pub(crate) const fn is_off(&self) -> bool {
        self.capacity == 0
    }

    pub(crate) fn push(&mut self, request: Received) {
        if self.is_off() {
            return;
        }
        if self.kept.len() == self.capacity {
            self.kept.pop_front();
        }
        self.kept.push_back(request);
    }

    /// The request of this number, unless it was forgotten for newer ones.
    pub(crate) fn find(&mut self, number: u64) -> Option<&mut Received> {
        // Numbers ascend, so the place follows from the first one's number.
        let first = self.kept.front()?.number;
        self.kept
            .get_mut(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        self.kept.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }
}
