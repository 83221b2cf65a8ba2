use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Watches for a stream that says nothing for too long, with one timer however many chunks pass.
pub(crate) struct Silence {
    timeout: Duration,
    /// Since when the client has waited for the next chunk. Time in which it does not ask is not the provider's.
    since: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Silence {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            since: None,
            timer: Box::pin(tokio::time::sleep(timeout)),
        }
    }

    /// Something was said.
    pub(crate) fn broken(&mut self) {
        self.since = None;
    }

    /// From now on a silence of `timeout` is too long.
    pub(crate) fn shorten(&mut self, timeout: Duration) {
        self.timeout = self.timeout.min(timeout);
        self.timer.as_mut().reset(Instant::now() + self.timeout);
    }

    /// To be asked only when there is nothing to give to a client that waits.
    pub(crate) fn poll_too_long(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let end = *self.since.get_or_insert_with(Instant::now) + self.timeout;
        while self.timer.as_mut().poll(context).is_ready() {
            if end <= Instant::now() {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}
