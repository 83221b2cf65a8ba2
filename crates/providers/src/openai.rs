mod error_body;
mod faults;
mod limits;
mod reports;
mod request;

use gateway_domain::{Dialect, Fault, ProviderKind, RateLimits, Timestamp};
use http::{HeaderMap, Request, StatusCode};

use crate::{Call, InvalidTarget, Operation, OrganizationReports, Provider, Target};

/// OpenAI, and servers that speak its API.
#[derive(Debug, Clone, Copy)]
pub struct OpenAi;

impl Provider for OpenAi {
    fn kind(&self) -> ProviderKind {
        ProviderKind::OpenAi
    }

    /// Chat first: of the servers that speak OpenAI's API all have that.
    fn dialects(&self) -> &'static [Dialect] {
        &[Dialect::OpenAiChat, Dialect::OpenAiResponses]
    }

    /// There is no call that counts the tokens of a chat.
    fn answers(&self, operation: Operation, dialect: Dialect) -> bool {
        request::path(operation, dialect).is_some()
    }

    /// | spoken | answer | instead |
    /// |---|---|---|
    /// | Responses | 404, 405 or 501, and not about the model or anything that the request names | chat |
    /// | chat | 400 about `reasoning_effort` that points to `/v1/responses`: newer models call tools only there | Responses |
    fn dialect_instead(&self, spoken: Dialect, status: StatusCode, body: &[u8]) -> Option<Dialect> {
        faults::dialect_instead(spoken, status, body)
    }

    fn default_base_url(&self) -> &'static str {
        "https://api.openai.com"
    }

    /// `POST /chat/completions`, `/responses` or `/responses/input_tokens`, behind the path of the account's address,
    /// which is what OpenAI's own clients would be given, or behind `/v1` if it has none.
    ///
    /// The client's organisation and project do not go on: they are none of the account's.
    fn request(&self, target: &Target, call: &Call<'_>) -> Result<Request<()>, InvalidTarget> {
        request::operation(target, call)
    }

    /// `GET /models`.
    fn probe(&self, target: &Target) -> Request<()> {
        request::models(target)
    }

    /// `GET /models`.
    fn models(&self, target: &Target) -> Request<()> {
        request::models(target)
    }

    fn organization_reports(&self) -> Option<&'static dyn OrganizationReports> {
        Some(&OpenAi)
    }

    /// | status | body or headers | class, and for quota its window and reach |
    /// |---|---|---|
    /// | any 4xx | `insufficient_quota`, `credit_balance_exhausted`, `…_spend_limit_exceeded` and the like | quota: spending, account, without an end |
    /// | any 4xx | `invalid_api_key`, `billing_not_active`, `account_deactivated`, `access_terminated` | credential |
    /// | 400, 403, 404 | `model_not_found`, of the request's own model | model missing |
    /// | 400 | `Model Not Exist` | model missing |
    /// | 400 | else | client |
    /// | 401 | | credential |
    /// | 402 | the request may cost more than is left | burst |
    /// | 402 | else | credential |
    /// | 403 | the request was flagged by a moderation | client |
    /// | 403 | about a model | model missing |
    /// | 403 | else: the country, the organisation | credential |
    /// | 404 | about the model | model missing |
    /// | 404 | else | client |
    /// | 407, 408 | the account's proxy refuses, no answer in time | transport |
    /// | 405, 409, 413, 422 and other 4xx | | client |
    /// | 429 | `engine_overloaded_error` and its like, but `slow_down`, which is the account's own rate | overload |
    /// | 429 | the request alone is more than the limit | burst |
    /// | 429 | says when it ends | quota: rate, model family |
    /// | 429 | else | burst |
    /// | 503, 529 | | overload |
    /// | 500 and other 5xx | `slow_down`, `server_is_overloaded` and their like | overload |
    /// | 500, 502, 504 and other 5xx | else | server |
    /// | 3xx and anything else | redirects are not followed | server |
    ///
    /// What says when a limit ends is the first of these that is there and can be read: `retry-after-ms`;
    /// `retry-after`; the latest `x-ratelimit-reset-…` of those limits of which nothing remains or that the error
    /// names with its type. An overload keeps its `retry-after`, too.
    ///
    /// Errors are read in OpenAI's shape, `{"error":{…}}`, and in those of servers that speak its API:
    /// `{"error":"…"}`, `{"object":"error",…}`, `{"message":…}`, `{"detail":…}`, and any of them in an array. A body that
    /// cannot be read leaves the status alone to decide, as the rows that say "else" do.
    ///
    /// Messages quote what clients sent. So it is types and codes that count against an account, and no message does.
    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
        faults::of_answer(status, headers, body)
    }

    /// | code, or else type | class |
    /// |---|---|
    /// | `insufficient_quota` and the like, as for answers | quota: spending, account, without an end |
    /// | `invalid_api_key`, `authentication_error` and the like | credential |
    /// | `model_not_found` | model missing |
    /// | `server_is_overloaded`, `slow_down` and their like | overload |
    /// | `rate_limit_exceeded` and its like | burst |
    /// | `invalid_…`, `unsupported_…`, `image_…`, `context_length_exceeded`, `…_policy` and their like | client |
    /// | a number | as an answer of that status |
    /// | `server_error`, anything else, nothing that can be read | server |
    ///
    /// The events are `{"error":{…}}` of a chat, and `error` and `response.failed` of a response. An event has no
    /// headers, so none says when a limit ends.
    fn classify_event(&self, event: &[u8]) -> Fault {
        faults::of_event(event)
    }

    fn rate_limits(&self, headers: &HeaderMap, now: Timestamp) -> RateLimits {
        limits::read(headers, now)
    }
}
