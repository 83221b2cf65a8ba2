use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gateway_balancing::Lease;
use gateway_domain::{Fault, FaultClass, RateLimits, UserId};
use gateway_metering::Outcome;
use gateway_protocol::translation::Rewriter;
use gateway_protocol::{Codec, ErrorAnswer, ErrorKind, StreamPhase, StreamReader};
use gateway_providers::Provider;
use http::StatusCode;
use http_body::Body;
use hyper::body::Incoming;
use secrecy::{ExposeSecret, SecretString};

use crate::entry::Entry;
use crate::failure::Failure;
use crate::giving_up::is_for_clients;
use crate::holding::OpenedStream;
use crate::keep_alive::KeepAlive;
use crate::open_attempt::{AnswerTtft, AttemptEnd};
use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::silence::Silence;
use crate::telltale::tells;
use crate::unfinished::Unfinished;

/// How long a stream may stay open after its last event.
const FAREWELL: Duration = Duration::from_secs(1);

/// A committed stream on its way from the provider to the client: byte for byte, or event by event in the client's
/// dialect.
///
/// Only whole events are passed on, so that an error can be read before anybody sees it: what it tells of the account is
/// not the client's.
///
/// It owns the lease, the usage reader and the request's open books: the last byte, an error or the client's
/// going away ends all three, once. A stream that breaks ends with the dialect's error event, never with a
/// clean end.
pub(crate) struct Relay {
    held: VecDeque<Bytes>,
    // `None` once nothing more will come.
    body: Option<Incoming>,
    /// What the stream goes through where the client does not get it byte for byte.
    rewriter: Option<Box<dyn Rewriter + Send>>,
    /// What waits for the rest of its event.
    unfinished: Unfinished,
    reader: Box<dyn StreamReader + Send>,
    lease: Lease,
    entry: Entry,
    exchange: Exchange,
    silence: Silence,
    /// For clients whose own provider would say that it is alive. Between the bytes of a foreign one there is no place.
    keep_alive: Option<KeepAlive>,
    is_booked: bool,
    /// Whether something of what was held has been passed on.
    has_passed_on: bool,
}

/// What is known of the exchange since its head came.
pub(crate) struct Exchange {
    pub(crate) codec: &'static dyn Codec,
    pub(crate) provider: &'static dyn Provider,
    /// The account's credential, which no error may tell.
    pub(crate) secret: SecretString,
    pub(crate) status: StatusCode,
    pub(crate) request_id: String,
    pub(crate) user_id: UserId,
    pub(crate) rate_limits: RateLimits,
    /// About how many tokens the prompt has.
    pub(crate) input_tokens: u64,
    /// Time to the first content, since the request and since the attempt began.
    pub(crate) request_ttft: Option<Duration>,
    pub(crate) attempt_ttft: Option<Duration>,
}

/// How long a stream may be silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// On the provider's side, until it counts as broken.
    pub(crate) idle_timeout: Duration,
    /// On the client's side, until it is told that the stream is alive.
    pub(crate) ping_interval: Duration,
}

impl Relay {
    /// Takes over a stream whose head has been read.
    pub(crate) fn new(
        opened: OpenedStream,
        rewriter: Option<Box<dyn Rewriter + Send>>,
        lease: Lease,
        entry: Entry,
        exchange: Exchange,
        patience: Patience,
    ) -> Self {
        let keep_alive = rewriter
            .as_ref()
            .and_then(|_| KeepAlive::new(exchange.codec, patience.ping_interval, patience.ping_interval));
        let mut stream = Self {
            held: opened.held,
            body: Some(opened.body),
            rewriter,
            unfinished: Unfinished::default(),
            reader: opened.reader,
            lease,
            entry,
            exchange,
            silence: Silence::new(patience.idle_timeout),
            keep_alive,
            is_booked: false,
            has_passed_on: false,
        };
        stream.note_phase();
        stream
    }

    /// The next bytes for the client; `None` is a proper end.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while let Some(chunk) = self.held.pop_front() {
            // The reader has seen them all, so it knows of the last where its events end.
            let whole = if self.held.is_empty() {
                self.reader.unfinished_from().unwrap_or(chunk.len())
            } else {
                chunk.len()
            };
            if self.held.is_empty() && whole == 0 {
                self.unfinished.begins_earlier(self.has_passed_on);
            }
            self.has_passed_on = true;
            if let Some(told) = self.tell(chunk, whole) {
                return Poll::Ready(Some(told));
            }
        }
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Ready(None);
            };
            let fault = match Pin::new(body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(chunk) = frame.into_data() else { continue };
                    self.silence.broken();
                    match self.read(chunk) {
                        Some(told) => return Poll::Ready(Some(told)),
                        None => continue,
                    }
                }
                // Once all that matters has gone through, it does not matter how the connection ends.
                Poll::Ready(_) if self.is_over() => return Poll::Ready(self.end()),
                Poll::Ready(None) => Fault::new(FaultClass::Server, "the stream ended before its last event"),
                Poll::Ready(Some(Err(error))) => {
                    Fault::new(FaultClass::Transport, format!("the stream broke: {error}"))
                }
                Poll::Pending => match self.silence.poll_too_long(context) {
                    Poll::Pending => return self.poll_keep_alive(context).map(Some),
                    Poll::Ready(()) if self.is_over() => return Poll::Ready(self.end()),
                    Poll::Ready(()) => Fault::new(FaultClass::Transport, "the stream fell silent"),
                },
            };
            return Poll::Ready(Some(self.break_off(&fault)));
        }
    }

    fn poll_keep_alive(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        match &mut self.keep_alive {
            Some(keep_alive) if !self.is_booked => keep_alive.poll(context),
            _ => Poll::Pending,
        }
    }

    /// Reads a chunk, and says what it is for the client; `None` when that is nothing yet.
    fn read(&mut self, chunk: Bytes) -> Option<Bytes> {
        self.reader.push(&chunk);
        if let Some(fault) = self.hidden_fault() {
            return Some(self.fail(&chunk, fault));
        }
        self.note_phase();
        let whole = self.reader.unfinished_from().unwrap_or(chunk.len());
        self.tell(chunk, whole)
    }

    /// What the provider has just said went wrong, if that is not for the client to see.
    fn hidden_fault(&self) -> Option<Fault> {
        let event = self.reader.error_event().filter(|_| !self.is_booked)?;
        let fault = self.exchange.provider.classify_event(event);
        let is_for_clients = is_for_clients(fault.class, StatusCode::BAD_REQUEST)
            && !tells(event, self.exchange.secret.expose_secret());
        (!is_for_clients).then_some(fault)
    }

    /// What a chunk, whose events end with its first `whole` bytes, is for the client; `None` when that is nothing yet.
    fn tell(&mut self, chunk: Bytes, whole: usize) -> Option<Bytes> {
        let Some(rewriter) = &mut self.rewriter else {
            return self.unfinished.release(chunk, whole);
        };
        let mut told = Vec::new();
        rewriter.push(&chunk, &mut told);
        if told.is_empty() {
            return None;
        }
        if let Some(keep_alive) = &mut self.keep_alive {
            keep_alive.put_off();
        }
        Some(told.into())
    }

    /// Whether all that an answer must have has come.
    fn is_over(&self) -> bool {
        self.is_booked || self.reader.phase() == StreamPhase::Complete
    }

    /// Ends the stream properly, with whatever the client's dialect ends with.
    fn end(&mut self) -> Option<Bytes> {
        // The last event need not have its end, and may be an error none the less.
        if self.reader.is_mid_event() {
            self.reader.push(b"\n\n");
            if let Some(fault) = self.hidden_fault() {
                return Some(self.fail(b"", fault));
            }
        }
        self.body = None;
        self.reader.end();
        self.note_phase();
        let mut last = self.unfinished.take();
        if let Some(rewriter) = &mut self.rewriter {
            rewriter.end(&mut last);
        }
        (!last.is_empty()).then(|| last.into())
    }

    /// Looks at what the reader has seen by now, and closes the books when that was the end.
    fn note_phase(&mut self) {
        let has_content = matches!(
            self.reader.phase(),
            StreamPhase::Content | StreamPhase::Complete | StreamPhase::Finished
        );
        if has_content && self.exchange.request_ttft.is_none() {
            self.exchange.request_ttft = Some(self.entry.elapsed());
            self.exchange.attempt_ttft = Some(self.entry.attempt_elapsed());
            self.lease
                .answering(self.exchange.attempt_ttft, self.exchange.rate_limits);
        }
        match self.reader.phase() {
            StreamPhase::Head => {}
            StreamPhase::Content | StreamPhase::Complete => self.note_progress(),
            StreamPhase::Finished => self.book_finished(),
            StreamPhase::Failed => {
                let fault = self
                    .exchange
                    .provider
                    .classify_event(self.reader.error_event().unwrap_or_default());
                self.book_broken(Outcome::Interrupted, Some(&fault));
            }
        }
    }

    fn note_progress(&mut self) {
        if self.is_booked || !self.entry.is_note_due() {
            return;
        }
        let ttft = AnswerTtft {
            request: self.exchange.request_ttft,
            attempt: self.exchange.attempt_ttft,
        };
        let reading = self.partial_reading();
        self.entry.note(reading, self.exchange.status, ttft);
    }

    fn partial_reading(&self) -> Reading {
        Reading::partial(
            self.reader.summary(),
            self.reader.estimated_output_tokens(),
            self.exchange.input_tokens,
        )
    }

    fn book_finished(&mut self) {
        if std::mem::replace(&mut self.is_booked, true) {
            return;
        }
        let reading = Reading::complete(self.reader.summary());
        reading.tell(&self.lease, self.exchange.user_id);
        self.book(Outcome::Ok, None, reading);
    }

    fn book_broken(&mut self, status: Outcome, fault: Option<&Fault>) {
        if std::mem::replace(&mut self.is_booked, true) {
            return;
        }
        if let Some(fault) = fault {
            self.lease.failed(fault);
        }
        let reading = self.partial_reading();
        self.book(status, fault, reading);
    }

    fn book(&mut self, status: Outcome, fault: Option<&Fault>, reading: Reading) {
        // What still follows matters to nobody: it shall not keep the account's slot for long.
        self.silence.shorten(FAREWELL);
        self.entry.end_attempt(AttemptEnd {
            fault,
            reading: Some(reading),
            ttft: self.exchange.attempt_ttft,
            may_be_charged: status != Outcome::Ok,
            ..AttemptEnd::ended(status)
        });
        let class = fault.map(|fault| fault.class);
        self.entry.settle(
            status,
            Some(self.exchange.status),
            class,
            self.exchange.request_ttft,
        );
    }

    /// Ends a stream whose upstream broke: the client is told so in its dialect.
    fn break_off(&mut self, fault: &Fault) -> Bytes {
        self.book_broken(Outcome::Interrupted, Some(fault));
        self.end_with(ErrorKind::Internal, "the provider's answer broke off", Vec::new())
    }

    /// Ends a stream with what its provider said went wrong, in words of ours; `chunk` is the one that said it.
    fn fail(&mut self, chunk: &[u8], fault: Fault) -> Bytes {
        self.book_broken(Outcome::Interrupted, Some(&fault));
        let good = &chunk[..self.reader.failed_from().min(chunk.len())];
        let mut told = Vec::new();
        match &mut self.rewriter {
            Some(rewriter) => rewriter.push(good, &mut told),
            None if good.is_empty() => {}
            None => {
                told = self.unfinished.take();
                told.extend_from_slice(good);
            }
        }
        // Nothing is missing any more that has begun to answer.
        let class = match fault.class {
            FaultClass::ModelMissing => FaultClass::Server,
            class => class,
        };
        let refusal = Refusal::failure(&Failure::new(Fault { class, ..fault }), "");
        self.end_with(refusal.kind, &refusal.message, told)
    }

    /// Ends the stream with an error, behind what the client is `told` before.
    fn end_with(&mut self, kind: ErrorKind, message: &str, mut told: Vec<u8>) -> Bytes {
        self.body = None;
        let error = ErrorAnswer {
            kind,
            message,
            request_id: &self.exchange.request_id,
            code: None,
            retry_after: None,
        };
        let codec = self.exchange.codec;
        match &mut self.rewriter {
            Some(rewriter) => rewriter.fail(&error, &mut told),
            None => {
                if self.unfinished.is_begun() {
                    told.extend_from_slice(codec.abandoned_event());
                }
                told.extend_from_slice(&codec.error_event(&error));
            }
        }
        told.into()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // A client that leaves when it has all of the answer has cancelled nothing.
        if self.reader.phase() == StreamPhase::Complete {
            self.reader.end();
            self.note_phase();
        }
        self.book_broken(Outcome::Cancelled, None);
    }
}
