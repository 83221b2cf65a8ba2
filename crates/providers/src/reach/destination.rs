use std::fmt;

use http::Uri;
use http::uri::Scheme;
use url::{Host, Url};

/// A server as an address names it: what is judged, and then connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    // Invariant: a name is in small letters, and is no number that stands for an address.
    host: Host,
    port: u16,
    pub(super) is_in_clear: bool,
}

impl Destination {
    /// Where a request of `http` or `https` goes, or nothing if the address names no server.
    #[must_use]
    pub fn of_request(address: &Uri) -> Option<Self> {
        let is_in_clear = *address.scheme()? == Scheme::HTTP;
        let port = address.port_u16().unwrap_or(if is_in_clear { 80 } else { 443 });
        Some(Self {
            host: Host::parse(address.host()?).ok()?,
            port,
            is_in_clear,
        })
    }

    /// Where requests to an address go, or nothing if it names no server.
    #[must_use]
    pub fn of_url(address: &Url) -> Option<Self> {
        let port = address
            .port_or_known_default()
            .or_else(|| address.scheme().starts_with("socks5").then_some(1080))?;
        Some(Self {
            // Schemes that the URL standard does not know keep the host as it was written.
            host: Host::parse(address.host_str()?).ok()?,
            port,
            is_in_clear: address.scheme() == "http",
        })
    }

    /// The proxy that an address names, or nothing if it names none. What goes through it has its own scheme.
    #[must_use]
    pub fn of_proxy(address: &Url) -> Option<Self> {
        Some(Self {
            is_in_clear: false,
            ..Self::of_url(address)?
        })
    }

    /// Its name or address.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
