//! One request and its answer: what is decided, before [`deliver`](crate::deliver) writes it.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::{GzDecoder, ZlibDecoder};

use crate::deliver::{Body, Delivery, Response, Stopped, reason};
use crate::dialect::{Accepted, Asked, Call, Dialect, Report, Written};
use crate::draft::{Composer, Draft};
use crate::draw::{Draw, hash};
use crate::error::ApiError;
use crate::fault::Fault;
use crate::headers::{HeaderLines, Quota, Told};
use crate::record::{Billed, Ended};
use crate::script::{Answer, Pace, Script};
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
                let body = shared
                    .dialects
                    .usual()
                    .error_body(&ApiError::new(status, message), "req_011unread");
                refuse(&mut connection, status, &body).await;
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
    let begun = shared.begin(head, number);
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
            let error = ApiError::new(status, message);
            let body = shared.dialects.of(head).error_body(&error, &begun.request_id);
            refuse(&mut connection, status, &body).await;
            shared.end(begun.number, Ended::Cut { body_bytes: 0 });
            return None;
        }
    };
    shared.body_read(begun.number, &body);
    let response = Exchange {
        head,
        begun: &begun,
        shared,
        dialect: shared.dialects.of(head),
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
async fn refuse(connection: &mut Connection, status: u16, body: &[u8]) {
    let mut answer = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        reason(status),
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    if connection.write(&answer).await.is_ok() {
        connection.drain().await;
    }
}

struct Exchange<'a> {
    head: &'a Head,
    begun: &'a Begun,
    shared: &'a Shared,
    dialect: &'a dyn Dialect,
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
            Answer::Error(error) => self.error(error, None),
            Answer::Drawn | Answer::Reply(_) => {
                self.route(body).unwrap_or_else(|error| self.error(&error, None))
            }
        }
    }

    fn route(&self, body: &Bytes) -> Result<Response, ApiError> {
        let path = self.head.path();
        if self.head.method == "HEAD" && path == "/" {
            return Ok(self.plain(200, "text/plain", Vec::new()));
        }
        let call = self.dialect.call(path).ok_or_else(|| ApiError::usual(404))?;
        if self.head.method != call.method() {
            return Err(ApiError::usual(405));
        }
        self.dialect.admit(self.head, self.begun.is_accepted)?;
        let quota = match self.shared.use_quota(self.credential()) {
            Ok(quota) => quota,
            Err(quota) => return Ok(self.rate_limited(&quota)),
        };
        let answer = match call {
            Call::Create => return self.create(body),
            Call::Count => self.dialect.count(self.asked(&self.decoded(body)?))?,
            Call::Models => self.dialect.models(self.head.query())?,
            Call::Model(id) => self.dialect.model(id)?,
            Call::Report(report) => return self.report(report),
        };
        Ok(self.metered(&quota, answer))
    }

    fn report(&self, report: Report) -> Result<Response, ApiError> {
        let query = self.head.query();
        let written = self.shared.report(self.dialect.provider(), |reported| {
            self.dialect.report(report, query, reported)
        });
        let body = written.ok_or_else(|| ApiError::usual(404))??;
        Ok(self.plain(200, self.dialect.content_type(), body))
    }

    fn asked<'b>(&'b self, body: &'b Bytes) -> Asked<'b> {
        Asked {
            head: self.head,
            body,
            at: self.shared.clock.now(),
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

    fn create(&self, body: &Bytes) -> Result<Response, ApiError> {
        let body = self.decoded(body)?;
        let settings = &self.shared.settings;
        let request = self.dialect.read(self.asked(&body))?;
        let ask = request.ask();
        self.begun.model.get_or_init(|| ask.model.clone());
        if !ask.stream
            && let Some(kind) = self.faults().find_map(|fault| match fault {
                Fault::ErrorEvent { kind, .. } => Some(kind),
                _ => None,
            })
        {
            return Err(self.dialect.error_of_kind(kind));
        }
        let cache = self.shared.apply_cache(self.credential(), ask);
        let composer = Composer {
            ask,
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
        let draft = match huge {
            Some(bytes) => composer.compose_huge(bytes, cache),
            None => composer.compose(reply, cache),
        };
        Ok(self.answer(request, draft))
    }

    fn answer(&self, request: Box<dyn Accepted>, draft: Draft) -> Response {
        let tokens = draft.usage.tokens;
        let quota = self
            .shared
            .use_tokens(self.credential(), tokens.input, tokens.output);
        let billed = Billed {
            messages: 1,
            tokens,
            web_searches: draft.usage.web_searches,
        };
        let deltas = u32::try_from(draft.deltas()).unwrap_or(u32::MAX);
        let lines = self.lines(Some(&quota), None);
        match request.write(draft) {
            Written::Events(events) => Response {
                status: 200,
                content_type: events.content_type().to_owned(),
                lines,
                pace: self.pace(),
                body: Body::Events(events),
            },
            Written::Whole(bytes) => Response {
                status: 200,
                content_type: self.dialect.content_type().to_owned(),
                lines,
                pace: self.pace().of_a_whole(deltas),
                body: Body::whole(bytes, billed),
            },
        }
    }

    /// An answer that costs a request of the account's limits, and no tokens.
    fn metered(&self, quota: &Quota, body: Vec<u8>) -> Response {
        Response {
            lines: self.lines(Some(quota), None),
            ..self.plain(200, self.dialect.content_type(), body)
        }
    }

    fn rate_limited(&self, quota: &Quota) -> Response {
        let error = ApiError {
            retry_after: Some(quota.reset_at.since(self.shared.clock.now())),
            ..ApiError::usual(429)
        };
        self.error(&error, Some(quota))
    }

    fn error(&self, error: &ApiError, quota: Option<&Quota>) -> Response {
        let body = self.dialect.error_body(error, &self.begun.request_id);
        Response {
            lines: self.lines(quota, error.retry_after),
            ..self.plain(error.status, self.dialect.content_type(), body)
        }
    }

    fn plain(&self, status: u16, content_type: &str, body: Vec<u8>) -> Response {
        Response {
            status,
            content_type: content_type.to_owned(),
            lines: self.lines(None, None),
            pace: self.pace(),
            body: Body::whole(body, Billed::default()),
        }
    }

    fn lines(&self, quota: Option<&Quota>, retry_after: Option<Duration>) -> String {
        let own: &[(String, String)] = self.begun.script.as_ref().map_or(&[], |script| &script.headers);
        let mut lines = HeaderLines::new(own);
        let told = Told {
            request_id: &self.begun.request_id,
            credential: self.begun.credential.as_deref(),
            at: self.shared.clock.now(),
            number: self.begun.number,
            quota,
            retry_after,
        };
        self.dialect.put_headers(&mut lines, &told);
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
