use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use crate::{reason, span};

/// A `google.rpc.Status`, as far as it can be read.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    code: Option<u16>,
    status: Option<String>,
    message: String,
    /// Why, in a word of Google's: `API_KEY_INVALID`.
    reason: Option<String>,
    /// The limits that were reached, in names of Google's: `GenerateRequestsPerDayPerProjectPerModel-FreeTier`.
    quotas: Vec<String>,
    retry_delay: Option<Duration>,
}

impl ErrorBody {
    pub(super) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).map_or_else(|_| Self::default(), |body| Self::of(&body))
    }

    pub(super) fn of(body: &Value) -> Self {
        // The stream that is no event stream is an array, also when it has but an error.
        let body = body.get(0).unwrap_or(body);
        let error = &body["error"];
        let details = || error["details"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            code: error["code"].as_u64().and_then(|code| u16::try_from(code).ok()),
            status: text(&error["status"]),
            message: text(&error["message"]).unwrap_or_default(),
            reason: details().find_map(|detail| text(&detail["reason"])),
            quotas: details().flat_map(quotas_of).collect(),
            retry_delay: details()
                .find_map(|detail| detail["retryDelay"].as_str())
                .and_then(span::parse),
        }
    }

    /// The HTTP status that this error has where an answer begins with it.
    pub(super) fn status_code(&self) -> Option<StatusCode> {
        let code = self.code.or_else(|| {
            Some(match self.status.as_deref()? {
                "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => 400,
                "UNAUTHENTICATED" => 401,
                "PERMISSION_DENIED" => 403,
                "NOT_FOUND" => 404,
                "ABORTED" | "ALREADY_EXISTS" => 409,
                "RESOURCE_EXHAUSTED" => 429,
                "CANCELLED" => 499,
                "UNIMPLEMENTED" => 501,
                "UNAVAILABLE" => 503,
                "DEADLINE_EXCEEDED" => 504,
                _ => 500,
            })
        })?;
        StatusCode::from_u16(code).ok()
    }

    pub(super) const fn retry_delay(&self) -> Option<Duration> {
        self.retry_delay
    }

    /// Whether a bad request is one because of the account.
    pub(super) fn refuses_account(&self) -> bool {
        const KEY: [&str; 3] = ["API key not valid. ", "API key expired. ", "API Key not found. "];
        const PLACE: [&str; 2] = [
            "User location is not supported for the API use",
            "Gemini API free tier is not available in your country",
        ];
        let is_reason_of_the_key = self
            .reason
            .as_deref()
            .is_some_and(|reason| reason.starts_with("API_KEY_"));
        let is_about_the_place = self.status.as_deref() == Some("FAILED_PRECONDITION") && self.begins(&PLACE);
        is_reason_of_the_key || is_about_the_place || self.begins(&KEY)
    }

    /// Whether something that the request names is refused, rather than all that the account sends.
    ///
    /// Clients choose what they name: a file of somebody else's must not count against the account.
    pub(super) fn refuses_resource(&self) -> bool {
        self.reason.is_none()
            && self.begins(&["You do not have permission to access ", "CachedContent not found"])
    }

    pub(super) fn is_about_model(&self) -> bool {
        self.begins(&[
            "models/",
            "tunedModels/",
            "This model ",
            "The model ",
            "Model ",
            "model ",
            "Publisher Model ",
        ])
    }

    pub(super) fn mentions_model(&self) -> bool {
        self.message.to_ascii_lowercase().contains("model")
    }

    /// Whether all of the provider is short of machines, which is no limit of the account's.
    pub(super) fn is_short_of_capacity(&self) -> bool {
        self.reason.as_deref() == Some("MODEL_CAPACITY_EXHAUSTED")
    }

    /// Whether no money is left, or none that may be spent.
    pub(super) fn is_spend_limit(&self) -> bool {
        self.begins(&[
            "Your prepayment credits are depleted",
            "Your project has exceeded its monthly spending cap",
        ])
    }

    pub(super) fn is_limit_of_a_day(&self) -> bool {
        self.quotas.iter().any(|quota| quota.contains("PerDay"))
    }

    /// Status, words of Google's, and what a message is known to stand for: never the message itself.
    pub(super) fn reason(&self, status: Option<StatusCode>) -> String {
        let cause = self.is_spend_limit().then_some("account_without_credit");
        let quota = self.quotas.first().map(String::as_str);
        reason::of(
            status,
            [self.status.as_deref(), self.reason.as_deref(), quota, cause],
        )
    }

    /// Messages quote what clients sent, so those that count against an account must match from their first word.
    fn begins(&self, with: &[&str]) -> bool {
        with.iter().any(|begin| self.message.starts_with(begin))
    }
}

fn quotas_of(detail: &Value) -> Vec<String> {
    let violations = detail["violations"].as_array().into_iter().flatten();
    violations
        .map(|violation| &violation["quotaId"])
        .chain([&detail["metadata"]["quota_limit"]])
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
