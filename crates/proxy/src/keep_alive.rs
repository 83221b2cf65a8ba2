use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gateway_protocol::Codec;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Tells a client now and then that its stream is alive, while there is nothing else to tell.
pub(crate) struct KeepAlive {
    ticks: Interval,
    event: &'static [u8],
}

impl KeepAlive {
    /// Speaks for the first time after `first`, then every `interval`; `None` where the dialect has nothing that says
    /// no more than that.
    pub(crate) fn new(codec: &dyn Codec, first: Duration, interval: Duration) -> Option<Self> {
        let event = codec.keep_alive()?;
        let mut ticks = interval_at(Instant::now() + first, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Some(Self { ticks, event })
    }

    /// Something else was told: the next word is not due before another interval.
    pub(crate) fn put_off(&mut self) {
        self.ticks.reset();
    }

    /// To be asked when there is nothing else to tell.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        self.ticks
            .poll_tick(context)
            .map(|_| Bytes::from_static(self.event))
    }
}
