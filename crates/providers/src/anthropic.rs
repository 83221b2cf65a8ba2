mod faults;
mod limits;
mod reports;
mod request;

use gateway_domain::{Dialect, Fault, ProviderKind, RateLimits, Timestamp};
use http::{HeaderMap, Request, StatusCode};

use crate::{Call, InvalidTarget, Operation, OrganizationReports, Provider, Target};

/// Anthropic, and servers that speak its Messages API.
#[derive(Debug, Clone, Copy)]
pub struct Anthropic;

impl Provider for Anthropic {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Anthropic
    }

    fn dialects(&self) -> &'static [Dialect] {
        &[Dialect::Anthropic]
    }

    fn answers(&self, operation: Operation, dialect: Dialect) -> bool {
        match operation {
            Operation::CreateMessage | Operation::CountTokens => dialect == Dialect::Anthropic,
        }
    }

    fn default_base_url(&self) -> &'static str {
        "https://api.anthropic.com"
    }

    /// What the client sent goes on as it is, with the account's credential in the place of the client's.
    ///
    /// `anthropic-version` and `anthropic-beta` are the client's: the newest features are switched on there. Only a
    /// missing version is filled in, and what a signed-in subscription needs is added to the betas.
    fn request(&self, target: &Target, call: &Call<'_>) -> Result<Request<()>, InvalidTarget> {
        request::operation(target, call)
    }

    /// `GET /v1/models?limit=1`.
    fn probe(&self, target: &Target) -> Request<()> {
        request::models(target, "limit=1")
    }

    /// `GET /v1/models?limit=1000`.
    fn models(&self, target: &Target) -> Request<()> {
        request::models(target, "limit=1000")
    }

    fn organization_reports(&self) -> Option<&'static dyn OrganizationReports> {
        Some(&Anthropic)
    }

    /// | status | body or headers | class, and for quota its window and reach |
    /// |---|---|---|
    /// | 400 | no credit, own usage limit reached, organization disabled | credential |
    /// | 400 | else | client |
    /// | 401, 402 | | credential |
    /// | 403 | about a model | model missing |
    /// | 403 | else | credential |
    /// | 404 | about the model | model missing |
    /// | 404 | else | client |
    /// | 407, 408 | the account's proxy refuses, no answer in time | transport |
    /// | 405, 409, 413, 422 and other 4xx | | client |
    /// | 429 | `enforced_spend_limit_reached`, `contract_spend_limit_reached` | quota: spending, account, without an end |
    /// | 429 | says when it ends; unified status `rejected`, claim of a class of models | quota: subscription, model family |
    /// | 429 | says when it ends; unified status `rejected`, else | quota: subscription, account |
    /// | 429 | says when it ends; else, `ramp_limit_exceeded` too | quota: rate, model family |
    /// | 429 | else | burst |
    /// | 503, 529 | | overload |
    /// | 500 and other 5xx | `overloaded_error` | overload |
    /// | 500, 502, 504 and other 5xx | else | server |
    /// | 3xx and anything else | redirects are not followed | server |
    ///
    /// What says when a limit ends is the first of these that is there and can be read: `retry-after`;
    /// `anthropic-ratelimit-unified-reset`, unless the subscription let the request pass; the latest reset of those
    /// limits of which nothing remains. A subscription with `overage-status: allowed` lets requests pass even when
    /// its own status is `rejected`. An overload keeps its `retry-after`, too.
    ///
    /// A body that cannot be read leaves the status alone to decide, as the rows that say "else" do.
    ///
    /// Messages quote what clients sent. So those that count against an account must match from their first word,
    /// or a client could put accounts out of use with a well-chosen field name.
    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
        faults::of_answer(status, headers, body)
    }

    /// | type | class |
    /// |---|---|
    /// | `overloaded_error` | overload |
    /// | `rate_limit_error` | quota of spending as for status 429, else burst |
    /// | `authentication_error`, `billing_error` | credential |
    /// | `permission_error` | model missing if about a model, else credential |
    /// | `not_found_error` | model missing if about the model, else client |
    /// | `invalid_request_error` | credential as for status 400, else client |
    /// | `request_too_large`, `conflict_error` | client |
    /// | `api_error`, `timeout_error`, anything else, nothing that can be read | server |
    ///
    /// An event has no headers, so none says when a limit ends.
    fn classify_event(&self, event: &[u8]) -> Fault {
        faults::of_event(event)
    }

    fn rate_limits(&self, headers: &HeaderMap, now: Timestamp) -> RateLimits {
        limits::read(headers, now)
    }
}
