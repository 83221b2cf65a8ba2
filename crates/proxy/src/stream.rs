use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;

use crate::relay::Relay;

/// A stream's body on its way to the client. Dropping it cancels the request at the provider.
///
/// It owns all that the request holds: the last byte, an error or the client's going away ends it, once. A stream that
/// breaks ends with the dialect's error event, never with a clean end.
pub struct AnswerStream {
    relay: Option<Box<Relay>>,
    /// The request's, so that what is logged while the stream runs names it too.
    span: tracing::Span,
}

impl AnswerStream {
    pub(crate) fn new(relay: Box<Relay>) -> Self {
        Self {
            relay: Some(relay),
            span: tracing::Span::current(),
        }
    }
}

impl Stream for AnswerStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { relay, span } = &mut *self;
        let _entered = span.enter();
        let Some(relay) = relay else {
            return Poll::Ready(None);
        };
        relay.poll_next(context).map(|chunk| chunk.map(Ok))
    }
}

impl Drop for AnswerStream {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        self.relay = None;
    }
}
