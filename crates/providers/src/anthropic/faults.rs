use gateway_domain::{Fault, FaultClass, FaultReach, QuotaWindow};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::limits;
use crate::{reason, retry_after};

pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    let error = ErrorBody::read(body);
    let class = match status.as_u16() {
        400 => error.class_of_bad_request(),
        401 | 402 => FaultClass::Credential,
        403 if error.mentions_model() => FaultClass::ModelMissing,
        403 => FaultClass::Credential,
        404 if error.is_about_model() => FaultClass::ModelMissing,
        407 | 408 => FaultClass::Transport,
        429 if error.is_spend_limit() => return of_spending(error.reason(Some(status))),
        429 => return of_limit(headers, error.reason(Some(status))),
        503 | 529 => FaultClass::Overload,
        _ if status.is_server_error() && error.kind() == "overloaded_error" => FaultClass::Overload,
        _ if status.is_client_error() => FaultClass::Client,
        _ => FaultClass::Server,
    };
    let stated = || retry_after::stated(headers);
    Fault {
        retry_after: (class == FaultClass::Overload).then(stated).flatten(),
        ..Fault::new(class, error.reason(Some(status)))
    }
}

/// A refusal by the API's limits, which count each class of models by itself, or by a subscription's.
fn of_limit(headers: &HeaderMap, reason: String) -> Fault {
    let Some(wait) = limits::wait(headers) else {
        return Fault::new(FaultClass::Burst, reason);
    };
    let (window, reach) = limits::subscription_refusal(headers)
        .map_or((QuotaWindow::Rate, FaultReach::ModelFamily), |reach| {
            (QuotaWindow::Subscription, reach)
        });
    Fault {
        reach,
        window,
        ..Fault::new(FaultClass::Quota, reason).retry_after(wait)
    }
}

pub(super) fn of_event(event: &[u8]) -> Fault {
    let error = ErrorBody::read(event);
    let class = match error.kind() {
        "overloaded_error" => FaultClass::Overload,
        "rate_limit_error" if error.is_spend_limit() => return of_spending(error.reason(None)),
        "rate_limit_error" => FaultClass::Burst,
        "permission_error" if error.mentions_model() => FaultClass::ModelMissing,
        "authentication_error" | "permission_error" | "billing_error" => FaultClass::Credential,
        "not_found_error" if error.is_about_model() => FaultClass::ModelMissing,
        "invalid_request_error" => error.class_of_bad_request(),
        "not_found_error" | "request_too_large" | "conflict_error" => FaultClass::Client,
        _ => FaultClass::Server,
    };
    Fault::new(class, error.reason(None))
}

/// Whatever `retry-after` says, it ends with the month or when the account's owner raises it.
fn of_spending(reason: String) -> Fault {
    Fault {
        window: QuotaWindow::Spending,
        ..Fault::new(FaultClass::Quota, reason)
    }
}

/// The error of an answer or an event, as far as it can be read.
#[derive(Debug, Default)]
struct ErrorBody {
    kind: Option<String>,
    message: Option<String>,
    code: Option<String>,
}

impl ErrorBody {
    fn read(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let error = &body["error"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            kind: text(&error["type"]),
            // Some servers that speak the dialect put the message in the error's own place, or the code beside it.
            message: text(&error["message"]).or_else(|| text(error)),
            code: text(&error["details"]["error_code"]).or_else(|| text(&error["code"])),
        }
    }

    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or_default()
    }

    fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }

    fn class_of_bad_request(&self) -> FaultClass {
        let message = self.message();
        let begins = [
            "Your credit balance is too low",
            "credit balance is too low",
            "You have reached your specified API usage limits",
            "This organization has been disabled",
        ];
        // A quoted field name is followed by a colon and what is wrong with it.
        let is_quote = message.contains(": ");
        if begins.iter().any(|begin| message.starts_with(begin)) && !is_quote {
            FaultClass::Credential
        } else {
            FaultClass::Client
        }
    }

    fn is_spend_limit(&self) -> bool {
        matches!(
            self.code.as_deref(),
            Some("enforced_spend_limit_reached" | "contract_spend_limit_reached")
        )
    }

    fn is_about_model(&self) -> bool {
        let begins = ["model:", "model ", "The model ", "the model "];
        self.code.as_deref() == Some("model_not_found")
            || begins.iter().any(|begin| self.message().starts_with(begin))
    }

    /// Looser than [`Self::is_about_model`], because what it is weighed against is worse for the account.
    fn mentions_model(&self) -> bool {
        self.message().to_ascii_lowercase().contains("model")
    }

    /// Status, type and code: never the message, which may quote what a client sent.
    fn reason(&self, status: Option<StatusCode>) -> String {
        reason::of(
            status,
            [self.kind.as_deref(), self.code.as_deref(), self.known_cause()],
        )
    }

    /// What a message is known to stand for, in a word of ours.
    fn known_cause(&self) -> Option<&'static str> {
        (self.class_of_bad_request() == FaultClass::Credential)
            .then_some("account_without_credit_or_disabled")
    }
}
