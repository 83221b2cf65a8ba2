mod request;

use gateway_domain::{Dialect, ProviderKind};
use http::Request;

use crate::{Call, InvalidTarget, Provider, Target};

/// Anthropic, and servers that speak its Messages API.
#[derive(Debug, Clone, Copy)]
pub struct Anthropic;

impl Provider for Anthropic {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Anthropic
    }

    fn dialect(&self) -> Dialect {
        Dialect::Anthropic
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
}
