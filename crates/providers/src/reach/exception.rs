use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::Deserialize;
use url::Host;

use super::class;
use super::policy::is_metadata_name;

/// What accounts of admins reach besides the internet, and without TLS if they like.
///
/// Written as `loopback`, as `host:port`, or as a network such as `10.0.0.0/8`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Exception {
    /// This machine, by its loopback addresses and as `localhost`.
    Loopback,
    /// One port of one server; if it is named, wherever its name leads.
    Server(Host, u16),
    /// A network.
    Network(IpNet),
}

/// It cannot be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidException {
    /// Nobody may reach it.
    #[error("link-local and metadata addresses are never reached, and cannot be listed")]
    Forbidden,
    /// It is none of those that there are.
    #[error("expected loopback, host:port, or a network such as 10.0.0.0/8")]
    Unknown,
}

impl Exception {
    /// Whether the address, at this port, is what was listed.
    pub(super) fn holds(&self, address: IpAddr, port: u16) -> bool {
        match self {
            Self::Loopback => address.is_loopback(),
            Self::Server(host, listed) => *listed == port && address_of(host) == Some(address),
            Self::Network(network) => network.contains(&address),
        }
    }

    /// Whether a server of this name, in small letters, was listed or may have an address that was.
    pub(super) fn may_hold(&self, name: &str, port: u16) -> bool {
        match self {
            Self::Loopback => is_localhost(name),
            Self::Server(..) => self.names(name, port),
            Self::Network(network) if is_localhost(name) => {
                network.contains(&LOCALHOST_V4) || network.contains(&LOCALHOST_V6)
            }
            Self::Network(_) => true,
        }
    }

    /// Whether it was listed by this name, in small letters.
    pub(super) fn names(&self, name: &str, port: u16) -> bool {
        matches!(self, Self::Server(Host::Domain(listed), at) if *at == port && listed == name)
    }
}

const LOCALHOST_V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LOCALHOST_V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

pub(super) fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn address_of(host: &Host) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    }
}

impl FromStr for Exception {
    type Err = InvalidException;

    fn from_str(text: &str) -> Result<Self, InvalidException> {
        if text == "loopback" {
            return Ok(Self::Loopback);
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return if class::is_forbidden(&network) {
                Err(InvalidException::Forbidden)
            } else {
                Ok(Self::Network(network))
            };
        }
        let (host, port) = text.rsplit_once(':').ok_or(InvalidException::Unknown)?;
        let host = host.strip_suffix('.').unwrap_or(host);
        let host = Host::parse(host).map_err(|_| InvalidException::Unknown)?;
        let port = port.parse().map_err(|_| InvalidException::Unknown)?;
        let is_forbidden = match &host {
            Host::Domain(name) => is_metadata_name(name),
            Host::Ipv4(address) => class::is_forbidden(&IpAddr::V4(*address).into()),
            Host::Ipv6(address) => class::is_forbidden(&IpAddr::V6(*address).into()),
        };
        if is_forbidden {
            Err(InvalidException::Forbidden)
        } else {
            Ok(Self::Server(host, port))
        }
    }
}

/// Read as a text and nothing else: derived code would also take `{"loopback": null}`.
impl TryFrom<String> for Exception {
    type Error = InvalidException;

    fn try_from(text: String) -> Result<Self, InvalidException> {
        text.parse()
    }
}
