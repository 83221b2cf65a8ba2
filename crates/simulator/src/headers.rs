use std::fmt::{Display, Write};
use std::time::Duration;

use gateway_domain::Timestamp;

use crate::wire::Head;

/// What an account has left in the current minute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota {
    pub(crate) requests_limit: u64,
    pub(crate) requests_left: u64,
    pub(crate) input_tokens_limit: u64,
    pub(crate) input_tokens_left: u64,
    pub(crate) output_tokens_limit: u64,
    pub(crate) output_tokens_left: u64,
    pub(crate) reset_at: Timestamp,
}

/// What the headers of an answer may tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) credential: Option<&'a str>,
    pub(crate) at: Timestamp,
    /// The request's place in the order of arrival.
    pub(crate) number: u64,
    /// None where the account's limits were not asked.
    pub(crate) quota: Option<&'a Quota>,
    pub(crate) retry_after: Option<Duration>,
}

/// Header lines as the provider and the proxies before it send them, but for those of framing.
///
/// Much of it says whose account it is, or is the business of one hop: a gateway has to drop it.
pub(crate) struct HeaderLines<'a> {
    lines: String,
    replaced: &'a [(String, String)],
}

impl<'a> HeaderLines<'a> {
    /// `own` come last, in place of those of the same name.
    pub(crate) fn new(own: &'a [(String, String)]) -> Self {
        Self {
            lines: String::with_capacity(1_600),
            replaced: own,
        }
    }

    pub(crate) fn put(&mut self, name: &str, value: impl Display) {
        if !self
            .replaced
            .iter()
            .any(|(own, _)| own.eq_ignore_ascii_case(name))
        {
            self.force(name, value);
        }
    }

    fn force(&mut self, name: &str, value: impl Display) {
        write!(self.lines, "{name}: {value}\r\n").expect("a string takes every text");
    }

    pub(crate) fn finish(mut self) -> String {
        let own = self.replaced;
        for (name, value) in own {
            self.force(name, value);
        }
        self.lines
    }
}

/// The token of `authorization: Bearer`.
pub(crate) fn bearer(head: &Head) -> Option<&str> {
    let (scheme, token) = head.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
