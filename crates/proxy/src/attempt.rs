use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gateway_balancing::Lease;
use gateway_domain::{Fault, FaultClass};
use gateway_metering::Outcome;
use gateway_protocol::splice;
use gateway_providers::{InvalidTarget, Provider, Target, provider, response_headers};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode, response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout, timeout_at};

use crate::decided::{Decided, Whole};
use crate::engine::{Call, Core, sign};
use crate::entry::{AttemptEnd, Entry};
use crate::holding::OpenedStream;
use crate::reading::Reading;
use crate::refusal::is_presentable;
use crate::relay::{Exchange, Relay};

/// Bytes of a provider's error answer that are kept.
const MAX_ERROR_BYTES: usize = 1024 * 1024;
/// Time for the body of a provider's error answer; its status is known already.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// What one try at one account came to.
pub(crate) enum Attempted {
    /// The client's answer has begun.
    Committed(Decided),
    /// Nothing has reached the client; the books are open for another try.
    Failed(Box<Entry>, Box<Failure>),
}

/// A try that brought no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) timed_out: bool,
    pub(crate) answer: Option<ErrorFromProvider>,
}

/// The error answer of a provider.
#[derive(Debug)]
pub(crate) struct ErrorFromProvider {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether a client may see the body as it is.
    pub(crate) is_presentable: bool,
}

impl Failure {
    pub(crate) fn new(fault: Fault) -> Box<Self> {
        Box::new(Self {
            fault,
            timed_out: false,
            answer: None,
        })
    }

    pub(crate) fn transport(reason: impl Into<String>) -> Box<Self> {
        Self::new(Fault::new(FaultClass::Transport, reason))
    }

    pub(crate) fn timed_out(what: &str, after: Duration) -> Box<Self> {
        let fault = Fault::new(
            FaultClass::Transport,
            format!("no {what} within {} s", after.as_secs()),
        );
        Box::new(Self {
            fault,
            timed_out: true,
            answer: None,
        })
    }

    /// The provider's status, if it answered at all.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.answer.as_ref().map(|answer| answer.status)
    }
}

/// A request on its way through one account.
pub(crate) struct Attempt<'a> {
    pub(crate) core: &'a Core,
    pub(crate) call: &'a Call,
    pub(crate) provider: &'static dyn Provider,
    target: Arc<Target>,
    pub(crate) deadline: Instant,
}

impl<'a> Attempt<'a> {
    /// `None` when the account has gone since it was leased.
    pub(crate) fn new(core: &'a Core, call: &'a Call, lease: &Lease, deadline: Instant) -> Option<Self> {
        let account = lease.account();
        Some(Self {
            core,
            call,
            provider: provider(account.provider)?,
            target: core.shared.catalogue.target(account.id)?,
            deadline,
        })
    }

    /// Sends the request and reads the answer up to the point where it can be given to the client.
    pub(crate) async fn run(self, lease: Lease, mut entry: Entry) -> Attempted {
        entry.begin_attempt(lease.account(), lease.upstream_model());
        let outcome = self.exchange(&lease, &mut entry).await;
        let failure = match outcome {
            Ok(Opened::Whole { head, body }) => return self.commit_whole(&head, body, &lease, entry),
            Ok(Opened::Stream(stream)) => return self.commit_stream(*stream, lease, entry),
            Err(failure) => failure,
        };
        lease.failed(&failure.fault);
        entry.end_attempt(AttemptEnd::failed(&failure.fault));
        tracing::info!(account_id = %lease.account().id, fault = %failure.fault, "attempt failed");
        Attempted::Failed(Box::new(entry), failure)
    }

    async fn exchange(&self, lease: &Lease, entry: &mut Entry) -> Result<Opened, Box<Failure>> {
        let request = self.request(lease)?;
        let head_timeout = self.core.shared.settings.head_timeout(self.call.is_streamed());
        let head_deadline = (Instant::now() + head_timeout).min(self.deadline);
        let proxy_url = lease.account().proxy_url.as_deref();
        let waiting_since = entry.elapsed();
        let sent = timeout_at(head_deadline, self.core.upstream.send(proxy_url, request)).await;
        entry.waited_upstream(entry.elapsed().saturating_sub(waiting_since));
        let (head, body) = match sent {
            Err(_) => return Err(Failure::timed_out("answer", head_timeout)),
            Ok(Err(error)) => return Err(Failure::transport(error.to_string())),
            Ok(Ok(answer)) => answer.into_parts(),
        };
        entry.head_came(head.status, request_id(&head.headers));
        let waiting_since = entry.elapsed();
        let opened = if head.headers.contains_key(CONTENT_ENCODING) {
            Err(Failure::new(Fault::new(
                FaultClass::Server,
                "the answer is compressed, though asked not to be",
            )))
        } else if !head.status.is_success() {
            Err(self.read_error(head, body).await)
        } else if is_event_stream(&head.headers) {
            self.hold(head, body, entry).await
        } else if self.call.is_streamed() {
            Err(Failure::new(Fault::new(
                FaultClass::Server,
                "the answer is no stream, though asked to be",
            )))
        } else {
            self.read_whole(head, body, head_deadline).await
        };
        entry.waited_upstream(entry.elapsed().saturating_sub(waiting_since));
        opened
    }

    fn request(&self, lease: &Lease) -> Result<http::Request<Full<Bytes>>, Box<Failure>> {
        let peek = &self.call.peek;
        let body = match &peek.model_span {
            Some(span) if lease.upstream_model() != peek.model => {
                splice(&self.call.body, span.clone(), lease.upstream_model())
            }
            _ => self.call.body.clone(),
        };
        let call = gateway_providers::Call {
            operation: self.call.operation,
            dialect: self.call.codec.dialect(),
            version: None,
            query: self.call.query.as_deref(),
            headers: &self.call.headers,
            model: lease.upstream_model(),
            stream: peek.stream,
        };
        match self.provider.request(&self.target, &call) {
            Ok(request) => Ok(request.map(|()| Full::new(body))),
            Err(InvalidTarget::Query) => Err(Failure::new(Fault::new(FaultClass::Client, "invalid query"))),
            Err(error) => Err(Failure::transport(error.to_string())),
        }
    }

    async fn read_error(&self, head: response::Parts, body: Incoming) -> Box<Failure> {
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
        ErrorFromProvider {
            status,
            headers,
            is_presentable: is_presentable(&body, self.target.credential().secret().expose_secret()),
            body,
        }
    }

    /// Reads an answer that is not streamed to its end: until then another account can still take over.
    async fn read_whole(
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
            Ok(Err(error)) => Err(Failure::transport(error)),
            Ok(Ok(body)) if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() => Err(
                Failure::new(Fault::new(FaultClass::Server, "the answer is not JSON")),
            ),
            Ok(Ok(body)) => Ok(Opened::Whole { head, body }),
        }
    }

    fn commit_whole(
        &self,
        head: &response::Parts,
        body: Bytes,
        lease: &Lease,
        mut entry: Entry,
    ) -> Attempted {
        let now = self.core.shared.clock.now();
        lease.answering(None, self.provider.rate_limits(&head.headers, now));
        let reading = Reading::complete(self.call.codec.read_answer(&body));
        reading.tell(lease, self.call.key.user_id);
        let headers = self.answer_headers(&head.headers, lease, &entry);
        entry.end_attempt(AttemptEnd {
            status: Outcome::Ok,
            fault: None,
            reading: Some(reading),
            ttft: None,
        });
        entry.settle(Outcome::Ok, Some(head.status), None, None);
        Attempted::Committed(Decided::Answered(Whole {
            status: head.status,
            headers,
            body,
        }))
    }

    fn commit_stream(&self, stream: OpenedStream, lease: Lease, entry: Entry) -> Attempted {
        let OpenedStream { head, .. } = &stream;
        let status = head.status;
        let headers = self.answer_headers(&head.headers, &lease, &entry);
        let exchange = Exchange {
            codec: self.call.codec,
            provider: self.provider,
            status: head.status,
            request_id: self.call.id.to_string(),
            user_id: self.call.key.user_id,
            rate_limits: self
                .provider
                .rate_limits(&head.headers, self.core.shared.clock.now()),
            request_ttft: None,
            attempt_ttft: None,
        };
        let idle_timeout = self.core.shared.settings.idle_timeout();
        let relay = Relay::new(stream, lease, entry, exchange, idle_timeout);
        Attempted::Committed(Decided::Streaming {
            status,
            headers,
            relay: Box::new(relay),
        })
    }

    fn answer_headers(&self, from_provider: &HeaderMap, lease: &Lease, entry: &Entry) -> HeaderMap {
        let mut headers = response_headers(from_provider);
        sign(&mut headers, Some(lease.account().id), entry);
        headers
    }
}

/// A successful answer, read as far as it must be before the client may see it.
pub(crate) enum Opened {
    Whole { head: response::Parts, body: Bytes },
    Stream(Box<OpenedStream>),
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

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .trim_start()
                .to_ascii_lowercase()
                .starts_with("text/event-stream")
        })
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers
        .get("request-id")
        .or_else(|| headers.get("x-request-id"))?;
    id.to_str().ok().map(|id| id.chars().take(200).collect())
}
