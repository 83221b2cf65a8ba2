use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gateway_domain::UpstreamAccount;
use gateway_providers::Reach;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;
use tower_service::Service;

use crate::ProxySettings;
use crate::connection::{Observed, is_stale};
use crate::network::Network;
use crate::recent::Recent;
use crate::route::{BoxError, Route};

type HttpClient = Client<TimedConnector, Full<Bytes>>;

/// A connection that lives for longer after the request was dead for another reason than its age.
const STALE_WITHIN: Duration = Duration::from_secs(1);
/// Proxies whose connections are kept, for admins' accounts and as many for members'.
const MOST_PROXIES: usize = 128;
/// What everybody may know of a server that did not answer.
const NO_ANSWER: &str = "no answer came";

/// The only door through which the gateway speaks to the outside.
///
/// Keeps its connections to itself, so a worker that owns one never waits for another worker. Redirects are not
/// followed and the environment's proxy variables are not read.
pub(crate) struct Upstream {
    network: Network,
    connect_timeout: Duration,
    idle_connections_per_host: usize,
    idle_connection_timeout: Duration,
    // Apart, or a member's account could use a connection to where only an admin's may go.
    of_admins: Routes,
    of_members: Routes,
}

/// The ways that requests take on behalf of the same people.
struct Routes {
    direct: Arc<Clients>,
    proxied: Mutex<Recent<Arc<Clients>>>,
}

/// The clients of one route.
struct Clients {
    /// Keeps connections for further requests.
    keeping: HttpClient,
    /// Opens a connection for each request.
    opening: HttpClient,
}

/// On whose behalf a request is sent, and through what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) reach: Reach,
    pub(crate) proxy_url: Option<&'a str>,
}

impl<'a> Way<'a> {
    /// The way of an account's requests.
    pub(crate) fn of(account: &'a UpstreamAccount) -> Self {
        Self {
            reach: Reach::of(account),
            proxy_url: account.proxy_url.as_deref(),
        }
    }
}

impl Upstream {
    pub(crate) fn new(network: &Network, settings: &ProxySettings) -> Self {
        let connect_timeout = settings.connect_timeout();
        let idle_connections_per_host = settings.idle_connections_per_host;
        let idle_connection_timeout = Duration::from_secs(settings.idle_connection_timeout_seconds);
        let routes = |reach| {
            let route = Route::direct(network, reach);
            let direct = Clients::new(
                &TimedConnector::new(route, network, connect_timeout),
                idle_connections_per_host,
                idle_connection_timeout,
            );
            Routes {
                direct: Arc::new(direct),
                proxied: Mutex::new(Recent::new(MOST_PROXIES)),
            }
        };
        Self {
            of_admins: routes(Reach::Admin),
            of_members: routes(Reach::Member),
            network: network.clone(),
            connect_timeout,
            idle_connections_per_host,
            idle_connection_timeout,
        }
    }

    /// Sends a request and waits for the answer's head.
    ///
    /// On a kept connection that turns out dead at once it is sent once more on a new one. Where the provider had time to
    /// begin its work, that would be paid twice.
    pub(crate) async fn send(
        &self,
        way: Way<'_>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, SendError> {
        let clients = self.clients(way)?;
        let again = request.clone();
        let sent_at = Instant::now();
        let answer = match clients.keeping.request(request).await {
            Err(error) if is_stale(&error) && sent_at.elapsed() < STALE_WITHIN => {
                tracing::debug!(%error, "a kept connection was stale");
                clients.opening.request(again).await
            }
            answer => answer,
        };
        answer.map_err(|error| SendError::of(error.into(), way.reach))
    }

    fn clients(&self, way: Way<'_>) -> Result<Arc<Clients>, SendError> {
        let routes = match way.reach {
            Reach::Admin => &self.of_admins,
            Reach::Member => &self.of_members,
        };
        let Some(proxy_url) = way.proxy_url else {
            return Ok(Arc::clone(&routes.direct));
        };
        let make = || {
            let route = Route::through(proxy_url, &self.network, way.reach)?;
            Some(Arc::new(Clients::new(
                &TimedConnector::new(route, &self.network, self.connect_timeout),
                self.idle_connections_per_host,
                self.idle_connection_timeout,
            )))
        };
        let mut proxied = routes.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        proxied
            .get_or_make(proxy_url, make)
            .ok_or(SendError::InvalidProxy)
    }
}

impl Clients {
    fn new(connector: &TimedConnector, idle_per_host: usize, idle_timeout: Duration) -> Self {
        let client = |idle_per_host| {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_max_idle_per_host(idle_per_host)
                .pool_idle_timeout(idle_timeout)
                .build(connector.clone())
        };
        Self {
            keeping: client(idle_per_host),
            opening: client(0),
        }
    }
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("the account's proxy_url is not a usable http or socks5 address")]
    InvalidProxy,
    #[error("{NO_ANSWER}: {}", deepest(.0.as_ref()))]
    Exchange(#[source] BoxError),
    /// For a reason that would tell a member what is behind an address.
    #[error("{NO_ANSWER}")]
    Hidden,
}

impl SendError {
    fn of(error: BoxError, reach: Reach) -> Self {
        match reach {
            Reach::Admin => Self::Exchange(error),
            Reach::Member => {
                tracing::info!(
                    error = deepest(error.as_ref()),
                    "a member's account got no answer"
                );
                Self::Hidden
            }
        }
    }
}

/// The last cause in a chain: the words that name what happened ("connection refused").
pub(crate) fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// A fault's reason, or a text that ends with one, as members may read it: without what it tells of an address.
#[must_use]
pub fn reason_for_members(reason: &str) -> &str {
    match reason.find(NO_ANSWER) {
        Some(place) => &reason[..place + NO_ANSWER.len()],
        None => reason,
    }
}

/// A connector with one deadline over resolving, connecting, the proxy's handshake and TLS.
#[derive(Clone)]
struct TimedConnector {
    connector: HttpsConnector<Route>,
    timeout: Duration,
}

impl TimedConnector {
    fn new(route: Route, network: &Network, timeout: Duration) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(rustls::ClientConfig::clone(&network.tls))
            .https_or_http()
            .enable_http1()
            .wrap_connector(route);
        Self { connector, timeout }
    }
}

impl Service<Uri> for TimedConnector {
    type Response = Observed<<HttpsConnector<Route> as Service<Uri>>::Response>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let connecting = self.connector.call(address);
        let timeout = self.timeout;
        Box::pin(async move {
            let connected = tokio::time::timeout(timeout, connecting)
                .await
                .map_err(|_| format!("no connection within {} s", timeout.as_secs()))?;
            connected.map(Observed::new)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::reason_for_members;

    #[test]
    fn members_learn_that_no_answer_came_and_not_why() {
        for (reason, shown) in [
            ("401 authentication_error", "401 authentication_error"),
            ("no answer within 10 s", "no answer within 10 s"),
            ("no answer came", "no answer came"),
            (
                "no answer came: Connection refused (os error 111)",
                "no answer came",
            ),
            (
                "cooling down until 2026-06-15T12:00:00Z: transport: no answer came: 10.0.0.1 …",
                "cooling down until 2026-06-15T12:00:00Z: transport: no answer came",
            ),
        ] {
            assert_eq!(reason_for_members(reason), shown);
        }
    }
}
