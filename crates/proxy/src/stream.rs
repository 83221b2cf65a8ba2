use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use gateway_protocol::{Codec, ErrorAnswer, ErrorKind};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::decided::Decided;
use crate::relay::Relay;

/// A decision under way, which owns all that its request holds.
pub(crate) type Deciding = Pin<Box<dyn Future<Output = Decided> + Send>>;

/// A stream's body on its way to the client. Dropping it cancels the request at the provider.
///
/// It owns all that the request holds: the last byte, an error or the client's going away ends it, once. A stream that
/// breaks ends with the dialect's error event, never with a clean end.
pub struct AnswerStream {
    source: Source,
    /// The request's, so that what is logged while the stream runs names it too.
    span: tracing::Span,
}

/// Where the next bytes come from.
enum Source {
    /// No account has given content yet: the client is kept waiting.
    Waiting(Waiting),
    Relaying(Box<Relay>),
    Ended,
}

struct Waiting {
    deciding: Deciding,
    codec: &'static dyn Codec,
    request_id: String,
    /// `None` where the dialect has nothing that says no more than that the stream is alive.
    pings: Option<(Interval, &'static [u8])>,
}

impl AnswerStream {
    /// A stream whose first content is there.
    pub(crate) fn relaying(relay: Box<Relay>) -> Self {
        Self::new(Source::Relaying(relay))
    }

    /// A stream whose head is sent before anything is decided. It drives the decision from now on.
    pub(crate) fn waiting(
        deciding: Deciding,
        codec: &'static dyn Codec,
        request_id: String,
        ping_interval: Duration,
    ) -> Self {
        let pings = codec.keep_alive().map(|ping| {
            let mut ticks = interval(ping_interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            (ticks, ping)
        });
        Self::new(Source::Waiting(Waiting {
            deciding,
            codec,
            request_id,
            pings,
        }))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            span: tracing::Span::current(),
        }
    }
}

impl Source {
    /// The next bytes; `None` is a proper end.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match self {
                Self::Waiting(waiting) => match waiting.deciding.as_mut().poll(context) {
                    Poll::Pending => return waiting.poll_ping(context).map(Some),
                    Poll::Ready(Decided::Streaming { relay, .. }) => *self = Self::Relaying(relay),
                    Poll::Ready(decided) => {
                        let last = waiting.last_event(decided);
                        *self = Self::Ended;
                        return Poll::Ready(Some(last));
                    }
                },
                Self::Relaying(relay) => return relay.poll_next(context),
                Self::Ended => return Poll::Ready(None),
            }
        }
    }
}

impl Waiting {
    fn poll_ping(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        match &mut self.pings {
            Some((ticks, ping)) => ticks.poll_tick(context).map(|_| Bytes::from_static(ping)),
            None => Poll::Pending,
        }
    }

    /// What ends a stream that came to nothing.
    fn last_event(&self, decided: Decided) -> Bytes {
        match decided {
            Decided::Refused(refused) => refused.into_event(self.codec),
            // A provider that keeps to its dialect never answers a request for a stream in one piece.
            Decided::Answered(_) | Decided::Streaming { .. } => self.codec.error_event(&ErrorAnswer {
                kind: ErrorKind::BadGateway,
                message: "the provider did not answer with a stream",
                request_id: &self.request_id,
            }),
        }
    }
}

impl Stream for AnswerStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { source, span } = &mut *self;
        let _entered = span.enter();
        source.poll_next(context).map(|chunk| chunk.map(Ok))
    }
}

impl Drop for AnswerStream {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        self.source = Source::Ended;
    }
}
