use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use actix_web::{HttpRequest, web};
use gateway_auth::{KeyHasher, KeyRing, Sessions, Vault};
use gateway_domain::{Clock, Timestamp};
use gateway_metering::PriceCatalogue;
use gateway_proxy::{Shared, SourceError};
use gateway_store::{Store, StoreError};
use tokio::sync::Semaphore;

use crate::audit::Repeats;
use crate::memory::{Memory, Shares};
use crate::pulse::Pulse;
use crate::{ApiSettings, Connections};

/// The rooms that answer, as the binary has opened them.
pub struct Rooms {
    /// Where requests come in; the server tells of each that it accepts.
    pub connections: Arc<Connections>,
    /// The memory.
    pub store: Arc<Store>,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Who comes with an API key.
    pub keys: KeyRing,
    /// Makes API keys; the same that `keys` checks with.
    pub key_hasher: KeyHasher,
    /// Seals the credentials of upstream accounts.
    pub vault: Arc<Vault>,
    /// What the workers' engines have in common.
    pub proxy: Arc<Shared>,
    /// The price list, without the prices that were set here.
    pub listed_prices: PriceCatalogue,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
}

/// The HTTP face and the rooms behind it: one for the process, shared by every worker.
pub struct App {
    rooms: Rooms,
    /// What the face accepts and shows.
    pub settings: ApiSettings,
    /// Whether it takes requests.
    pub readiness: Readiness,
    /// What the bodies of callers who are known may take.
    pub(crate) bodies: Memory,
    /// What the bodies of strangers may take: they must not push out those of others.
    pub(crate) strangers_bodies: Memory,
    /// How much of that one network may take.
    pub(crate) strangers_shares: Shares,
    /// Turns at decoding.
    pub(crate) decoding: Arc<Semaphore>,
    pub(crate) pulse: Pulse,
    /// Held while the spending of a budget is asked for, so that many requests at once ask only once.
    pub(crate) opening_budget: tokio::sync::Mutex<()>,
    /// Refusals that the audit log has had of late.
    pub(crate) repeats: Repeats,
    pub(crate) started_at: Timestamp,
}

impl App {
    /// A face that is not ready yet; [`Readiness::open`] makes it so.
    #[must_use]
    pub fn new(rooms: Rooms, settings: ApiSettings) -> Self {
        let turns = settings.decoding_concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            started_at: rooms.clock.now(),
            bodies: Memory::of(settings.max_bodies_in_memory_bytes),
            strangers_bodies: Memory::of(settings.max_strangers_bodies_in_memory_bytes),
            strangers_shares: Shares::of(settings.max_strangers_bodies_in_memory_bytes / 4),
            decoding: Arc::new(Semaphore::new(turns)),
            rooms,
            settings,
            readiness: Readiness::default(),
            pulse: Pulse::default(),
            opening_budget: tokio::sync::Mutex::default(),
            repeats: Repeats::default(),
        }
    }

    /// Takes in a change of upstream accounts, made here or elsewhere.
    ///
    /// # Errors
    ///
    /// [`SourceError`] when they cannot be read; the old ones stay.
    pub async fn reload_accounts(&self) -> Result<(), SourceError> {
        self.proxy.catalogue().reload().await
    }

    /// Takes in a change of prices, made here or elsewhere.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they cannot be read; the old ones stay.
    pub async fn reload_prices(&self) -> Result<(), StoreError> {
        let set = self.store.price_versions().await?;
        self.proxy
            .prices()
            .replace(self.listed_prices.with_overrides(set));
        self.proxy.catalogue().pool().prices_changed();
        Ok(())
    }

    /// Takes in a change of API keys or their owners, made here or elsewhere.
    pub fn forget_keys(&self) {
        self.keys.clear();
    }
}

impl std::ops::Deref for App {
    type Target = Rooms;

    fn deref(&self) -> &Rooms {
        &self.rooms
    }
}

/// The state that a request's handler works with.
pub(crate) fn of(request: &HttpRequest) -> &App {
    request
        .app_data::<web::Data<App>>()
        .expect("`configure` registers the state before any route")
}

/// Whether the process takes requests: not before it has started, nor while it drains.
#[derive(Debug, Default)]
pub struct Readiness(AtomicU8);

const STARTING: u8 = 0;
const OPEN: u8 = 1;
const DRAINING: u8 = 2;

impl Readiness {
    /// Everything is there: requests are welcome.
    pub fn open(&self) {
        self.0.store(OPEN, Ordering::Release);
    }

    /// The process is about to stop: requests that are open may end, balancers should send no more.
    pub fn drain(&self) {
        self.0.store(DRAINING, Ordering::Release);
    }

    /// Why it takes no requests, in one word.
    pub(crate) fn obstacle(&self) -> Option<&'static str> {
        match self.0.load(Ordering::Acquire) {
            STARTING => Some("starting"),
            OPEN => None,
            _ => Some("draining"),
        }
    }
}
