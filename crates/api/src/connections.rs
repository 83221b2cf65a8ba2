use std::any::Any;
use std::cell::Cell;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use gateway_auth::network_of;
use gateway_domain::Clock;
use ipnet::IpNet;
use rustix::net::{Shutdown, shutdown};

use crate::address::is_trusted;

/// Time between two looks at all connections.
const ROUND: Duration = Duration::from_secs(1);

/// How long connections of clients are kept, and how many.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// How long one may be without a whole request, from its opening or the end of the last answer on.
    pub idle: Duration,
    /// The same for those of `trusted_proxies`, which keep theirs for the clients to come.
    pub proxy_idle: Duration,
    /// How long a client may take nothing of an answer that is there.
    pub stalled: Duration,
    /// Open at once from one address of IPv4 or /64 of IPv6, at the most; those of `trusted_proxies` are not counted.
    pub per_address: usize,
    /// Addresses of the reverse proxies in front.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(15),
            proxy_idle: Duration::from_secs(75),
            stalled: Duration::from_secs(60),
            per_address: 1000,
            trusted_proxies: Vec::new(),
        }
    }
}

/// The open connections of clients, watched for those that keep the gateway waiting.
///
/// The server times the first head on a connection only: not the heads after it, nor a body that nobody reads, nor an
/// answer that nobody takes.
pub struct Connections {
    limits: ConnectionLimits,
    clock: Arc<dyn Clock>,
    open: Mutex<Open>,
}

/// Marks a connection that is encrypted up to here.
pub(crate) struct Encrypted;

#[derive(Default)]
struct Open {
    all: Vec<Weak<Connection>>,
    count: usize,
    by_network: HashMap<IpAddr, usize>,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub fn new(limits: ConnectionLimits, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            limits,
            clock,
            open: Mutex::default(),
        })
    }

    /// Takes in a connection that the server has accepted, or closes it: for `HttpServer::on_connect`.
    pub fn on_connect(self: &Arc<Self>, io: &dyn Any, data: &mut Extensions) {
        let encrypted = io.downcast_ref::<TlsStream<TcpStream>>();
        if encrypted.is_some() {
            data.insert(Encrypted);
        }
        let Some(stream) = encrypted
            .map(|stream| stream.get_ref().0)
            .or_else(|| io.downcast_ref::<TcpStream>())
        else {
            return;
        };
        match self.admit(stream) {
            Ok(connection) => {
                data.insert(connection);
            }
            Err(error) => {
                tracing::debug!(%error, "a connection is turned away");
                let _ = shutdown(stream.as_fd(), Shutdown::Both);
            }
        }
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.open().count
    }

    /// Closes what is over its time, once a second and for ever.
    pub async fn keep_watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(ROUND).await;
            self.look();
        }
    }

    fn admit(self: &Arc<Self>, stream: &TcpStream) -> io::Result<Arc<Connection>> {
        let peer = stream.peer_addr()?.ip().to_canonical();
        let is_proxy = is_trusted(peer, &self.limits.trusted_proxies);
        let socket = stream.as_fd().try_clone_to_owned()?;
        let connection = Arc::new(Connection {
            standing: Mutex::new((Standing::Idle, self.clock.monotonic())),
            idle: if is_proxy {
                self.limits.proxy_idle
            } else {
                self.limits.idle
            },
            is_over: AtomicBool::new(false),
            counted_as: (!is_proxy).then(|| network_of(peer)),
            socket,
            all: Arc::clone(self),
        });
        let count = self.open().add(&connection);
        if count > self.limits.per_address {
            return Err(io::Error::other("its address has too many"));
        }
        Ok(connection)
    }

    /// Looks at each connection once.
    fn look(&self) {
        let now = self.clock.monotonic();
        // Without the lock: the last to let go of a connection takes it.
        let mut all = std::mem::take(&mut self.open().all);
        all.retain(|connection| match connection.upgrade() {
            Some(connection) => {
                connection.close_if_late(now);
                true
            }
            None => false,
        });
        self.open().all.append(&mut all);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// How many there are now from the same network.
    fn add(&mut self, connection: &Arc<Connection>) -> usize {
        self.all.push(Arc::downgrade(connection));
        self.count += 1;
        connection.counted_as.map_or(0, |network| {
            let count = self.by_network.entry(network).or_default();
            *count += 1;
            *count
        })
    }

    fn remove(&mut self, connection: &Connection) {
        self.count -= 1;
        let Some(network) = connection.counted_as else {
            return;
        };
        if let Some(count) = self.by_network.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                self.by_network.remove(&network);
            }
        }
    }
}

/// A client's connection, for as long as the server has it.
struct Connection {
    /// How it stands, and since when.
    standing: Mutex<(Standing, Duration)>,
    idle: Duration,
    /// Whether an answer has said that it is the last.
    is_over: AtomicBool,
    /// `None` for those of proxies.
    counted_as: Option<IpAddr>,
    /// The server's own socket a second time, to close it from outside.
    socket: OwnedFd,
    all: Arc<Connections>,
}

/// Whom a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The client, for the whole of the next head.
    Idle,
    /// The gateway, for more of the answer; or the client for the body, which has a time limit of its own.
    Answering,
    /// The client, to take what has been written.
    Sending,
    /// The client, to take the rest of an answer that is written, and then for the next head.
    Finished,
}

impl Connection {
    fn stands(&self, standing: Standing) {
        let now = self.all.clock.monotonic();
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = (standing, now);
    }

    fn close_if_late(&self, now: Duration) {
        let (standing, since) = *self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = match standing {
            Standing::Idle => self.idle,
            Standing::Sending => self.all.limits.stalled,
            Standing::Finished => self.idle.max(self.all.limits.stalled),
            Standing::Answering => return,
        };
        if now.saturating_sub(since) >= patience {
            tracing::debug!(?standing, "a connection is closed that keeps the gateway waiting");
            // The server notices, and lets go of everything that belongs to it.
            let _ = shutdown(&self.socket, Shutdown::Both);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open().remove(self);
    }
}

/// A request that is being answered: while there is one, its connection is not idle.
pub(crate) struct Exchange {
    connection: Option<Arc<Connection>>,
    /// How many pieces of the answer the server has taken.
    pieces: Cell<u32>,
}

impl Exchange {
    /// Begins with a request whose head is there.
    pub(crate) fn begin(request: &HttpRequest) -> Self {
        let exchange = Self {
            connection: request.conn_data::<Arc<Connection>>().cloned(),
            pieces: Cell::new(0),
        };
        exchange.stands(Standing::Answering);
        exchange
    }

    /// Has nothing answered on the connection after this.
    pub(crate) fn is_the_last(&self) {
        if let Some(connection) = &self.connection {
            connection.is_over.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it came after the last, and nobody waits for its answer.
    pub(crate) fn is_too_late(&self) -> bool {
        let connection = self.connection.as_ref();
        connection.is_some_and(|connection| connection.is_over.load(Ordering::Relaxed))
    }

    /// The answer goes on when the gateway has more of it.
    pub(crate) fn waits_for_gateway(&self) {
        self.stands(Standing::Answering);
    }

    /// The answer goes on when the client has taken what there is.
    pub(crate) fn waits_for_client(&self) {
        self.pieces.set(self.pieces.get().saturating_add(1));
        self.stands(Standing::Sending);
    }

    fn stands(&self, standing: Standing) {
        if let Some(connection) = &self.connection {
            connection.stands(standing);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // The server may still have some of a large answer.
        self.stands(if self.pieces.get() > 1 {
            Standing::Finished
        } else {
            Standing::Idle
        });
    }
}
