use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec;

use gateway_providers::{Destination, Reach, Refused};
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;
use url::{Host, Url};

use crate::network::Network;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, BoxError>> + Send>>;

/// How connections to providers' hosts are opened on behalf of admins' accounts, or of members': to nobody that these
/// may not reach.
///
/// Every address is judged right before it is connected to, and no name is looked up twice for one connection.
#[derive(Clone)]
pub(crate) struct Route {
    network: Network,
    reach: Reach,
    proxy: Option<Proxy>,
}

/// What stands between.
#[derive(Clone)]
struct Proxy {
    kind: ProxyKind,
    server: Destination,
}

#[derive(Clone, Copy)]
enum ProxyKind {
    Http,
    Socks,
}

/// Why no connection was tried.
#[derive(Debug, thiserror::Error)]
enum Unopened {
    #[error("the address names no server")]
    NoServer,
    #[error("{server}: {refused}")]
    Refused { server: String, refused: Refused },
    #[error("{server} leads to {address}: {refused}")]
    Leads {
        server: String,
        address: IpAddr,
        refused: Refused,
    },
    #[error("{name} cannot be looked up: {error}")]
    Unknown { name: String, error: io::Error },
}

impl Route {
    /// Straight to the provider's host.
    pub(crate) fn direct(network: &Network, reach: Reach) -> Self {
        Self {
            network: network.clone(),
            reach,
            proxy: None,
        }
    }

    /// Through an HTTP or SOCKS5 proxy, or `None` if `proxy_url` is no address of one.
    pub(crate) fn through(proxy_url: &str, network: &Network, reach: Reach) -> Option<Self> {
        let url = Url::parse(proxy_url).ok()?;
        let kind = match url.scheme() {
            "http" => ProxyKind::Http,
            "socks5" | "socks5h" => ProxyKind::Socks,
            _ => return None,
        };
        let server = Destination::of_proxy(&url)?;
        Some(Self {
            proxy: Some(Proxy { kind, server }),
            ..Self::direct(network, reach)
        })
    }

    async fn connect(&self, address: Uri) -> Result<TokioIo<TcpStream>, BoxError> {
        let server = Destination::of_request(&address).ok_or(Unopened::NoServer)?;
        let Some(proxy) = &self.proxy else {
            return self.dial(&server).await;
        };
        let judged = self.network.policy.judge_behind_proxy(&server, self.reach);
        judged.map_err(|refused| refused_as_written(&server, refused))?;
        let stream = self.dial(&proxy.server).await?;
        // Proxies are told the port that was judged: by themselves the connectors would take 443 for http too.
        let address = uri_of(&server)?;
        let (standing, unused) = (Standing(Some(stream)), address.clone());
        match proxy.kind {
            ProxyKind::Http => Ok(Tunnel::new(unused, standing).call(address).await?),
            ProxyKind::Socks => {
                // The proxy looks names up: where they lead may be another place there.
                let mut connector = SocksV5::new(unused, standing).local_dns(false);
                Ok(connector.call(address).await?)
            }
        }
    }

    /// Connects to a server at one of its addresses, if all of them may be reached.
    async fn dial(&self, server: &Destination) -> Result<TokioIo<TcpStream>, BoxError> {
        let policy = &self.network.policy;
        policy
            .judge(server, self.reach)
            .map_err(|refused| refused_as_written(server, refused))?;
        let addresses = self.addresses(server).await?;
        for address in &addresses {
            let judged = policy.judge_address(server, *address, self.reach);
            judged.map_err(|refused| Unopened::Leads {
                server: server.to_string(),
                address: *address,
                refused,
            })?;
        }
        let port = server.port();
        let judged = addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port));
        Ok(connector(judged.collect()).call(uri_of(server)?).await?)
    }

    async fn addresses(&self, server: &Destination) -> Result<Vec<IpAddr>, Unopened> {
        match server.host() {
            Host::Ipv4(address) => Ok(vec![IpAddr::V4(*address)]),
            Host::Ipv6(address) => Ok(vec![IpAddr::V6(*address)]),
            Host::Domain(name) => {
                let found = self.network.resolver.addresses(name, self.reach).await;
                found.map_err(|error| Unopened::Unknown {
                    name: name.clone(),
                    error,
                })
            }
        }
    }
}

fn refused_as_written(server: &Destination, refused: Refused) -> Unopened {
    Unopened::Refused {
        server: server.to_string(),
        refused,
    }
}

/// The server's address with its port, whatever its scheme.
fn uri_of(server: &Destination) -> Result<Uri, http::Error> {
    Uri::builder()
        .scheme("http")
        .authority(server.to_string())
        .path_and_query("/")
        .build()
}

impl Service<Uri> for Route {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Connecting {
        let route = self.clone();
        Box::pin(async move { route.connect(address).await })
    }
}

/// Tries these addresses, two families side by side.
fn connector(addresses: Vec<SocketAddr>) -> HttpConnector<Judged> {
    let mut connector = HttpConnector::new_with_resolver(Judged(addresses));
    connector.set_nodelay(true);
    connector.set_keepalive(Some(Duration::from_secs(30)));
    connector
}

/// The addresses that were judged, for whatever name.
#[derive(Clone)]
struct Judged(Vec<SocketAddr>);

impl Service<Name> for Judged {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(std::mem::take(&mut self.0).into_iter()))
    }
}

/// A connection that stands already, for the one who asks first.
struct Standing(Option<TokioIo<TcpStream>>);

impl Service<Uri> for Standing {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}
