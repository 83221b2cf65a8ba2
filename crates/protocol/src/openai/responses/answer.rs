use gateway_domain::{TokenCounts, Usage};
use memchr::memmem;

use crate::AnswerSummary;
use crate::json;

use super::usage;

/// No id or model name is longer than this; a longer one would only fill the ledger.
const MAX_NAME: usize = 256;
/// No tier has a longer name.
const MAX_WORD: usize = 64;

/// What is known of an answer, whether it comes whole or in events.
#[derive(Default)]
pub(super) struct Answer {
    id: Option<String>,
    model: Option<String>,
    is_forgotten: bool,
    tokens: Option<TokenCounts>,
    web_searches: u64,
    service_tier: Option<String>,
}

impl Answer {
    /// Takes over what a `response` object says of itself.
    pub(super) fn read(&mut self, response: &[u8]) {
        let (mut searched, mut billed) = (None, None);
        for member in json::members(response).flatten() {
            match &*member.key {
                b"id" => overwrite_name(&mut self.id, member.value, MAX_NAME),
                b"model" => overwrite_name(&mut self.model, member.value, MAX_NAME),
                b"service_tier" => overwrite_name(&mut self.service_tier, member.value, MAX_WORD),
                b"store" => self.is_forgotten = member.value == b"false",
                b"usage" => self.read_usage(member.value),
                b"output" => searched = Some(web_searches(member.value)),
                b"tool_usage" => billed = billed_web_searches(member.value),
                _ => {}
            }
        }
        if let Some(web_searches) = billed.or(searched) {
            self.web_searches = web_searches;
        }
    }

    /// Takes over the response within an event.
    pub(super) fn read_event(&mut self, event: &[u8]) {
        if let Some(response) = json::member(event, b"response") {
            self.read(response);
        }
    }

    /// Takes over what can be known of the response within an event of which only the beginning and the end are at
    /// hand: it repeats the whole answer in its middle.
    pub(super) fn read_ends(&mut self, start: &[u8], end: &[u8]) {
        if let Some(response) = broken_response(start) {
            self.read(response);
        }
        // A tool's parameter may have the same name, but has no counts.
        let usage = memmem::rfind_iter(end, b"\"usage\"").find_map(|at| {
            let value = end[at + b"\"usage\"".len()..].trim_ascii_start();
            usage::read(value.strip_prefix(b":")?.trim_ascii_start())
        });
        if usage.is_some() {
            self.tokens = usage;
        }
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.tokens.map(|tokens| Usage {
            tokens,
            web_searches: self.web_searches,
            service_tier: self.service_tier.clone(),
            ..Usage::default()
        })
    }

    pub(super) fn summary(&self) -> AnswerSummary {
        AnswerSummary {
            usage: self.usage(),
            message_id: self.id.clone(),
            model: self.model.clone(),
            // Later requests may refer to the whole answer.
            container: self.id.clone().filter(|_| !self.is_forgotten),
        }
    }

    fn read_usage(&mut self, object: &[u8]) {
        if let Some(tokens) = usage::read(object) {
            self.tokens = Some(tokens);
        }
    }
}

/// The response within the start of an event, without its end.
pub(super) fn broken_response(start: &[u8]) -> Option<&[u8]> {
    let key = b"\"response\"";
    memmem::find_iter(start, key).find_map(|at| {
        let value = start[at + key.len()..].trim_ascii_start().strip_prefix(b":")?;
        let value = value.trim_ascii_start();
        value.starts_with(b"{").then_some(value)
    })
}

fn web_searches(output: &[u8]) -> u64 {
    let items = json::elements(output).flatten();
    let searches = items.filter(|item| json::member(item, b"type") == Some(b"\"web_search_call\""));
    searches.count() as u64
}

fn billed_web_searches(tool_usage: &[u8]) -> Option<u64> {
    let web_search = json::member(tool_usage, b"web_search")?;
    let count = json::count(json::member(web_search, b"num_requests")?)?;
    Some(u64::from(count))
}

fn overwrite_name(field: &mut Option<String>, value: &[u8], max_length: usize) {
    if let Some(name) = json::text(value).filter(|name| name.len() <= max_length) {
        *field = Some(name);
    }
}
