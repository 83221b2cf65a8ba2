//! One request and its answer: what is decided, before [`deliver`](crate::deliver) writes it.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::{GzDecoder, ZlibDecoder};
use serde_json::json;

use crate::anthropic::{
    ApiError, Composer, Events, HeaderLines, Message, Quota, Terms, betas, count_tokens, credential_of,
    parse, refuse_credential, whole,
};
use crate::deliver::{Body, Delivery, Response, Stopped, reason};
use crate::draw::{Draw, hash};
use crate::fault::Fault;
use crate::record::{Billed, Ended};
use crate::script::{Answer, ErrorReply, Pace, Script};
use crate::state::{Begun, Shared};
use crate::wire::{BODY_LIMIT, Connection, Head, ReadError, ReadPace};

/// Serves one connection until either side ends it.
pub(crate) async fn serve(mut connection: Connection, shared: Arc<Shared>) {
    let number = shared.connected();
    loop {
        match connection.read_head().await {
            Ok(Some(head)) => match exchange(connection, &head, &shared, number).await {
                Some(kept) => connection = kept,
                None => break,
            },
            Ok(None) | Err(ReadError::Gone) => break,
            Err(ReadError::Refused { status, message }) => {
                // Nothing is known of the client, so nothing is recorded.
                refuse(&mut connection, &ApiError::new(status, message), "req_011unread").await;
                break;
            }
        }
    }
    shared.disconnected();
}

/// Answers one request; the connection is given back if it can be used again.
async fn exchange(
    mut connection: Connection,
    head: &Head,
    shared: &Shared,
    number: u64,
) -> Option<Connection> {
    let begun = shared.begin(head, credential_of(head), number);
    let faults = begun
        .script
        .as_ref()
        .map(|script| script.faults.clone())
        .unwrap_or_default();
    let body = match connection.read_body(head, read_pace(&faults)).await {
        Ok(body) => body,
        Err(ReadError::Gone) => {
            shared.end(begun.number, Ended::ClientWentAway { body_bytes: 0 });
            return None;
        }
        Err(ReadError::Refused { status, message }) => {
            shared.answered(begun.number, status);
            refuse(
                &mut connection,
                &ApiError::new(status, message),
                &begun.request_id,
            )
            .await;
            shared.end(begun.number, Ended::Cut { body_bytes: 0 });
            return None;
        }
    };
    shared.body_read(begun.number, &body);
    let response = Exchange {
        head,
        begun: &begun,
        shared,
    }
    .respond(&body);
    drop(body);
    shared.answered(begun.number, response.status);
    let delivery = Delivery::new(&mut connection, head, shared, &begun, &faults);
    let stopped = delivery.run(response).await;
    match stopped {
        Ok(reusable) => reusable.then_some(connection),
        Err(Stopped::Gone {
            body_bytes,
            is_last: true,
        }) => {
            shared.went_away_at_last(begun.number, body_bytes);
            None
        }
        Err(Stopped::Gone { body_bytes, .. }) => {
            shared.end(begun.number, Ended::ClientWentAway { body_bytes });
            None
        }
        Err(Stopped::Cut { body_bytes, resets }) => {
            if resets {
                connection.reset();
            } else {
                drop(connection);
            }
            shared.end(begun.number, Ended::Cut { body_bytes });
            None
        }
    }
}

fn read_pace(faults: &[Fault]) -> ReadPace {
    faults
        .iter()
        .find_map(|fault| match fault {
            Fault::SlowRead { bytes, pause_ms } => Some(ReadPace {
                bytes: (*bytes).max(1),
                pause: Duration::from_millis(*pause_ms),
            }),
            _ => None,
        })
        .unwrap_or(ReadPace::FULL)
}

/// What a server says to bytes that it cannot or will not read on; then the connection ends.
async fn refuse(connection: &mut Connection, error: &ApiError, request_id: &str) {
    let body = error.body(request_id);
    let mut answer = format!(
        "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        error.status,
        reason(error.status),
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    if connection.write(&answer).await.is_ok() {
        connection.drain().await;
    }
}

struct Exchange<'a> {
    head: &'a Head,
    begun: &'a Begun,
    shared: &'a Shared,
}

impl Exchange<'_> {
    fn respond(&self, body: &Bytes) -> Response {
        let scripted = self
            .begun
            .script
            .as_ref()
            .map_or(&Answer::Drawn, |script| &script.answer);
        match scripted {
            Answer::Raw {
                status,
                content_type,
                body,
            } => self.plain(*status, content_type, body.to_vec()),
            Answer::Error(error) => self.error(&scripted_error(error)),
            Answer::Drawn | Answer::Reply(_) => self.route(body).unwrap_or_else(|error| self.error(&error)),
        }
    }

    fn route(&self, body: &Bytes) -> Result<Response, ApiError> {
        let (path, query) = self
            .head
            .target
            .split_once('?')
            .unwrap_or((&self.head.target, ""));
        if self.head.method == "HEAD" && path == "/" {
            return Ok(self.plain(200, "text/plain", Vec::new()));
        }
        let (expected, is_model) = match path {
            "/v1/messages" | "/v1/messages/count_tokens" => ("POST", false),
            "/v1/models" => ("GET", false),
            path => match path.strip_prefix("/v1/models/") {
                Some(id) if !id.is_empty() && !id.contains('/') => ("GET", true),
                _ => return Err(ApiError::usual(404)),
            },
        };
        if self.head.method != expected {
            return Err(ApiError::usual(405));
        }
        if let Some(refused) = refuse_credential(self.head, |_| self.begun.is_accepted) {
            return Err(refused);
        }
        let betas = betas(self.head);
        let terms = Terms {
            version: self.version()?,
            betas: &betas,
        };
        let models = &self.shared.settings.models;
        let quota = match self.shared.use_quota(self.credential()) {
            Ok(quota) => quota,
            Err(quota) => return Ok(self.rate_limited(&quota)),
        };
        match path {
            "/v1/messages" => self.message(body, terms),
            "/v1/messages/count_tokens" => {
                let tokens = count_tokens(&self.decoded(body)?, terms, models)?;
                Ok(self.metered(&quota, json!({"input_tokens": tokens}).to_string().into_bytes()))
            }
            path if is_model => Ok(self.metered(&quota, models.show(&path["/v1/models/".len()..])?)),
            _ => Ok(self.metered(&quota, models.page(query)?)),
        }
    }

    fn version(&self) -> Result<&str, ApiError> {
        match self.head.header("anthropic-version") {
            Some(version @ ("2023-01-01" | "2023-06-01" | "2026-10-21")) => Ok(version),
            Some(other) => Err(ApiError::invalid(format!(
                "anthropic-version: \"{other}\" is not a valid version"
            ))),
            None => Err(ApiError::invalid("anthropic-version: header is required")),
        }
    }

    fn decoded(&self, body: &Bytes) -> Result<Bytes, ApiError> {
        let mut decoded = Vec::new();
        let limit = BODY_LIMIT as u64 + 1;
        let read = match self.head.header("content-encoding") {
            None | Some("identity") => return Ok(body.clone()),
            Some("gzip") => GzDecoder::new(&body[..]).take(limit).read_to_end(&mut decoded),
            Some("deflate") => ZlibDecoder::new(&body[..]).take(limit).read_to_end(&mut decoded),
            Some(other) => {
                return Err(ApiError {
                    error_code: Some("request_body_encoding_unsupported".to_owned()),
                    ..ApiError::new(415, format!("Unsupported content-encoding: {other}"))
                });
            }
        };
        match read {
            Err(_) => Err(ApiError {
                error_code: Some("request_body_encoding_invalid".to_owned()),
                ..ApiError::invalid("The request body does not match its content-encoding")
            }),
            Ok(length) if length > BODY_LIMIT => Err(ApiError::usual(413)),
            Ok(_) => Ok(decoded.into()),
        }
    }

    fn message(&self, body: &Bytes, terms: Terms<'_>) -> Result<Response, ApiError> {
        let body = self.decoded(body)?;
        let settings = &self.shared.settings;
        let request = parse(&body, terms, &settings.models)?;
        if !request.stream
            && let Some(kind) = self.faults().find_map(|fault| match fault {
                Fault::ErrorEvent { kind, .. } => Some(kind),
                _ => None,
            })
        {
            return Err(ApiError::of_kind(kind));
        }
        let cache = self.shared.apply_cache(self.credential(), &request);
        let composer = Composer {
            request: &request,
            draw: Draw::new(hash(settings.seed, &body)),
            ids: Draw::new(hash(!settings.seed, &self.begun.number.to_le_bytes())),
            output_tokens: settings.output_tokens,
            delta_tokens: settings.delta_tokens,
        };
        let huge = self.faults().find_map(|fault| match fault {
            Fault::Huge(bytes) => Some(*bytes),
            _ => None,
        });
        let reply = match self.begun.script.as_ref().map(|script| &script.answer) {
            Some(Answer::Reply(reply)) => Some(reply),
            _ => None,
        };
        let message = match huge {
            Some(bytes) => composer.compose_huge(bytes, cache),
            None => composer.compose(reply, cache),
        };
        Ok(self.message_response(message, request.stream))
    }

    fn message_response(&self, message: Message, stream: bool) -> Response {
        let tokens = message.usage.tokens;
        let quota = self
            .shared
            .use_tokens(self.credential(), tokens.input, tokens.output);
        let lines = self.lines(Some(&quota));
        let billed = Billed {
            messages: 1,
            tokens,
            web_searches: message.usage.web_searches,
        };
        let pace = self.pace();
        if stream {
            return Response {
                status: 200,
                content_type: "text/event-stream; charset=utf-8".to_owned(),
                lines,
                pace,
                body: Body::Events(Box::new(Events::new(message))),
            };
        }
        let bytes = whole(&message);
        let deltas = u32::try_from(Events::new(message).deltas()).unwrap_or(u32::MAX);
        Response {
            status: 200,
            content_type: "application/json".to_owned(),
            lines,
            pace: pace.of_a_whole(deltas),
            body: Body::whole(bytes, billed),
        }
    }

    /// An answer that costs a request of the account's limits, and no tokens.
    fn metered(&self, quota: &Quota, body: Vec<u8>) -> Response {
        Response {
            lines: self.lines(Some(quota)),
            ..self.plain(200, "application/json", body)
        }
    }

    fn rate_limited(&self, quota: &Quota) -> Response {
        let wait = quota.reset_at.since(self.shared.clock.now());
        let mut response = self.error(&ApiError::usual(429));
        response.lines = self.lines(Some(quota));
        response.lines.push_str(&format!(
            "retry-after: {}\r\n",
            wait.as_millis().div_ceil(1_000).max(1)
        ));
        response
    }

    fn error(&self, error: &ApiError) -> Response {
        self.plain(
            error.status,
            "application/json",
            error.body(&self.begun.request_id),
        )
    }

    fn plain(&self, status: u16, content_type: &str, body: Vec<u8>) -> Response {
        Response {
            status,
            content_type: content_type.to_owned(),
            lines: self.lines(None),
            pace: self.pace(),
            body: Body::whole(body, Billed::default()),
        }
    }

    fn lines(&self, quota: Option<&Quota>) -> String {
        let own: &[(String, String)] = self.begun.script.as_ref().map_or(&[], |script| &script.headers);
        let mut lines = HeaderLines::new(own);
        if let Some(quota) = quota {
            lines.put_quota(quota, self.credential());
        }
        lines.put_usual(
            &self.begun.request_id,
            self.begun.credential.as_deref(),
            self.begun.number,
        );
        lines.finish()
    }

    fn pace(&self) -> Pace {
        let usual = self.shared.settings.pace;
        let script = self.begun.script.as_ref();
        script.map_or(usual, |script| script.pace.or(usual))
    }

    fn credential(&self) -> &str {
        self.begun.credential.as_deref().unwrap_or_default()
    }

    fn faults(&self) -> impl Iterator<Item = &Fault> {
        let script: Option<&Script> = self.begun.script.as_ref();
        script.into_iter().flat_map(|script| &script.faults)
    }
}

fn scripted_error(error: &ErrorReply) -> ApiError {
    let usual = ApiError::usual(error.status);
    ApiError {
        status: error.status,
        kind: error.kind.clone().unwrap_or(usual.kind),
        message: error.message.clone().unwrap_or(usual.message),
        error_code: error.error_code.clone(),
    }
}
