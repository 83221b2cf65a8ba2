use gateway_domain::{Dialect, Fault, ProviderKind, RateLimits, Timestamp};
use http::{HeaderMap, Request, StatusCode};

use crate::{Anthropic, Gemini, InvalidTarget, OpenAi, OrganizationReports, Target};

/// Every provider that can be spoken to.
pub static PROVIDERS: &[&dyn Provider] = &[&Anthropic, &Gemini, &OpenAi];

/// How to speak to providers of this kind; `None` when that is not known yet.
#[must_use]
pub fn provider(kind: ProviderKind) -> Option<&'static dyn Provider> {
    PROVIDERS.iter().copied().find(|provider| provider.kind() == kind)
}

/// How to speak to one provider: where requests go, what they carry, and what its answers mean.
///
/// Everything here is a pure function; sending is somebody else's work.
pub trait Provider: Send + Sync {
    /// Who it is.
    fn kind(&self) -> ProviderKind;

    /// The wire formats that it speaks, the one into which others are translated first; never none.
    fn dialects(&self) -> &'static [Dialect];

    /// Whether it has a call for this operation in this dialect.
    fn answers(&self, operation: Operation, dialect: Dialect) -> bool;

    /// The dialect to put a request in again that a server has refused for being put in `spoken`: servers that speak
    /// the provider's API do not have all of it. `None` if it was refused for anything else.
    fn dialect_instead(&self, spoken: Dialect, status: StatusCode, body: &[u8]) -> Option<Dialect> {
        let _ = (spoken, status, body);
        None
    }

    /// Where its requests go unless an account says otherwise.
    fn default_base_url(&self) -> &'static str;

    /// The head of the request that carries `call` to `target`; the body follows as it is, decoded.
    ///
    /// # Errors
    ///
    /// [`InvalidTarget`] when the call's query cannot stand in a request, or when this is a call that the provider
    /// does not [answer](Self::answers).
    fn request(&self, target: &Target, call: &Call<'_>) -> Result<Request<()>, InvalidTarget>;

    /// A request that costs nothing and shows whether the account can be used, without a body.
    fn probe(&self, target: &Target) -> Request<()>;

    /// A request for the models that the account has, without a body.
    fn models(&self, target: &Target) -> Request<()>;

    /// How it tells what an organisation used by its own count; `None` if it has no such reports.
    fn organization_reports(&self) -> Option<&'static dyn OrganizationReports> {
        None
    }

    /// What an answer means that is not a success.
    ///
    /// `body` may be cut short, empty or anything else; the fault's reason holds neither secrets nor more than a
    /// sentence of it.
    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault;

    /// What an error event means that a stream begins or breaks off with; `event` is its data.
    fn classify_event(&self, event: &[u8]) -> Fault;

    /// What the answer says is left, its times set by our clock, which stands at `now`.
    fn rate_limits(&self, headers: &HeaderMap, now: Timestamp) -> RateLimits;
}

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// An answer to a conversation.
    CreateMessage,
    /// How many tokens a conversation has.
    CountTokens,
}

/// A client's request, as far as its head is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What is asked for.
    pub operation: Operation,
    /// The wire format of the body, which is one of the provider's.
    pub dialect: Dialect,
    /// The version of the API in the client's address, where the dialect has several: `v1` or `v1beta` of Gemini.
    pub version: Option<&'a str>,
    /// The query as it came, without the question mark and without credentials.
    pub query: Option<&'a str>,
    /// The client's headers, all of them; for a body that was translated those that go with it.
    pub headers: &'a HeaderMap,
    /// The provider's name for the model.
    pub model: &'a str,
    /// Whether the answer is streamed.
    pub stream: bool,
}
