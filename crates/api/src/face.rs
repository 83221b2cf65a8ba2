use actix_web::http::header::HeaderMap;
use bytes::Bytes;
use gateway_domain::Dialect;
use gateway_protocol::{ErrorAnswer, codec, openai};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Code, InvalidField, Problem};

/// Whose envelope an error is put in: the clients of a route understand only their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    /// This gateway's own, under `/api` and wherever nothing else is expected.
    Gateway,
    /// Anthropic's.
    Anthropic,
    /// OpenAI's.
    OpenAi,
}

impl Face {
    /// The face of the clients that ask for `path` with `headers`.
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Self {
        let Some(route) = path.strip_prefix("/v1/") else {
            return Self::Gateway;
        };
        let resource = route.split('/').next().unwrap_or_default();
        match resource {
            "chat" | "completions" | "embeddings" | "responses" => Self::OpenAi,
            "models" | "usage" if !headers.contains_key("anthropic-version") => Self::OpenAi,
            _ => Self::Anthropic,
        }
    }

    /// The body that tells a client of `problem`.
    pub(crate) fn render(self, problem: &Problem, request_id: &str) -> Bytes {
        let answer = ErrorAnswer {
            kind: problem.code.kind(),
            message: &problem.message,
            code: None,
            request_id,
            retry_after: None,
        };
        match self {
            Self::Gateway => Envelope::of(problem, request_id).to_bytes(),
            Self::OpenAi => openai::error_body(&answer),
            Self::Anthropic => match codec(Dialect::Anthropic) {
                Some(codec) => codec.error_body(&answer),
                None => Envelope::of(problem, request_id).to_bytes(),
            },
        }
    }
}

/// How errors look under `/api`.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct Envelope<'a> {
    error: ErrorText<'a>,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
struct ErrorText<'a> {
    /// A word for programs.
    code: Code,
    /// One sentence for a person.
    message: &'a str,
    /// Names the request in the gateway's log.
    request_id: &'a str,
    /// The fields that are not valid; only with `validation_failed`.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    details: &'a [InvalidField],
}

impl<'a> Envelope<'a> {
    fn of(problem: &'a Problem, request_id: &'a str) -> Self {
        let error = ErrorText {
            code: problem.code,
            message: &problem.message,
            request_id,
            details: &problem.details,
        };
        Self { error }
    }

    fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).map_or_else(|_| Bytes::new(), Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::Face;

    #[test]
    fn every_route_has_the_face_of_its_clients() {
        let mut anthropic = HeaderMap::new();
        anthropic.insert(
            HeaderName::from_static("anthropic-version"),
            HeaderValue::from_static("2023-06-01"),
        );
        let none = HeaderMap::new();
        for (path, headers, face) in [
            ("/api/keys", &anthropic, Face::Gateway),
            ("/nowhere", &none, Face::Gateway),
            ("/v1", &none, Face::Gateway),
            ("/v1/messages", &none, Face::Anthropic),
            ("/v1/messages/batches", &none, Face::Anthropic),
            ("/v1/models", &none, Face::OpenAi),
            ("/v1/models/x", &anthropic, Face::Anthropic),
            ("/v1/usage", &none, Face::OpenAi),
            ("/v1/chat/completions", &anthropic, Face::OpenAi),
        ] {
            assert_eq!(Face::of(path, headers), face, "{path}");
        }
    }
}
