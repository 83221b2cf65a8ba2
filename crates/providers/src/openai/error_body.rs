use http::StatusCode;
use serde_json::Value;

use crate::reason;

/// The account may spend no more.
const NO_CREDIT: [&str; 6] = [
    "insufficient_quota",
    "billing_hard_limit_reached",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "project_spend_limit_exceeded",
];
/// The account may do nothing at all; the last is what Google's servers call it.
const REFUSED: [&str; 5] = [
    "invalid_api_key",
    "billing_not_active",
    "account_deactivated",
    "access_terminated",
    "API_KEY_INVALID",
];
/// The provider as a whole has too much to do.
const OVERLOADED: [&str; 5] = [
    "server_is_overloaded",
    "server_overloaded",
    "engine_overloaded",
    "engine_overloaded_error",
    "overloaded_error",
];

/// The error of an answer or an event, as far as it can be read.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    kind: Option<String>,
    code: Option<String>,
    /// A status in the code's place, as servers have it that speak the dialect.
    status: Option<u16>,
    /// The argument of the request that the error is about.
    param: Option<String>,
    message: String,
    is_flagged: bool,
}

impl ErrorBody {
    pub(super) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).map_or_else(|_| Self::default(), |body| Self::of(&body))
    }

    fn of(body: &Value) -> Self {
        // Google's servers that speak the dialect put it into an array, and what code it is into its details.
        let body = body.get(0).unwrap_or(body);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let of_response = &body["response"]["error"];
        let error = match &body["error"] {
            error if error.is_object() => error,
            _ if of_response.is_object() => of_response,
            _ => body,
        };
        // The type of an event says that it is an error's, not which.
        let kind = text(&error["type"]).filter(|kind| kind != "error" && !kind.starts_with("response."));
        let message = [&error["message"], &body["error"], &body["detail"]];
        Self {
            kind,
            code: text(&error["code"]).or_else(|| text(&error["details"][0]["reason"])),
            status: error["code"].as_u64().and_then(|code| u16::try_from(code).ok()),
            param: text(&error["param"]),
            message: message.into_iter().find_map(text).unwrap_or_default(),
            is_flagged: error["metadata"].get("flagged_input").is_some(),
        }
    }

    /// Code and type, the more telling first.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        [self.code.as_deref(), self.kind.as_deref()].into_iter().flatten()
    }

    pub(super) fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    pub(super) fn status_code(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.status?).ok()
    }

    pub(super) fn is_spend_limit(&self) -> bool {
        self.is_one_of(&NO_CREDIT)
    }

    pub(super) fn refuses_account(&self) -> bool {
        self.is_one_of(&REFUSED)
    }

    pub(super) fn is_overload(&self) -> bool {
        self.is_one_of(&OVERLOADED)
    }

    /// Whether requests come faster than the provider can take them.
    pub(super) fn asks_to_slow_down(&self) -> bool {
        self.is_one_of(&["slow_down"])
    }

    /// Whether a moderation refused what the client said.
    pub(super) const fn is_flagged(&self) -> bool {
        self.is_flagged
    }

    /// Whether the request could cost more than the account has, which a smaller one would not.
    pub(super) fn is_too_dear(&self) -> bool {
        self.message
            .starts_with("This request requires more credits, or fewer max_tokens")
    }

    /// Whether the request by itself is more than the limit, which a smaller one is not.
    pub(super) fn is_too_large(&self) -> bool {
        self.message.starts_with("Request too large")
    }

    /// Whether the request's own model is missing, and not one that a tool of it would use.
    pub(super) fn is_model_missing(&self) -> bool {
        let is_its_own = self.param.as_deref().is_none_or(|param| param == "model");
        (self.is_one_of(&["model_not_found"]) && is_its_own) || self.message == "Model Not Exist"
    }

    pub(super) fn is_about_model(&self) -> bool {
        let begins = [
            "The model ",
            "the model ",
            "The requested model ",
            "Model ",
            "model ",
        ];
        self.is_model_missing() || begins.iter().any(|begin| self.message.starts_with(begin))
    }

    /// Whether it names what is missing: a model, or something that the request refers to.
    pub(super) fn is_about_something(&self) -> bool {
        self.is_about_model() || self.param.is_some()
    }

    /// Whether the model does what it is asked to do only in the Responses API.
    pub(super) fn points_to_responses(&self) -> bool {
        self.param.as_deref() == Some("reasoning_effort") && self.message.contains("/v1/responses")
    }

    /// Looser than [`Self::is_about_model`], because what it is weighed against is worse for the account.
    pub(super) fn mentions_model(&self) -> bool {
        self.is_model_missing() || self.message.to_ascii_lowercase().contains("model")
    }

    /// Status, type and code: never the message, which may quote what a client sent.
    pub(super) fn reason(&self, status: Option<StatusCode>) -> String {
        reason::of(status, [self.kind.as_deref(), self.code.as_deref()])
    }

    fn is_one_of(&self, words: &[&str]) -> bool {
        self.words().any(|word| words.contains(&word))
    }
}
