use std::time::Duration;

use tokio::sync::Mutex;

use crate::app::App;

/// How long an answer of the database stands.
const STANDS_FOR: Duration = Duration::from_secs(1);

/// Whether the database answers: asked once a second at the most, however many want to know.
#[derive(Default)]
pub(crate) struct Pulse(Mutex<Option<Beat>>);

#[derive(Clone, Copy)]
struct Beat {
    felt_at: Duration,
    latency: Option<Duration>,
}

impl Pulse {
    /// How long the database took to answer; `None` if it is away.
    pub(crate) async fn latency(&self, app: &App) -> Option<Duration> {
        // Held while it is asked: the others want the same answer.
        let mut last = self.0.lock().await;
        let now = app.clock.monotonic();
        if let Some(beat) = *last
            && now.saturating_sub(beat.felt_at) < STANDS_FOR
        {
            return beat.latency;
        }
        let latency = app.store.ping().await.ok();
        let felt_at = app.clock.monotonic();
        *last = Some(Beat { felt_at, latency });
        latency
    }
}
