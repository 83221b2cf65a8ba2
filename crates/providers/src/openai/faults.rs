use gateway_domain::{Dialect, Fault, FaultClass, FaultReach, QuotaWindow};
use http::{HeaderMap, StatusCode};

use super::error_body::ErrorBody;
use super::limits;
use crate::retry_after;

pub(super) fn dialect_instead(spoken: Dialect, status: StatusCode, body: &[u8]) -> Option<Dialect> {
    let error = ErrorBody::read(body);
    match (spoken, status.as_u16()) {
        (Dialect::OpenAiResponses, 404 | 405 | 501) if !error.is_about_something() => {
            Some(Dialect::OpenAiChat)
        }
        (Dialect::OpenAiChat, 400) if error.points_to_responses() => Some(Dialect::OpenAiResponses),
        _ => None,
    }
}

pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    of_error(status, headers, &ErrorBody::read(body))
}

pub(super) fn of_event(event: &[u8]) -> Fault {
    let error = ErrorBody::read(event);
    if error.is_spend_limit() {
        return of_spending(error.reason(None));
    }
    let class = if error.refuses_account() {
        Some(FaultClass::Credential)
    } else if error.is_model_missing() {
        Some(FaultClass::ModelMissing)
    } else if error.is_overload() || error.asks_to_slow_down() {
        Some(FaultClass::Overload)
    } else {
        error.words().find_map(class_of_word)
    };
    match (class, error.status_code()) {
        (Some(class), _) => Fault::new(class, error.reason(None)),
        (None, Some(status)) => of_error(status, &HeaderMap::new(), &error),
        (None, None) => Fault::new(FaultClass::Server, error.reason(None)),
    }
}

/// What a code or a type means that comes without a status.
fn class_of_word(word: &str) -> Option<FaultClass> {
    const OF_CLIENTS: [&str; 3] = ["invalid_", "unsupported_", "image_"];
    Some(match word {
        "rate_limit_exceeded" | "rate_limit_error" | "requests" | "tokens" => FaultClass::Burst,
        "authentication_error" | "permission_error" => FaultClass::Credential,
        "server_error" | "api_error" | "vector_store_timeout" => FaultClass::Server,
        "context_length_exceeded" | "string_above_max_length" | "content_filter" => FaultClass::Client,
        "empty_image_file" | "failed_to_download_image" => FaultClass::Client,
        _ if word.ends_with("_policy") || word.ends_with("_policy_violation") => FaultClass::Client,
        _ if OF_CLIENTS.iter().any(|begin| word.starts_with(begin)) => FaultClass::Client,
        _ => return None,
    })
}

fn of_error(status: StatusCode, headers: &HeaderMap, error: &ErrorBody) -> Fault {
    let reason = error.reason(Some(status));
    let is_client_error = status.is_client_error();
    let class = match status.as_u16() {
        _ if is_client_error && error.is_spend_limit() => return of_spending(reason),
        _ if is_client_error && error.refuses_account() => FaultClass::Credential,
        400 if error.is_model_missing() => FaultClass::ModelMissing,
        402 if error.is_too_dear() => FaultClass::Burst,
        403 if error.is_flagged() => FaultClass::Client,
        403 if error.mentions_model() => FaultClass::ModelMissing,
        401..=403 => FaultClass::Credential,
        404 if error.is_about_model() => FaultClass::ModelMissing,
        407 | 408 => FaultClass::Transport,
        429 if error.is_overload() => FaultClass::Overload,
        429 => return of_limit(headers, error, reason),
        503 | 529 => FaultClass::Overload,
        500.. if error.is_overload() || error.asks_to_slow_down() => FaultClass::Overload,
        _ if is_client_error => FaultClass::Client,
        _ => FaultClass::Server,
    };
    let stated = || retry_after::stated(headers);
    Fault {
        retry_after: (class == FaultClass::Overload).then(stated).flatten(),
        ..Fault::new(class, reason)
    }
}

/// A refusal by the limits of requests or tokens, which each class of models has for itself.
fn of_limit(headers: &HeaderMap, error: &ErrorBody, reason: String) -> Fault {
    match limits::wait(headers, error.kind()) {
        Some(wait) if !error.is_too_large() => Fault {
            reach: FaultReach::ModelFamily,
            window: QuotaWindow::Rate,
            ..Fault::new(FaultClass::Quota, reason).retry_after(wait)
        },
        _ => Fault::new(FaultClass::Burst, reason),
    }
}

/// Whatever `retry-after` says, it ends when the account's owner pays or raises it.
fn of_spending(reason: String) -> Fault {
    Fault {
        window: QuotaWindow::Spending,
        ..Fault::new(FaultClass::Quota, reason)
    }
}
