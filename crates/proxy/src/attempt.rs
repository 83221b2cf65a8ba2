use std::sync::Arc;

use bytes::Bytes;
use gateway_balancing::Lease;
use gateway_domain::{Dialect, Fault, FaultClass};
use gateway_metering::Outcome;
use gateway_protocol::Framing;
use gateway_protocol::translation::Untranslatable;
use gateway_providers::{InvalidTarget, Operation, Provider, Target, provider, response_headers};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, response};
use http_body_util::Full;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout_at};

use crate::decided::{Decided, Whole};
use crate::engine::{Call, Core, sign};
use crate::entry::Entry;
use crate::failure::Failure;
use crate::holding::OpenedStream;
use crate::open_attempt::AttemptEnd;
use crate::prompt;
use crate::reading::Reading;
use crate::relay::{Exchange, Patience, Relay};
use crate::telltale::names;
use crate::upstream::Way;
use crate::wording::{Estimate, Server, Worded, Wording};

/// What one try at one account came to.
pub(crate) enum Attempted {
    /// The client's answer has begun.
    Committed(Decided),
    /// Nothing has reached the client; the books are open for another try.
    Failed(Box<Entry>, Box<Failure>),
}

/// A request on its way through one account.
pub(crate) struct Attempt<'a> {
    pub(crate) core: &'a Core,
    pub(crate) call: &'a Call,
    pub(crate) provider: &'static dyn Provider,
    pub(crate) wording: Wording,
    pub(crate) target: Arc<Target>,
    pub(crate) deadline: Instant,
}

/// What comes of preparing an attempt.
pub(crate) enum Prepared<'a> {
    Ready(Box<Attempt<'a>>),
    /// The account has gone since it was leased.
    Gone,
    /// Nobody need be asked.
    Estimated(Box<Estimate>),
    /// The account's provider has no words for the call.
    Unspeakable(Untranslatable),
}

impl<'a> Attempt<'a> {
    pub(crate) async fn prepare(
        core: &'a Core,
        call: &'a Call,
        lease: &Lease,
        deadline: Instant,
    ) -> Prepared<'a> {
        let account = lease.account();
        let provider = provider(account.provider);
        let (Some(provider), Some(target)) = (provider, core.shared.catalogue.target(account.id)) else {
            return Prepared::Gone;
        };
        let now = core.shared.clock.now();
        let address = target.base_url().as_str();
        let server = Server {
            provider,
            is_own: address.starts_with(provider.default_base_url()),
            account,
            missing: &core.shared.missing_calls,
        };
        match Wording::of(call, server, lease.upstream_model(), now).await {
            Ok(Worded::Said(wording)) => Prepared::Ready(Box::new(Self {
                core,
                call,
                provider,
                wording: *wording,
                target,
                deadline,
            })),
            Ok(Worded::Estimated(estimate)) => Prepared::Estimated(estimate),
            Err(error) => Prepared::Unspeakable(error),
        }
    }

    /// Sends the request and reads the answer up to the point where it can be given to the client.
    pub(crate) async fn run(mut self, lease: Lease, mut entry: Entry) -> Attempted {
        let mut outcome = self.exchange(&lease, &mut entry).await;
        if let Err(failure) = &outcome {
            self.note_missing(failure, &lease);
            if let Some(estimate) = self.estimate_after(failure).await {
                return Attempted::Committed(estimated(estimate, &lease, entry));
            }
            match self.reword_after(failure, &lease).await {
                None => {}
                Some(Ok(wording)) => {
                    self.wording = wording;
                    outcome = self.exchange(&lease, &mut entry).await;
                }
                Some(Err(error)) => outcome = Err(Failure::unspeakable(&error)),
            }
        }
        let failure = match outcome {
            Ok(Opened::Whole { head, body, told }) => {
                return self.commit_whole(&head, &body, told, &lease, entry);
            }
            Ok(Opened::Stream(stream)) => return self.commit_stream(*stream, lease, entry),
            Err(failure) => failure,
        };
        lease.failed(&failure.fault);
        entry.end_attempt(AttemptEnd::failed(&failure));
        tracing::info!(account_id = %lease.account().id, fault = %failure.fault, "attempt failed");
        Attempted::Failed(Box::new(entry), failure)
    }

    /// Remembers a call that the server does not have.
    fn note_missing(&self, failure: &Failure, lease: &Lease) {
        let spoken = self.wording.codec.dialect();
        let is_count = self.call.operation == Operation::CountTokens;
        if failure.is_of_a_missing_route() && (is_count || self.instead(failure).is_some()) {
            let missing = &self.core.shared.missing_calls;
            missing.note(lease.account(), self.call.operation, spoken);
        }
    }

    /// A guess in the place of a count that the server has no call for.
    async fn estimate_after(&self, failure: &Failure) -> Option<Estimate> {
        let is_count = self.call.operation == Operation::CountTokens;
        if is_count && failure.is_of_a_missing_route() {
            Estimate::of(self.call).await.ok()
        } else {
            None
        }
    }

    /// The call in the dialect that the server wants it in; `None` if that is not what it refused it for.
    ///
    /// A client that speaks the refused dialect itself hears the provider's own word, unless the server does not have
    /// that dialect at all.
    async fn reword_after(
        &self,
        failure: &Failure,
        lease: &Lease,
    ) -> Option<Result<Wording, Untranslatable>> {
        let instead = self.instead(failure)?;
        if !self.wording.is_translated() && !failure.is_of_a_missing_route() {
            return None;
        }
        let now = self.core.shared.clock.now();
        Some(Wording::instead(self.call, instead, lease.upstream_model(), now).await)
    }

    fn instead(&self, failure: &Failure) -> Option<Dialect> {
        let answer = failure.answer.as_ref()?;
        let spoken = self.wording.codec.dialect();
        self.provider.dialect_instead(spoken, answer.status, &answer.body)
    }

    async fn exchange(&self, lease: &Lease, entry: &mut Entry) -> Result<Opened, Box<Failure>> {
        let request = self.request(lease)?;
        let head_timeout = self.core.shared.settings.head_timeout(self.call.is_streamed());
        let head_deadline = (Instant::now() + head_timeout).min(self.deadline);
        let way = Way::of(lease.account());
        let waiting_since = entry.elapsed();
        let sent = timeout_at(head_deadline, self.core.upstream.send(way, request)).await;
        entry.waited_upstream(entry.elapsed().saturating_sub(waiting_since));
        let (mut head, body) = match sent {
            Err(_) => return Err(Failure::timed_out("answer", head_timeout)),
            Ok(Err(error)) => return Err(Failure::transport(error.to_string())),
            Ok(Ok(answer)) => answer.into_parts(),
        };
        self.leave_out_secret(&mut head.headers);
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

    /// No header may tell the account's credential, neither to clients nor in the books.
    fn leave_out_secret(&self, headers: &mut HeaderMap) {
        let secret = self.target.credential().secret().expose_secret();
        let telling: Vec<HeaderName> = headers
            .iter()
            .filter(|(_, value)| names(value.as_bytes(), secret))
            .map(|(name, _)| name.clone())
            .collect();
        for name in telling {
            headers.remove(name);
        }
    }

    fn request(&self, lease: &Lease) -> Result<http::Request<Full<Bytes>>, Box<Failure>> {
        let call = gateway_providers::Call {
            operation: self.call.operation,
            dialect: self.wording.codec.dialect(),
            version: self.call.version.as_deref(),
            query: self.wording.query(self.call),
            headers: self.wording.headers(self.call),
            model: lease.upstream_model(),
            stream: self.call.is_streamed(),
        };
        match self.provider.request(&self.target, &call) {
            Ok(request) => Ok(request.map(|()| Full::new(self.wording.body.clone()))),
            Err(InvalidTarget::Query) => Err(Failure::new(Fault::new(FaultClass::Client, "invalid query"))),
            Err(error) => Err(Failure::transport(error.to_string())),
        }
    }

    fn commit_whole(
        &self,
        head: &response::Parts,
        body: &[u8],
        told: Bytes,
        lease: &Lease,
        mut entry: Entry,
    ) -> Attempted {
        let now = self.core.shared.clock.now();
        lease.answering(None, self.provider.rate_limits(&head.headers, now));
        let reading = Reading::complete(self.wording.codec.read_answer(body));
        reading.tell(lease, self.call.key.user_id);
        let headers = self.answer_headers(&head.headers, lease, &entry);
        entry.end_attempt(AttemptEnd {
            reading: Some(reading),
            ..AttemptEnd::ended(Outcome::Ok)
        });
        entry.settle(Outcome::Ok, Some(head.status), None, None);
        Attempted::Committed(Decided::Answered(Whole {
            status: head.status,
            headers,
            body: told,
        }))
    }

    fn commit_stream(self, stream: OpenedStream, lease: Lease, entry: Entry) -> Attempted {
        let OpenedStream { head, .. } = &stream;
        let status = head.status;
        let headers = self.answer_headers(&head.headers, &lease, &entry);
        let exchange = Exchange {
            codec: self.call.codec,
            provider: self.provider,
            secret: self.target.credential().secret().clone(),
            status: head.status,
            request_id: self.call.id.to_string(),
            user_id: self.call.key.user_id,
            rate_limits: self
                .provider
                .rate_limits(&head.headers, self.core.shared.clock.now()),
            input_tokens: prompt::tokens(self.call.body.len()),
            request_ttft: None,
            attempt_ttft: None,
        };
        let settings = &self.core.shared.settings;
        let patience = Patience {
            idle_timeout: settings.idle_timeout(),
            ping_interval: settings.ping_interval(),
        };
        let rewriter = self.wording.into_rewriter();
        let relay = Relay::new(stream, rewriter, lease, entry, exchange, patience);
        Attempted::Committed(Decided::Streaming {
            status,
            headers,
            relay: Box::new(relay),
        })
    }

    fn answer_headers(&self, from_provider: &HeaderMap, lease: &Lease, entry: &Entry) -> HeaderMap {
        let mut headers = if self.wording.is_translated() {
            HeaderMap::new()
        } else {
            response_headers(from_provider)
        };
        if self.call.is_streamed() {
            headers.insert(CONTENT_TYPE, stream_type(self.call.peek.framing));
            headers
                .entry(CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("no-cache"));
        } else {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
        }
        self.wording.sign(&mut headers);
        sign(&mut headers, Some(lease.account().id), entry);
        headers
    }
}

/// Gives the client a count that no provider made.
pub(crate) fn estimated(estimate: Estimate, lease: &Lease, mut entry: Entry) -> Decided {
    let Estimate { mut headers, body } = estimate;
    sign(&mut headers, Some(lease.account().id), &entry);
    entry.end_attempt(AttemptEnd::ended(Outcome::Ok));
    entry.settle(Outcome::Ok, Some(StatusCode::OK), None, None);
    Decided::Answered(Whole {
        status: StatusCode::OK,
        headers,
        body,
    })
}

/// The media type of a stream.
pub(crate) const fn stream_type(framing: Framing) -> HeaderValue {
    match framing {
        Framing::Events => HeaderValue::from_static("text/event-stream"),
        Framing::Array => HeaderValue::from_static("application/json"),
    }
}

/// A successful answer, read as far as it must be before the client may see it.
pub(crate) enum Opened {
    Whole {
        head: response::Parts,
        /// As the provider sent it.
        body: Bytes,
        /// As the client gets it.
        told: Bytes,
    },
    Stream(Box<OpenedStream>),
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
