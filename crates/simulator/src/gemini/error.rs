use serde_json::{Value, json};

use super::ApiError;

const BAD_KEY: &str = "API_KEY_INVALID";
const QUOTA: &str = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier";
const RETRY_SECONDS: u64 = 34;

/// The error of this status name, with its code. The names that other dialects have for the same are known too.
pub(super) fn of_kind(kind: &str) -> ApiError {
    if let Some((code, _, _)) = USUAL.iter().find(|(_, own, _)| *own == kind) {
        return ApiError {
            kind: Some(kind.to_owned()),
            ..ApiError::usual(*code)
        };
    }
    let code = match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "permission_error" => 403,
        "not_found_error" => 404,
        "rate_limit_error" | "rate_limit_exceeded" => 429,
        "overloaded_error" => 503,
        "timeout_error" => 504,
        _ => 500,
    };
    ApiError::usual(code)
}

/// The envelope, which is a `google.rpc.Status`.
pub(super) fn body(error: &ApiError) -> Value {
    let (kind, message) = usual(error);
    let mut status = json!({
        "code": error.status,
        "message": error.message.as_deref().unwrap_or(message),
        "status": error.kind.as_deref().unwrap_or(kind),
    });
    let details = details(error);
    if !details.is_empty() {
        status["details"] = details.into();
    }
    json!({ "error": status })
}

fn details(error: &ApiError) -> Vec<Value> {
    if error.status == 429 {
        let wait = error.retry_after.map_or(RETRY_SECONDS, |wait| {
            wait.as_millis().div_ceil(1_000).max(1) as u64
        });
        return vec![
            json!({
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{
                    "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
                    "quotaId": error.error_code.as_deref().unwrap_or(QUOTA),
                }],
            }),
            json!({
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": format!("{wait}s"),
            }),
        ];
    }
    let reason = |reason: &String| {
        json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        })
    };
    error.error_code.iter().map(reason).collect()
}

fn usual(error: &ApiError) -> (&'static str, &'static str) {
    if error.error_code.as_deref() == Some(BAD_KEY) {
        return (
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
        );
    }
    let fallback = if error.status >= 500 {
        ("UNAVAILABLE", "The service is currently unavailable.")
    } else {
        ("INVALID_ARGUMENT", "Request contains an invalid argument.")
    };
    USUAL
        .iter()
        .find(|(own, _, _)| *own == error.status)
        .map_or(fallback, |(_, kind, message)| (kind, message))
}

/// The refusal of an API key, which is no 401 here.
pub(super) fn bad_key() -> ApiError {
    ApiError {
        error_code: Some(BAD_KEY.to_owned()),
        ..ApiError::usual(400)
    }
}

/// Code, status and message; the first row of a status is its own code.
const USUAL: &[(u16, &str, &str)] = &[
    (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    (
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid \
         authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    ),
    (403, "PERMISSION_DENIED", "The caller does not have permission"),
    (404, "NOT_FOUND", "Requested entity was not found."),
    (405, "NOT_FOUND", "Requested entity was not found."),
    (409, "ABORTED", "The operation was aborted."),
    (
        413,
        "INVALID_ARGUMENT",
        "Request payload size exceeds the limit: 20971520 bytes.",
    ),
    (
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details. For more information on this \
         error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.",
    ),
    (499, "CANCELLED", "The operation was cancelled."),
    (
        500,
        "INTERNAL",
        "An internal error has occurred. Please retry or report in \
         https://developers.generativeai.google/guide/troubleshooting",
    ),
    (
        501,
        "UNIMPLEMENTED",
        "Operation is not implemented, or supported, or enabled.",
    ),
    (
        503,
        "UNAVAILABLE",
        "The model is overloaded. Please try again later.",
    ),
    (
        504,
        "DEADLINE_EXCEEDED",
        "Deadline expired before operation could complete.",
    ),
];
