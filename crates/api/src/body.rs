use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use gateway_auth::network_of;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::address;
use crate::app::{self, App};
use crate::coding::Coding;
use crate::error::{Code, Problem};
use crate::guard;
use crate::memory::Memory;
use crate::object::object;

/// How long a body may wait for its turn to be decoded.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// A JSON body; a field that `T` does not know is an error that names it.
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body, or none at all.
pub(crate) struct OptionalJson<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let body = api_body(&request, payload).await?;
            parse(&body).map(Self)
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for OptionalJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let has_body = request.headers().contains_key(CONTENT_TYPE)
                || request
                    .headers()
                    .get(CONTENT_LENGTH)
                    .is_some_and(|length| length != "0");
            if !has_body {
                return Ok(Self(None));
            }
            let body = api_body(&request, payload).await?;
            if body.is_empty() {
                Ok(Self(None))
            } else {
                parse(&body).map(|body| Self(Some(body)))
            }
        })
    }
}

/// The body of an LLM call, not yet read: the key's rights come first.
pub(crate) struct LlmBody(Payload);

impl FromRequest for LlmBody {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(_: &HttpRequest, payload: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self(payload.take())))
    }
}

impl LlmBody {
    /// Reads and, if it is compressed, decodes it.
    pub(crate) async fn read(self, request: &HttpRequest) -> Result<Bytes, Problem> {
        let app = app::of(request);
        let limit = app.settings.max_llm_body_bytes;
        let coding = Coding::of(request.headers())?;
        let body = read(app, &app.bodies, request.headers(), self.0, limit).await?;
        match coding {
            None => Ok(body),
            Some(coding) => decode(app, body, coding, limit).await,
        }
    }
}

async fn api_body(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let app = app::of(request);
    if !is_json(request.headers()) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "send JSON, with content-type: application/json",
        ));
    }
    if Coding::of(request.headers())?.is_some() {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "compressed bodies are not read here",
        ));
    }
    // The route that was matched: the path as it was sent may be written in many ways.
    let route = request.match_pattern().unwrap_or_default();
    let limit = if route.starts_with("/api/auth/") {
        app.settings.max_auth_body_bytes
    } else {
        app.settings.max_body_bytes
    };
    if !guard::is_from_stranger(request) {
        return read(app, &app.bodies, request.headers(), payload, limit).await;
    }
    let share = app.strangers_shares.share(network_of(address::of(request)));
    let room = app.strangers_bodies.within(share);
    read(app, &room, request.headers(), payload, limit).await
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Reads all of a body that may have `limit` bytes, within its time.
async fn read(
    app: &App,
    memory: &Memory,
    headers: &HeaderMap,
    payload: Payload,
    limit: usize,
) -> Result<Bytes, Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Problem::too_large(limit));
    }
    let mut incoming = Incoming {
        app,
        payload,
        started: app.clock.monotonic(),
        received: 0,
    };
    let mut buffer = memory.buffer(limit, announced);
    while let Some(chunk) = incoming.chunk().await? {
        buffer.extend(&chunk)?;
    }
    Ok(buffer.into_body())
}

/// The same body without its coding, on a thread that may take its time.
async fn decode(app: &App, encoded: Bytes, coding: Coding, limit: usize) -> Result<Bytes, Problem> {
    let stopping = || Problem::unavailable("the gateway is stopping");
    let turn = tokio::time::timeout(TURN_TIMEOUT, app.decoding.clone().acquire_owned())
        .await
        .map_err(|_| Problem::unavailable("too many compressed bodies are being read"))?
        .map_err(|_| stopping())?;
    let buffer = app.bodies.buffer(limit, None);
    // All goes with it: a client that hangs up must not make room while the work goes on.
    let decoded = web::block(move || {
        let decoded = coding.decode(&encoded, buffer);
        drop((encoded, turn));
        decoded
    });
    Ok(decoded.await.map_err(|_| stopping())??.into_body())
}

/// A body on its way in, with a time limit that grows with what has come.
struct Incoming<'a> {
    app: &'a App,
    payload: Payload,
    started: Duration,
    received: usize,
}

impl Incoming<'_> {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        let late = || Problem::new(Code::RequestTimeout, "the body did not arrive in time");
        let left = self
            .allowed()
            .checked_sub(self.app.clock.monotonic().saturating_sub(self.started));
        let next = tokio::time::timeout(left.ok_or_else(late)?, self.payload.next());
        let chunk = next
            .await
            .map_err(|_| late())?
            .transpose()
            .map_err(|error| unreadable(&error))?;
        self.received += chunk.as_ref().map_or(0, Bytes::len);
        Ok(chunk)
    }

    fn allowed(&self) -> Duration {
        let settings = &self.app.settings;
        let earned = self.received as u64 / settings.min_body_bytes_per_second.max(1);
        Duration::from_secs(settings.body_timeout_seconds.saturating_add(earned))
    }
}

fn unreadable(error: &PayloadError) -> Problem {
    tracing::debug!(%error, "a body ended early");
    Problem::new(
        Code::MalformedRequest,
        "the body ended early or is wrongly framed",
    )
}

/// Reads a JSON object: what is not JSON is a 400, what is not a `T` a 422 that names the field.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let mut track = serde_path_to_error::Track::new();
    let parsed = object(serde_path_to_error::Deserializer::new(&mut reader, &mut track))
        .map_err(|error| refused(&track.path().to_string(), &error))?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(parsed)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(
        Code::MalformedRequest,
        format!("the body is not valid JSON: {error}"),
    )
}

fn refused(path: &str, error: &serde_json::Error) -> Problem {
    if error.classify() != Category::Data {
        return malformed(error);
    }
    let text = error.to_string();
    let message = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _)| message);
    let parent = if path == "." { "" } else { path };
    let field = match message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next())
    {
        Some(missing) if parent.is_empty() => missing.to_owned(),
        Some(missing) => format!("{parent}.{missing}"),
        None => parent.to_owned(),
    };
    // Only the sentence's own words: serde would list every field that it knows.
    let message = if message.starts_with("unknown field") {
        "there is no such field".to_owned()
    } else if message.starts_with("missing field") {
        "this field is needed".to_owned()
    } else {
        expectation(message)
    };
    Problem::invalid_field(field, message)
}

/// What was expected, in a client's words, without what came instead: that may be a secret.
fn expectation(message: &str) -> String {
    let Some((_, expected)) = message.split_once("expected ") else {
        return message.to_owned();
    };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "i32" | "i64" | "usize" => "a whole number within bounds",
        "a sequence" => "a list",
        "a map" => "an object",
        expected if expected.starts_with("struct ") || expected.contains("internally tagged") => "an object",
        expected => expected,
    };
    format!("expected {expected}")
}

#[cfg(test)]
mod tests {
    use gateway_domain::Nanodollars;
    use serde::Deserialize;

    use super::parse;
    use crate::error::Code;
    use crate::patch::Patch;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(default)]
        amount: Patch<Nanodollars>,
        #[serde(default)]
        list: Vec<u8>,
    }

    fn refusal(json: &str) -> (Code, String) {
        let problem = parse::<Outer>(json.as_bytes()).unwrap_err();
        (
            problem.code,
            problem
                .details
                .first()
                .map_or_else(String::new, |detail| detail.field.clone()),
        )
    }

    #[test]
    fn refusals_name_the_field() {
        let invalid = |field: &str| (Code::ValidationFailed, field.to_owned());
        assert_eq!(refusal(r#"{"inner":{"amuont":1}}"#), invalid("inner.amuont"));
        assert_eq!(refusal(r#"{"inner":{"amount":"x"}}"#), invalid("inner.amount"));
        assert_eq!(refusal(r#"{"inner":{"list":[1,"x"]}}"#), invalid("inner.list[1]"));
        assert_eq!(refusal(r#"{"inner":7}"#), invalid("inner"));
        assert_eq!(refusal("{}"), invalid("inner"));
        assert_eq!(refusal("[{}]"), invalid(""));
    }

    #[test]
    fn refusals_say_what_was_expected_and_never_what_came() {
        for (json, expected) in [
            (r#"{"inner":"sk-secret"}"#, "expected an object"),
            (r#"{"inner":{"list":"sk-secret"}}"#, "expected a list"),
            (
                r#"{"inner":{"list":[12345678]}}"#,
                "expected a whole number within bounds",
            ),
        ] {
            let problem = parse::<Outer>(json.as_bytes()).unwrap_err();
            assert_eq!(problem.details[0].message, expected, "{json}");
        }
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        let deep = format!("{{\"inner\":{}", "[".repeat(200));
        for text in ["", "{", "{\"inner\":{}} trailing", "\u{0}", "nope", &deep] {
            assert_eq!(refusal(text).0, Code::MalformedRequest, "{text}");
        }
        assert_eq!(
            parse::<Outer>(b"{\"inner\":{\"list\":\xff}}").unwrap_err().code,
            Code::MalformedRequest
        );
    }

    #[test]
    fn money_keeps_every_digit() {
        let body: Outer = parse(br#"{"inner":{"amount":0.123456789}}"#).unwrap();
        assert_eq!(
            body.inner.amount,
            Patch::Set(Nanodollars::from_nanos(123_456_789))
        );
        let body: Outer = parse(br#"{"inner":{"amount":null,"list":[7]}}"#).unwrap();
        assert_eq!((body.inner.amount, body.inner.list), (Patch::Clear, vec![7]));
    }
}
