use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use gateway_domain::{Clock, SystemClock};

use crate::Simulator;
use crate::script::{Pace, Script};
use crate::state::{Settings, Shared};

/// The settings of a [`Simulator`] before it starts.
pub struct Builder {
    address: SocketAddr,
    threads: usize,
    kept: usize,
    accepted: Option<HashSet<String>>,
    clock: Arc<dyn Clock>,
    settings: Settings,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            threads: 1,
            kept: 10_000,
            accepted: None,
            clock: Arc::new(SystemClock::new()),
            settings: Settings {
                seed: 0,
                output_tokens: 48,
                delta_tokens: 4,
                events_per_write: usize::MAX,
                pace: Pace::default(),
                models: None,
                chances: Vec::new(),
                cache_minimum: None,
                requests_per_minute: None,
            },
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Listens on this address instead of a free port of the loopback interface.
    #[must_use]
    pub const fn listen(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Serves with so many threads instead of one. With more than one, an order of arrival means little.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Makes other answers, ids and chances follow from the same requests.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Takes the time of day from this clock: `Date`, resets, and the prompt cache's ends. Delays are real.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Serves these models and no others, in every dialect.
    #[must_use]
    pub fn models<I: IntoIterator<Item = S>, S: Into<String>>(mut self, ids: I) -> Self {
        self.settings.models = Some(ids.into_iter().map(Into::into).collect());
        self
    }

    /// Accepts these credentials and no others.
    #[must_use]
    pub fn accept_only<I: IntoIterator<Item = S>, S: Into<String>>(mut self, credentials: I) -> Self {
        self.accepted = Some(credentials.into_iter().map(Into::into).collect());
        self
    }

    /// Makes answers that nobody scripted this long; 48 tokens unless said otherwise.
    #[must_use]
    pub const fn output_tokens(mut self, tokens: u64) -> Self {
        self.settings.output_tokens = tokens;
        self
    }

    /// Puts so many tokens into one event; 4 unless said otherwise.
    #[must_use]
    pub fn tokens_per_event(mut self, tokens: usize) -> Self {
        self.settings.delta_tokens = tokens.max(1);
        self
    }

    /// Sends at most so many events with one write. Without it, events that are due at once are written together.
    #[must_use]
    pub fn events_per_write(mut self, events: usize) -> Self {
        self.settings.events_per_write = events.max(1);
        self
    }

    /// Answers at this pace, where a script does not say otherwise.
    #[must_use]
    pub const fn pace(mut self, pace: Pace) -> Self {
        self.settings.pace = pace;
        self
    }

    /// Answers a share of the requests, from 0 to 1, with this script. Which ones follows from the seed and the
    /// order of arrival. Several chances are tried in order.
    #[must_use]
    pub fn chance(mut self, probability: f64, script: Script) -> Self {
        self.settings.chances.push((probability, script));
        self
    }

    /// Keeps so many requests for [`Simulator::received`]; 10,000 unless said otherwise. With zero, nothing is
    /// copied: for benchmarks.
    #[must_use]
    pub const fn keep(mut self, requests: usize) -> Self {
        self.kept = requests;
        self
    }

    /// Caches prompts from this length on, instead of from each model's own.
    #[must_use]
    pub const fn shortest_cached_prompt(mut self, tokens: u64) -> Self {
        self.settings.cache_minimum = Some(tokens);
        self
    }

    /// Refuses more messages than this from one credential in one minute of the clock, with 429 and
    /// `retry-after`. Otherwise limits are only told.
    #[must_use]
    pub const fn requests_per_minute(mut self, requests: u64) -> Self {
        self.settings.requests_per_minute = Some(requests);
        self
    }

    /// Starts.
    ///
    /// # Panics
    ///
    /// When no socket or thread can be had. [`try_start`](Self::try_start) says why instead.
    pub async fn start(self) -> Simulator {
        self.try_start()
            .expect("the simulator needs a socket and a thread")
    }

    /// Starts, from outside of any runtime too.
    ///
    /// # Errors
    ///
    /// When the address is taken, or no thread can be had.
    pub fn try_start(self) -> io::Result<Simulator> {
        let shared = Shared::new(self.settings, self.clock, self.kept, self.accepted);
        Simulator::listen(self.address, self.threads, shared)
    }
}
