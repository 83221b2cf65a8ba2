mod day;
mod error_body;
mod faults;
mod request;

use gateway_domain::{Dialect, Fault, ProviderKind, RateLimits, Timestamp};
use http::{HeaderMap, Request, StatusCode};

use crate::{Call, InvalidTarget, Operation, Provider, Target};

/// Google's Gemini API.
#[derive(Debug, Clone, Copy)]
pub struct Gemini;

impl Provider for Gemini {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Gemini
    }

    fn dialects(&self) -> &'static [Dialect] {
        &[Dialect::Gemini]
    }

    fn answers(&self, operation: Operation, dialect: Dialect) -> bool {
        match operation {
            Operation::CreateMessage | Operation::CountTokens => dialect == Dialect::Gemini,
        }
    }

    fn default_base_url(&self) -> &'static str {
        "https://generativelanguage.googleapis.com"
    }

    /// `POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent` or `:countTokens`, in the version that
    /// the client's address has.
    ///
    /// A stream is always one of events, `alt=sse`, whatever the client asked for. Of its query a client's key does
    /// not go on, and nothing that changes what the gateway reads from the answer; of its headers nothing that names
    /// the client's own project.
    fn request(&self, target: &Target, call: &Call<'_>) -> Result<Request<()>, InvalidTarget> {
        request::operation(target, call)
    }

    /// `GET /v1beta/models?pageSize=1`.
    fn probe(&self, target: &Target) -> Request<()> {
        request::models(target, "pageSize=1")
    }

    /// `GET /v1beta/models?pageSize=1000`.
    fn models(&self, target: &Target) -> Request<()> {
        request::models(target, "pageSize=1000")
    }

    /// | status | body or headers | class, and for quota its window and reach |
    /// |---|---|---|
    /// | 400 | reason `API_KEY_INVALID` and the like, key not valid, expired or not found | credential |
    /// | 400 | `FAILED_PRECONDITION`: not from this place, or not without billing | credential |
    /// | 400 | else | client |
    /// | 401, 402 | | credential |
    /// | 403 | about a model that the request names | model missing |
    /// | 403 | about something else that the request names: a file, a cached content | client |
    /// | 403 | else | credential |
    /// | 404 | about the model | model missing |
    /// | 404 | else | client |
    /// | 407, 408 | the account's proxy refuses, no answer in time | transport |
    /// | 405, 409, 413, 422 and other 4xx | | client |
    /// | 429 | reason `MODEL_CAPACITY_EXHAUSTED` | overload |
    /// | 429 | no credit left, monthly cap reached | quota: spending, account, without an end |
    /// | 429 | a quota of a day, `…PerDay…` | quota: subscription, model family |
    /// | 429 | says when it ends | quota: rate, model family |
    /// | 429 | else | burst |
    /// | 499 | cancelled, and not by the gateway, which would not be here | server |
    /// | 503, 529 | | overload |
    /// | 500, 504 and other 5xx | | server |
    /// | 3xx and anything else | redirects are not followed | server |
    ///
    /// What says when a limit ends is the first of these that is there and can be read: `retry-after`; the
    /// `retryDelay` of the details. A quota of a day ends at midnight in California, measured against the answer's own
    /// `date`, unless a delay of an hour or more is stated: the delay is often seconds, and wrong. It counts as a
    /// subscription's because rate limits are not believed for so long. An overload keeps its delay, too.
    ///
    /// A body that cannot be read leaves the status alone to decide, as the rows that say "else" do.
    ///
    /// Messages quote what clients sent. So those that count against an account must match from their first word,
    /// or a client could put accounts out of use with a well-chosen field name, or with somebody else's file.
    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
        faults::of_answer(status, headers, body)
    }

    /// | event | class |
    /// |---|---|
    /// | an error with a `code`, or else with a `status` | as an answer of that status |
    /// | a candidate that finishes with `MALFORMED_FUNCTION_CALL`, `MALFORMED_RESPONSE`, `UNEXPECTED_TOOL_CALL`, `TOO_MANY_TOOL_CALLS`, `MISSING_THOUGHT_SIGNATURE` or `OTHER` | server |
    /// | anything else, nothing that can be read | server |
    ///
    /// An event has no headers, so a quota of a day ends when its delay says, or else it is a burst.
    fn classify_event(&self, event: &[u8]) -> Fault {
        faults::of_event(event)
    }

    /// Nothing: no header of Gemini's tells of limits.
    fn rate_limits(&self, _headers: &HeaderMap, _now: Timestamp) -> RateLimits {
        RateLimits::default()
    }
}
