use serde_json::Value;

use super::ApiError;

/// The error of this type, with its status.
pub(super) fn of_kind(kind: &str) -> ApiError {
    let status = USUAL
        .iter()
        .find(|(_, own, _)| *own == kind)
        .map_or(500, |(status, _, _)| *status);
    ApiError {
        kind: Some(kind.to_owned()),
        ..ApiError::usual(status)
    }
}

/// The envelope, with its fields in the provider's order.
pub(super) fn body(error: &ApiError, request_id: &str) -> Vec<u8> {
    let quoted = |text: &str| Value::from(text).to_string();
    let kind = error.kind.as_deref().unwrap_or_else(|| usual_kind(error.status));
    let message = error
        .message
        .as_deref()
        .unwrap_or_else(|| usual_message(error.status));
    let details = error.error_code.as_ref().map_or_else(String::new, |code| {
        format!(",\"details\":{{\"error_code\":{}}}", quoted(code))
    });
    format!(
        "{{\"type\":\"error\",\"error\":{{\"type\":{},\"message\":{}{details}}},\"request_id\":{}}}",
        quoted(kind),
        quoted(message),
        quoted(request_id)
    )
    .into_bytes()
}

/// Status, `error.type` and message; the first row of a type is its own status.
const USUAL: &[(u16, &str, &str)] = &[
    (400, "invalid_request_error", "Error"),
    (401, "authentication_error", "invalid x-api-key"),
    (
        402,
        "billing_error",
        "There is a problem with your organization's billing. Please check your payment method in the console.",
    ),
    (403, "permission_error", "This organization has been disabled."),
    (404, "not_found_error", "Not Found"),
    (405, "invalid_request_error", "Method Not Allowed"),
    (
        409,
        "conflict_error",
        "The request conflicts with the current state of the resource.",
    ),
    (413, "request_too_large", "Request exceeds the maximum size"),
    (415, "invalid_request_error", "Unsupported Media Type"),
    (422, "invalid_request_error", "Unprocessable Entity"),
    (
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 4,000 requests per minute. For details, refer to: \
         https://docs.claude.com/en/api/rate-limits.",
    ),
    (500, "api_error", "Internal server error"),
    (502, "api_error", "Bad Gateway"),
    (503, "api_error", "Service Unavailable"),
    (
        504,
        "timeout_error",
        "The request timed out while it was being processed.",
    ),
    (529, "overloaded_error", "Overloaded"),
];

fn usual_kind(status: u16) -> &'static str {
    let fallback = if status >= 500 {
        "api_error"
    } else {
        "invalid_request_error"
    };
    usual(status).map_or(fallback, |(_, kind, _)| kind)
}

fn usual_message(status: u16) -> &'static str {
    usual(status).map_or("Error", |(_, _, message)| message)
}

fn usual(status: u16) -> Option<&'static (u16, &'static str, &'static str)> {
    USUAL.iter().find(|(own, _, _)| *own == status)
}
