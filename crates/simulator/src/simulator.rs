use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use gateway_domain::{Clock, SystemClock};
use tokio::runtime::{self, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::anthropic::Models;
use crate::exchange::serve;
use crate::record::{Billed, Received, Tally};
use crate::script::{Pace, Script};
use crate::state::{Settings, Shared};
use crate::wire::Connection;

/// How long a `wait_for_…` waits before it says that it waits in vain.
const PATIENCE: Duration = Duration::from_secs(30);

/// A provider on a socket of this machine, until it is dropped.
///
/// It has threads and a runtime of its own, so that it serves tests of any runtime and is not held up by a test
/// that blocks.
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Of the first thread.
    runtime: Handle,
    /// Dropping them is the sign to stop.
    stops: Vec<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Simulator {
    /// A simulator of default settings on a free port of the loopback interface.
    ///
    /// # Panics
    ///
    /// When no socket or thread can be had.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A simulator with other settings.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens, as in `http://127.0.0.1:40123`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers one of the next requests with this script: the first that it fits and that no earlier one takes.
    ///
    /// A request whose credential is refused takes none.
    pub fn next(&self, script: Script) {
        self.shared.script_next(None, script);
    }

    /// Answers one of the next requests of this credential with this script, before any script for everyone.
    pub fn next_for(&self, credential: &str, script: Script) {
        self.shared.script_next(Some(credential), script);
    }

    /// Answers every request that no other script takes with this one, which replaces an earlier one for the
    /// same endpoint.
    pub fn always(&self, script: Script) {
        self.shared.script_always(None, script);
    }

    /// Answers every request of this credential with this script: how an account is made bad.
    pub fn always_for(&self, credential: &str, script: Script) {
        self.shared.script_always(Some(credential), script);
    }

    /// Forgets all scripts, but not the builder's chances.
    pub fn forget_scripts(&self) {
        self.shared.forget_scripts(None);
    }

    /// Forgets the scripts of one credential: how an account is made good again.
    pub fn forget_scripts_of(&self, credential: &str) {
        self.shared.forget_scripts(Some(credential));
    }

    /// Refuses all credentials but these with 401.
    pub fn accept_only<I: IntoIterator<Item = S>, S: Into<String>>(&self, credentials: I) {
        let accepted: HashSet<String> = credentials.into_iter().map(Into::into).collect();
        self.shared.accept(Some(accepted));
    }

    /// Accepts every credential that is not empty, as at the start.
    pub fn accept_any(&self) {
        self.shared.accept(None);
    }

    /// The latest requests, oldest first; as many as [`Builder::keep`] says.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received()
    }

    /// Forgets the requests so far; counts and bills stay.
    pub fn forget_received(&self) {
        self.shared.forget_received();
    }

    /// What the provider counted for a credential since the start: what a ledger has to agree with.
    #[must_use]
    pub fn billed(&self, credential: &str) -> Billed {
        self.shared.billed(credential)
    }

    /// What the provider counted for all credentials.
    #[must_use]
    pub fn billed_in_all(&self) -> Billed {
        self.shared.billed_in_all()
    }

    /// How many requests came and how they ended.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.shared.tally()
    }

    /// Waits until this many requests have come since the start.
    ///
    /// # Panics
    ///
    /// After 30 seconds: a test should fail rather than hang.
    pub async fn wait_for_requests(&self, count: u64) {
        self.wait_for("requests", move |tally| tally.received >= count)
            .await;
    }

    /// Waits until this many requests have ended in any way since the start.
    ///
    /// # Panics
    ///
    /// After 30 seconds: a test should fail rather than hang.
    pub async fn wait_for_ends(&self, count: u64) {
        self.wait_for("ended requests", move |tally| tally.ended >= count)
            .await;
    }

    /// Waits until the clients of this many requests have gone away before their answers' ends.
    ///
    /// # Panics
    ///
    /// After 30 seconds: a test should fail rather than hang.
    pub async fn wait_for_disconnects(&self, count: u64) {
        self.wait_for("disconnects", move |tally| tally.disconnected >= count)
            .await;
    }

    /// Waits until no connection is open.
    ///
    /// # Panics
    ///
    /// After 30 seconds: a test should fail rather than hang.
    pub async fn wait_for_no_connections(&self) {
        self.wait_for("the last connection's end", |tally| tally.connections == 0)
            .await;
    }

    async fn wait_for(&self, what: &str, mut reached: impl FnMut(&Tally) -> bool) {
        let mut tally = self.shared.watch();
        // The caller's runtime may have no timer, so the alarm rings from ours.
        let (ring, alarm) = oneshot::channel();
        let patience = self.runtime.spawn(async {
            sleep(PATIENCE).await;
            let _ = ring.send(());
        });
        tokio::select! {
            _ = tally.wait_for(|tally| reached(tally)) => patience.abort(),
            _ = alarm => panic!("waited in vain for {what}: {:?}", self.tally()),
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stops.clear();
        for thread in self.threads.drain(..) {
            // A thread that panicked has printed why.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

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
                models: Models::default(),
                chances: Vec::new(),
                cache_minimum: None,
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

    /// Serves these models and no others.
    #[must_use]
    pub fn models<I: IntoIterator<Item = S>, S: Into<String>>(mut self, ids: I) -> Self {
        self.settings.models = Models::only(ids);
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
        let listener = TcpListener::bind(self.address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(self.settings, self.clock, self.kept, self.accepted));
        let mut stops = Vec::new();
        let mut threads = Vec::new();
        let first = new_runtime()?;
        let handle = first.handle().clone();
        let others = (1..self.threads)
            .map(|_| new_runtime())
            .collect::<io::Result<Vec<_>>>()?;
        for runtime in std::iter::once(first).chain(others) {
            let (stop, stopped) = oneshot::channel::<()>();
            let listener = listener.try_clone()?;
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new()
                .name("llm-simulator".to_owned())
                .spawn(move || runtime.block_on(accept(listener, shared, stopped)))?;
            stops.push(stop);
            threads.push(thread);
        }
        Ok(Simulator {
            address,
            shared,
            runtime: handle,
            stops,
            threads,
        })
    }
}

fn new_runtime() -> io::Result<Runtime> {
    runtime::Builder::new_current_thread().enable_all().build()
}

/// Accepts connections until `stopped`; what is open then is closed with the runtime.
async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    let listener = tokio::net::TcpListener::from_std(listener)
        .expect("it does not block, and this is a runtime with I/O");
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(serve(Connection::new(stream), Arc::clone(&shared)));
                }
                // Out of file descriptors, or a client that left before it was accepted: both pass.
                Err(_) => sleep(Duration::from_millis(5)).await,
            },
        }
    }
}
