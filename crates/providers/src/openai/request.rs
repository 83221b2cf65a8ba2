use gateway_domain::Dialect;
use http::header::AUTHORIZATION;
use http::{HeaderName, Request};

use crate::{Call, InvalidTarget, Operation, Target, head};

/// The version of the API that is meant where an account's address has no path.
const VERSION: &str = "/v1";

/// Whom the client's own key belongs to; with the account's it would be refused.
static NOT_FORWARDED: [HeaderName; 2] = [
    HeaderName::from_static("openai-organization"),
    HeaderName::from_static("openai-project"),
];

/// Where calls of this operation and dialect go, if there are any.
pub(super) const fn path(operation: Operation, dialect: Dialect) -> Option<&'static str> {
    match (operation, dialect) {
        (Operation::CreateMessage, Dialect::OpenAiChat) => Some("/chat/completions"),
        (Operation::CreateMessage, Dialect::OpenAiResponses) => Some("/responses"),
        (Operation::CountTokens, Dialect::OpenAiResponses) => Some("/responses/input_tokens"),
        (Operation::CountTokens, Dialect::OpenAiChat) | (_, Dialect::Anthropic | Dialect::Gemini) => None,
    }
}

pub(super) fn operation(target: &Target, call: &Call<'_>) -> Result<Request<()>, InvalidTarget> {
    let path = path(call.operation, call.dialect).ok_or(InvalidTarget::Call)?;
    let uri = target.uri_as_entered(VERSION, path, call.query)?;
    let mut request = signed(head::of_call(uri, call.headers), target);
    for name in &NOT_FORWARDED {
        request.headers_mut().remove(name);
    }
    Ok(request)
}

pub(super) fn models(target: &Target) -> Request<()> {
    let uri = target
        .uri_as_entered(VERSION, "/models", None)
        .expect("the path is ours, and the prefix was found fit when the target was parsed");
    signed(head::of_our_own(uri), target)
}

pub(super) fn report(target: &Target, path: &str, query: &str) -> Result<Request<()>, InvalidTarget> {
    let uri = target.uri_as_entered(VERSION, path, Some(query))?;
    Ok(signed(head::of_our_own(uri), target))
}

fn signed(mut request: Request<()>, target: &Target) -> Request<()> {
    request
        .headers_mut()
        .insert(AUTHORIZATION, target.bearer().clone());
    request
}
