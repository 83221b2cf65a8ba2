use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{self, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::Builder;
use crate::exchange::serve;
use crate::organization::Organization;
use crate::record::{Billed, Received, Tally};
use crate::script::Script;
use crate::scripts::Scripts;
use crate::state::Shared;
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
        self.shared
            .change_scripts(|scripts| scripts.add_next(None, script));
    }

    /// Answers one of the next requests of this credential with this script, before any script for everyone.
    pub fn next_for(&self, credential: &str, script: Script) {
        self.shared
            .change_scripts(|scripts| scripts.add_next(Some(credential), script));
    }

    /// Answers every request that no other script takes with this one, which replaces an earlier one for the
    /// same endpoint.
    pub fn always(&self, script: Script) {
        self.shared
            .change_scripts(|scripts| scripts.set_always(None, script));
    }

    /// Answers every request of this credential with this script: how an account is made bad.
    pub fn always_for(&self, credential: &str, script: Script) {
        self.shared
            .change_scripts(|scripts| scripts.set_always(Some(credential), script));
    }

    /// Forgets all scripts, but not the builder's chances.
    pub fn forget_scripts(&self) {
        self.shared
            .change_scripts(|scripts| *scripts = Scripts::default());
    }

    /// Forgets the scripts of one credential: how an account is made good again.
    pub fn forget_scripts_of(&self, credential: &str) {
        self.shared
            .change_scripts(|scripts| scripts.forget_of(credential));
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

    /// Lets an organisation's usage and costs be read from now on, or changes how.
    ///
    /// What was billed before is in no report.
    pub fn open_organization(&self, organization: Organization) {
        self.shared.open_organization(organization);
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

    pub(crate) fn listen(address: SocketAddr, threads: usize, shared: Shared) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(shared);
        let runtimes = (0..threads)
            .map(|_| new_runtime())
            .collect::<io::Result<Vec<_>>>()?;
        let mut simulator = Self {
            address,
            shared,
            runtime: runtimes[0].handle().clone(),
            stops: Vec::new(),
            threads: Vec::new(),
        };
        for runtime in runtimes {
            let (stop, stopped) = oneshot::channel();
            let listener = listener.try_clone()?;
            let shared = Arc::clone(&simulator.shared);
            let thread = thread::Builder::new()
                .name("llm-simulator".to_owned())
                .spawn(move || runtime.block_on(accept(listener, shared, stopped)))?;
            simulator.stops.push(stop);
            simulator.threads.push(thread);
        }
        Ok(simulator)
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
