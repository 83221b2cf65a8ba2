use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gateway_domain::{Fault, FaultClass};
use http::{HeaderMap, StatusCode, response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout, timeout_at};

use crate::attempt::{Attempt, Opened};
use crate::failure::{ErrorFromProvider, Failure, Words};
use crate::telltale::tells;

/// Bytes of a provider's error answer that are kept.
const MAX_ERROR_BYTES: usize = 1024 * 1024;
/// Time for the body of a provider's error answer; its status is known already.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers in one piece: errors, and what is not streamed.
impl Attempt<'_> {
    pub(crate) async fn read_error(&self, head: response::Parts, body: Incoming) -> Box<Failure> {
        let body = match timeout(ERROR_BODY_TIMEOUT, collect(body, MAX_ERROR_BYTES)).await {
            Ok(Ok(body)) => body,
            // The status says enough.
            Ok(Err(_)) | Err(_) => Bytes::new(),
        };
        let fault = self.provider.classify(head.status, &head.headers, &body);
        Box::new(Failure {
            answer: Some(self.error_from_provider(head.status, head.headers, body)),
            ..*Failure::new(fault)
        })
    }

    pub(crate) fn error_from_provider(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    ) -> ErrorFromProvider {
        let secret = self.target.credential().secret().expose_secret();
        let words = if tells(&body, secret) {
            Words::Hidden
        } else if !self.wording.is_translated() && is_error_body(&body) {
            Words::AsTheyAre
        } else {
            let told = self.wording.codec.read_error(&body);
            told.map_or(Words::Hidden, Words::Told)
        };
        ErrorFromProvider {
            status,
            headers,
            body,
            words,
        }
    }

    /// Reads an answer that is not streamed to its end: until then another account can still take over.
    pub(crate) async fn read_whole(
        &self,
        head: response::Parts,
        body: Incoming,
        deadline: Instant,
    ) -> Result<Opened, Box<Failure>> {
        let limit = self.core.shared.settings.max_answer_bytes;
        match timeout_at(deadline, collect(body, limit)).await {
            Err(_) => Err(Failure::timed_out(
                "whole answer",
                self.core.shared.settings.head_timeout(false),
            )),
            Ok(Err(error)) => Err(Failure::cut(Fault::new(FaultClass::Transport, error))),
            Ok(Ok(body)) if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() => Err(
                Failure::new(Fault::new(FaultClass::Server, "the answer is not JSON")),
            ),
            Ok(Ok(body)) if says_error(&body) => Err(self.refused_with_success(&head, body)),
            Ok(Ok(body)) => match self.wording.tell(body.clone()) {
                Some(told) => Ok(Opened::Whole { head, body, told }),
                None => Err(Failure::nonsense(
                    "the answer is not one of the provider's dialect",
                )),
            },
        }
    }
}

impl Attempt<'_> {
    /// An error, whatever the status says. Some servers that speak a provider's API have no other.
    fn refused_with_success(&self, head: &response::Parts, body: Bytes) -> Box<Failure> {
        let fault = self.provider.classify_event(&body);
        if fault.class != FaultClass::Client {
            return Failure::new(fault);
        }
        Box::new(Failure {
            answer: Some(self.error_from_provider(StatusCode::BAD_REQUEST, head.headers.clone(), body)),
            ..*Failure::new(fault)
        })
    }
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, String> {
    let mut first = Bytes::new();
    let mut rest: Option<BytesMut> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the answer broke: {error}"))?;
        let Ok(chunk) = frame.into_data() else { continue };
        if first.len() + rest.as_ref().map_or(0, BytesMut::len) + chunk.len() > limit {
            return Err(format!("the answer is longer than {limit} bytes"));
        }
        // Most answers are one chunk, which needs no copy.
        match &mut rest {
            Some(rest) => rest.extend_from_slice(&chunk),
            None if first.is_empty() => first = chunk,
            None => {
                let mut joined = BytesMut::from(first.as_ref());
                joined.extend_from_slice(&chunk);
                first = Bytes::new();
                rest = Some(joined);
            }
        }
    }
    Ok(rest.map_or(first, BytesMut::freeze))
}

/// Whether an answer is an error rather than an answer.
fn says_error(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Envelope {
        error: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Envelope>(body).is_ok_and(|envelope| envelope.error.is_some())
}

/// Whether it is in the shape that errors of every dialect have.
fn is_error_body(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Envelope {
        #[serde(rename = "error")]
        _error: serde::de::IgnoredAny,
    }
    serde_json::from_slice::<Envelope>(body).is_ok()
}
