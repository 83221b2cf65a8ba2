use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use bytes::Bytes;
use gateway_domain::Dialect;
use gateway_protocol::{ErrorAnswer, codec};
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
    /// Google's.
    Gemini,
}

impl Face {
    /// The face of the clients that send `request`.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        // The path as it was matched: as it was sent, it may be written in many ways.
        Self::at(
            request.match_info().as_str(),
            request.query_string(),
            request.headers(),
        )
    }

    fn at(path: &str, query: &str, headers: &HeaderMap) -> Self {
        if path.starts_with("/v1beta/") {
            return Self::Gemini;
        }
        let Some(route) = path.strip_prefix("/v1/") else {
            return Self::Gateway;
        };
        let (resource, rest) = route.split_once('/').unwrap_or((route, ""));
        match resource {
            "chat" | "completions" | "embeddings" | "responses" => Self::OpenAi,
            "models" if rest.contains(':') || is_googles(query, headers) => Self::Gemini,
            "models" | "usage" if !headers.contains_key("anthropic-version") => Self::OpenAi,
            _ => Self::Anthropic,
        }
    }

    /// The dialect that its clients understand, if they speak one.
    const fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Gateway => None,
            Self::Anthropic => Some(Dialect::Anthropic),
            Self::OpenAi => Some(Dialect::OpenAiChat),
            Self::Gemini => Some(Dialect::Gemini),
        }
    }

    /// The body that tells a client of `problem`.
    pub(crate) fn render(self, problem: &Problem, request_id: &str) -> Bytes {
        match self.dialect().and_then(codec) {
            None => Envelope::of(problem, request_id).to_bytes(),
            Some(codec) => codec.error_body(&ErrorAnswer {
                kind: problem.code.kind(),
                message: &problem.message,
                request_id,
                code: None,
                retry_after: problem.retry_after,
            }),
        }
    }
}

/// Whether a request comes with its key as only Google's clients send it.
fn is_googles(query: &str, headers: &HeaderMap) -> bool {
    headers.contains_key("x-goog-api-key") || query.split('&').any(|pair| pair.starts_with("key="))
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
        let mut google = HeaderMap::new();
        google.insert(
            HeaderName::from_static("x-goog-api-key"),
            HeaderValue::from_static("k"),
        );
        let none = HeaderMap::new();
        for (target, headers, face) in [
            ("/api/keys", &anthropic, Face::Gateway),
            ("/nowhere", &none, Face::Gateway),
            ("/v1", &none, Face::Gateway),
            ("/v1/messages", &none, Face::Anthropic),
            ("/v1/messages/batches", &none, Face::Anthropic),
            ("/v1/models", &none, Face::OpenAi),
            ("/v1/models/x", &anthropic, Face::Anthropic),
            ("/v1/usage", &none, Face::OpenAi),
            ("/v1/chat/completions", &anthropic, Face::OpenAi),
            ("/v1/chat/completions", &google, Face::OpenAi),
            ("/v1/responses", &none, Face::OpenAi),
            ("/v1/models", &google, Face::Gemini),
            ("/v1/models?pageSize=5&key=k", &none, Face::Gemini),
            ("/v1/models/gemini-2.5-pro:generateContent", &none, Face::Gemini),
            ("/v1beta/models", &none, Face::Gemini),
            ("/v1beta/nowhere", &anthropic, Face::Gemini),
        ] {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            assert_eq!(Face::at(path, query, headers), face, "{target}");
        }
    }
}
