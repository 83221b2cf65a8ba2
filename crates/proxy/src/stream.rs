use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use gateway_protocol::{Codec, ErrorAnswer, ErrorKind};

use crate::decided::Decided;
use crate::keep_alive::KeepAlive;
use crate::readers::Readers;
use crate::relay::Relay;

/// A decision under way, which owns all that its request holds.
pub(crate) type Deciding = Pin<Box<dyn Future<Output = Decided> + Send>>;

/// A stream's body on its way to the client. Dropping it cancels the request at the provider.
///
/// It owns all that the request holds: the last byte, an error or the client's going away ends it, once. A stream that
/// breaks ends with the dialect's error event, never with a clean end. A client that takes nothing for too long ends it
/// as well, and finds [`StreamCut`] if it reads on.
pub struct AnswerStream {
    open: Arc<OpenStream>,
}

/// The end of a stream whose client had taken nothing for so long that it was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client took nothing of the stream for too long")]
pub struct StreamCut;

/// A stream as it is shared with who watches its reader.
pub(crate) struct OpenStream {
    /// The request's, so that what is logged while the stream runs names it too.
    span: tracing::Span,
    state: Mutex<State>,
}

struct State {
    source: Source,
    reader: Reader,
}

/// What the client does.
enum Reader {
    /// It waits for what the source has next.
    Waits,
    /// It was given bytes so many rounds ago and has not asked for more.
    Holds { rounds: u32 },
}

/// Where the next bytes come from.
enum Source {
    /// No account has given content yet: the client is kept waiting.
    Waiting(Waiting),
    Relaying(Box<Relay>),
    /// Given up because of its reader, who is still to be told.
    Cut,
    Ended,
}

struct Waiting {
    deciding: Deciding,
    codec: &'static dyn Codec,
    request_id: String,
    keep_alive: Option<KeepAlive>,
}

impl AnswerStream {
    /// A stream whose first content is there.
    pub(crate) fn relaying(relay: Box<Relay>, readers: &Arc<Readers>) -> Self {
        Self::new(Source::Relaying(relay), readers)
    }

    /// A stream whose head is sent before anything is decided. It drives the decision from now on.
    pub(crate) fn waiting(
        deciding: Deciding,
        codec: &'static dyn Codec,
        request_id: String,
        ping_interval: Duration,
        readers: &Arc<Readers>,
    ) -> Self {
        let waiting = Waiting {
            deciding,
            codec,
            request_id,
            keep_alive: KeepAlive::new(codec, Duration::ZERO, ping_interval),
        };
        Self::new(Source::Waiting(waiting), readers)
    }

    fn new(source: Source, readers: &Arc<Readers>) -> Self {
        let open = Arc::new(OpenStream {
            span: tracing::Span::current(),
            state: Mutex::new(State {
                source,
                reader: Reader::Waits,
            }),
        });
        readers.watch(&open);
        Self { open }
    }
}

impl OpenStream {
    /// Gives the stream up if its reader has held on to what it was given for more than `most_rounds`.
    pub(crate) fn round_passed(&self, most_rounds: u32) {
        let mut state = self.state();
        let State {
            source: Source::Waiting(_) | Source::Relaying(_),
            reader: Reader::Holds { rounds },
        } = &mut *state
        else {
            return;
        };
        *rounds += 1;
        if *rounds <= most_rounds {
            return;
        }
        let source = std::mem::replace(&mut state.source, Source::Cut);
        drop(state);
        let _entered = self.span.enter();
        tracing::info!("the client stopped reading; its stream is given up");
        drop(source);
    }

    /// Ends it, whatever it holds.
    fn end(&self) {
        let _entered = self.span.enter();
        let source = std::mem::replace(&mut self.state().source, Source::Ended);
        drop(source);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    /// The next bytes; `None` is a proper end.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match self {
                Self::Waiting(waiting) => match waiting.deciding.as_mut().poll(context) {
                    Poll::Pending => {
                        return match &mut waiting.keep_alive {
                            Some(keep_alive) => keep_alive.poll(context).map(Some),
                            None => Poll::Pending,
                        };
                    }
                    Poll::Ready(Decided::Streaming { relay, .. }) => *self = Self::Relaying(relay),
                    Poll::Ready(decided) => {
                        let last = waiting.last_event(decided);
                        *self = Self::Ended;
                        return Poll::Ready(Some(last));
                    }
                },
                Self::Relaying(relay) => return relay.poll_next(context),
                Self::Cut | Self::Ended => return Poll::Ready(None),
            }
        }
    }
}

impl Waiting {
    /// What ends a stream that came to nothing.
    fn last_event(&self, decided: Decided) -> Bytes {
        match decided {
            Decided::Refused(refused) => refused.into_event(self.codec),
            // No request for a stream is answered in one piece.
            Decided::Answered(_) | Decided::Streaming { .. } => self.codec.error_event(&ErrorAnswer {
                kind: ErrorKind::BadGateway,
                message: "the provider did not answer with a stream",
                request_id: &self.request_id,
                code: None,
                retry_after: None,
            }),
        }
    }
}

impl Stream for AnswerStream {
    type Item = Result<Bytes, StreamCut>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let _entered = self.open.span.enter();
        let mut state = self.open.state();
        if let Source::Cut = state.source {
            state.source = Source::Ended;
            return Poll::Ready(Some(Err(StreamCut)));
        }
        let polled = state.source.poll_next(context);
        state.reader = if polled.is_ready() {
            Reader::Holds { rounds: 0 }
        } else {
            Reader::Waits
        };
        polled.map(|chunk| chunk.map(Ok))
    }
}

impl Drop for AnswerStream {
    fn drop(&mut self) {
        self.open.end();
    }
}
