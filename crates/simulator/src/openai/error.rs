use serde_json::{Value, json};

use crate::error;

/// An error of the API, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) param: Option<String>,
    pub(crate) code: Option<String>,
}

impl ApiError {
    /// A request that can never be answered.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: INVALID.to_owned(),
            message: message.into(),
            param: None,
            code: None,
        }
    }

    /// An error of this status, with the type and code that go with it.
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::usual(status)
        }
    }

    pub(super) fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(super) fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The error of this status with the words that the provider usually has for it.
    pub(super) fn usual(status: u16) -> Self {
        let fallback = if status >= 500 {
            (
                SERVER,
                None,
                "The server had an error while processing your request.",
            )
        } else {
            (INVALID, None, "Bad request.")
        };
        let (kind, code, message) = USUAL
            .iter()
            .find(|(own, ..)| *own == status)
            .map_or(fallback, |(_, kind, code, message)| (*kind, *code, *message));
        Self {
            status,
            kind: kind.to_owned(),
            message: message.to_owned(),
            param: None,
            code: code.map(str::to_owned),
        }
    }

    /// The error of this status and code, in the words for both where the provider has some.
    pub(super) fn of_code(status: u16, code: &str) -> Self {
        if code == QUOTA {
            return Self {
                status,
                kind: QUOTA.to_owned(),
                message: QUOTA_MESSAGE.to_owned(),
                param: None,
                code: Some(QUOTA.to_owned()),
            };
        }
        Self::usual(status).code(code)
    }

    /// The error that this type or code stands for, with its status; of a server that fails, if it is a word of
    /// another provider.
    pub(super) fn of_kind(kind: &str) -> Self {
        if kind == QUOTA {
            return Self::of_code(429, QUOTA);
        }
        let known = USUAL
            .iter()
            .find(|(_, own, code, _)| *own == kind || *code == Some(kind));
        match known {
            Some((status, ..)) => Self::usual(*status),
            None => Self {
                kind: kind.to_owned(),
                ..Self::usual(500)
            },
        }
    }

    pub(super) fn unknown_model(id: &str) -> Self {
        Self::new(
            404,
            format!("The model `{id}` does not exist or you do not have access to it."),
        )
        .code("model_not_found")
    }

    /// An error in no dialect's words, with those that the provider usually has for what is not said.
    pub(super) fn worded(error: &error::ApiError) -> Self {
        let usual = match &error.error_code {
            Some(code) => Self::of_code(error.status, code),
            None => Self::usual(error.status),
        };
        // Who says everything else means that there is no code.
        let is_whole = error.kind.is_some() && error.message.is_some();
        Self {
            status: error.status,
            code: if is_whole {
                error.error_code.clone()
            } else {
                usual.code
            },
            kind: error.kind.clone().unwrap_or(usual.kind),
            message: error.message.clone().unwrap_or(usual.message),
            param: error.param.clone(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"message": self.message, "type": self.kind, "param": self.param, "code": self.code})
    }

    /// The body of an error answer, with its fields in the provider's order.
    pub(super) fn body(&self) -> Vec<u8> {
        let quoted = |text: Option<&str>| Value::from(text).to_string();
        format!(
            "{{\"error\":{{\"message\":{},\"type\":{},\"param\":{},\"code\":{}}}}}",
            json!(self.message),
            json!(self.kind),
            quoted(self.param.as_deref()),
            quoted(self.code.as_deref()),
        )
        .into_bytes()
    }
}

impl From<ApiError> for error::ApiError {
    fn from(error: ApiError) -> Self {
        Self {
            kind: Some(error.kind),
            error_code: error.code,
            param: error.param,
            ..Self::new(error.status, error.message)
        }
    }
}

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";
const QUOTA: &str = "insufficient_quota";
const QUOTA_MESSAGE: &str = "You exceeded your current quota, please check your plan and billing details. For more information on this \
     error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.";

/// Status, `type`, `code` and message; the first row of a type or code is its own status.
const USUAL: &[(u16, &str, Option<&str>, &str)] = &[
    (400, INVALID, None, "Bad request."),
    (
        401,
        INVALID,
        Some("invalid_api_key"),
        "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.",
    ),
    (
        403,
        "request_forbidden",
        Some("unsupported_country_region_territory"),
        "Country, region, or territory not supported",
    ),
    (
        404,
        INVALID,
        Some("model_not_found"),
        "The requested model does not exist or you do not have access to it.",
    ),
    (405, INVALID, Some("method_not_supported"), "Method Not Allowed"),
    (
        413,
        INVALID,
        Some("request_too_large"),
        "The request exceeds the maximum size",
    ),
    (
        429,
        "requests",
        Some("rate_limit_exceeded"),
        "Rate limit reached on requests per min (RPM). Please try again in 20s. Visit \
         https://platform.openai.com/account/rate-limits to learn more.",
    ),
    (
        500,
        SERVER,
        None,
        "The server had an error while processing your request. Sorry about that!",
    ),
    (502, SERVER, None, "Bad gateway."),
    (
        503,
        SERVER,
        None,
        "The server is currently overloaded with other requests. Sorry about that! You can retry your request.",
    ),
    (504, SERVER, None, "The request timed out."),
];
