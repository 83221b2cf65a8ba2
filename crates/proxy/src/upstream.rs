use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower_service::Service;
use url::Url;

use crate::ProxySettings;
use crate::connection::{Observed, is_stale};

type BoxError = Box<dyn Error + Send + Sync>;
type HttpClient = Client<TimedConnector, Full<Bytes>>;

/// The only door through which the gateway speaks to the outside.
///
/// Keeps its connections to itself, so a worker that owns one never waits for another worker. Redirects are not
/// followed and the environment's proxy variables are not read.
pub(crate) struct Upstream {
    tls: Arc<rustls::ClientConfig>,
    connect_timeout: Duration,
    idle_connections_per_host: usize,
    idle_connection_timeout: Duration,
    direct: Arc<Clients>,
    proxied: Mutex<HashMap<String, Arc<Clients>>>,
}

/// The clients of one route.
struct Clients {
    /// Keeps connections for further requests.
    keeping: HttpClient,
    /// Opens a connection for each request.
    opening: HttpClient,
}

/// A connection that lives for longer after the request was dead for another reason than its age.
const STALE_WITHIN: Duration = Duration::from_secs(1);

impl Upstream {
    pub(crate) fn new(tls: Arc<rustls::ClientConfig>, settings: &ProxySettings) -> Self {
        let connect_timeout = settings.connect_timeout();
        let idle_connections_per_host = settings.idle_connections_per_host;
        let idle_connection_timeout = Duration::from_secs(settings.idle_connection_timeout_seconds);
        let direct = Clients::new(
            &TimedConnector::new(Route::Direct(tcp_connector()), &tls, connect_timeout),
            idle_connections_per_host,
            idle_connection_timeout,
        );
        Self {
            tls,
            connect_timeout,
            idle_connections_per_host,
            idle_connection_timeout,
            direct: Arc::new(direct),
            proxied: Mutex::default(),
        }
    }

    /// Sends a request and waits for the answer's head.
    ///
    /// On a kept connection that turns out dead at once it is sent once more on a new one. Where the provider had time to
    /// begin its work, that would be paid twice.
    pub(crate) async fn send(
        &self,
        proxy_url: Option<&str>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, SendError> {
        let clients = match proxy_url {
            None => Arc::clone(&self.direct),
            Some(proxy_url) => self.clients_through(proxy_url)?,
        };
        let again = request.clone();
        let sent_at = Instant::now();
        let answer = match clients.keeping.request(request).await {
            Err(error) if is_stale(&error) && sent_at.elapsed() < STALE_WITHIN => {
                tracing::debug!(%error, "a kept connection was stale");
                clients.opening.request(again).await
            }
            answer => answer,
        };
        answer.map_err(|error| SendError::Exchange(error.into()))
    }

    fn clients_through(&self, proxy_url: &str) -> Result<Arc<Clients>, SendError> {
        let mut proxied = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clients) = proxied.get(proxy_url) {
            return Ok(Arc::clone(clients));
        }
        let route = Route::through(proxy_url).ok_or(SendError::InvalidProxy)?;
        let clients = Arc::new(Clients::new(
            &TimedConnector::new(route, &self.tls, self.connect_timeout),
            self.idle_connections_per_host,
            self.idle_connection_timeout,
        ));
        proxied.insert(proxy_url.to_owned(), Arc::clone(&clients));
        Ok(clients)
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
    #[error("{}", deepest(.0.as_ref()))]
    Exchange(#[source] BoxError),
}

/// The last cause in a chain: the words that name what happened ("connection refused").
pub(crate) fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// A certificate authority to trust cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a PEM file of certificates: {0}")]
pub struct InvalidRoots(String);

/// TLS as every connection of this process speaks it: the built-in authorities and `extra_roots` (PEM texts).
pub(crate) fn tls_config(extra_roots: &[Vec<u8>]) -> Result<Arc<rustls::ClientConfig>, InvalidRoots> {
    let mut roots = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for pem in extra_roots {
        let known = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| InvalidRoots(error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| InvalidRoots(error.to_string()))?;
        }
        if roots.len() == known {
            return Err(InvalidRoots("there is none in it".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidRoots(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn tcp_connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(Duration::from_secs(30)));
    connector
}

/// How a connection reaches the provider's host.
#[derive(Clone)]
enum Route {
    Direct(HttpConnector),
    Tunnel(Tunnel<HttpConnector>),
    Socks(SocksV5<HttpConnector>),
}

impl Route {
    fn through(proxy_url: &str) -> Option<Self> {
        let url = Url::parse(proxy_url).ok()?;
        let port = url
            .port_or_known_default()
            .or_else(|| url.scheme().starts_with("socks").then_some(1080))?;
        let address: Uri = format!("http://{}:{port}", url.host_str()?).parse().ok()?;
        match url.scheme() {
            "http" => Some(Self::Tunnel(Tunnel::new(address, tcp_connector()))),
            // The proxy looks names up: looking them up here would stop every stream of this worker meanwhile.
            "socks5" | "socks5h" => Some(Self::Socks(
                SocksV5::new(address, tcp_connector()).local_dns(false),
            )),
            _ => None,
        }
    }
}

impl Service<Uri> for Route {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Direct(connector) => connector.poll_ready(context).map_err(Into::into),
            Self::Tunnel(connector) => connector.poll_ready(context).map_err(Into::into),
            Self::Socks(connector) => connector.poll_ready(context).map_err(Into::into),
        }
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        match self {
            Self::Direct(connector) => {
                let connecting = connector.call(address);
                Box::pin(async move { connecting.await.map_err(Into::into) })
            }
            Self::Tunnel(connector) => {
                let connecting = connector.call(address);
                Box::pin(async move { connecting.await.map_err(Into::into) })
            }
            Self::Socks(connector) => {
                let connecting = connector.call(address);
                Box::pin(async move { connecting.await.map_err(Into::into) })
            }
        }
    }
}

/// A connector with one deadline over resolving, connecting, the proxy's handshake and TLS.
#[derive(Clone)]
struct TimedConnector {
    connector: HttpsConnector<Route>,
    timeout: Duration,
}

impl TimedConnector {
    fn new(route: Route, tls: &Arc<rustls::ClientConfig>, timeout: Duration) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(rustls::ClientConfig::clone(tls))
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
