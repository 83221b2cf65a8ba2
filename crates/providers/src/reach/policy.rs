use std::net::IpAddr;

use url::Host;

use super::class::{Class, embedded_v4};
use super::exception::is_localhost;
use super::{Destination, Exception, Reach, Refused};

/// Which servers may be reached, and by whom: the internet by everybody, what is listed besides by admins' accounts.
///
/// There is one for the process. It judges what is written into forms as well as every address that is connected to.
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy {
    exceptions: Vec<Exception>,
}

impl AddressPolicy {
    /// The internet and these.
    pub fn new(exceptions: impl IntoIterator<Item = Exception>) -> Self {
        Self {
            exceptions: exceptions.into_iter().collect(),
        }
    }

    /// Judges a server by what is written of it. Where a name leads is for [`judge_address`](Self::judge_address).
    ///
    /// # Errors
    ///
    /// [`Refused`] if it may not be reached, wherever its name leads.
    pub fn judge(&self, server: &Destination, reach: Reach) -> Result<(), Refused> {
        let name = match server.host() {
            Host::Domain(name) => whole(name),
            Host::Ipv4(address) => return self.judge_address(server, IpAddr::V4(*address), reach),
            Host::Ipv6(address) => return self.judge_address(server, IpAddr::V6(*address), reach),
        };
        let port = server.port();
        let may_be_listed = self.any(reach, |exception| exception.may_hold(name, port));
        if is_metadata_name(name) {
            Err(Refused::Never)
        } else if is_local_name(name) && !may_be_listed {
            Err(Refused::Private)
        } else if server.is_in_clear && !may_be_listed {
            Err(Refused::Plain)
        } else {
            Ok(())
        }
    }

    /// Judges an address that a server has, which was [judged](Self::judge) by what is written of it.
    ///
    /// An IPv6 address that stands for an IPv4 address is as good as the worse of the two.
    ///
    /// # Errors
    ///
    /// [`Refused`] if it may not be connected to.
    pub fn judge_address(&self, server: &Destination, address: IpAddr, reach: Reach) -> Result<(), Refused> {
        let embedded = embedded_v4(address);
        let mut addresses = [Some(address), embedded].into_iter().flatten();
        if addresses
            .clone()
            .any(|address| Class::of(address) == Class::Forbidden)
        {
            return Err(Refused::Never);
        }
        if self.names(server, reach) {
            return Ok(());
        }
        let is_listed =
            |address: IpAddr| self.any(reach, |exception| exception.holds(address, server.port()));
        if !addresses.all(|address| Class::of(address) == Class::Public || is_listed(address)) {
            return Err(Refused::Private);
        }
        if server.is_in_clear && !is_listed(address) {
            return Err(Refused::Plain);
        }
        Ok(())
    }

    /// Judges a server that a proxy connects to. The proxy looks names up, so nobody here learns where they lead.
    ///
    /// # Errors
    ///
    /// [`Refused`] if it may not be reached.
    pub fn judge_behind_proxy(&self, server: &Destination, reach: Reach) -> Result<(), Refused> {
        self.judge(server, reach)?;
        let is_named = matches!(server.host(), Host::Domain(_));
        if server.is_in_clear && is_named && !self.names(server, reach) {
            return Err(Refused::Plain);
        }
        Ok(())
    }

    /// Whether the server was listed by its name.
    fn names(&self, server: &Destination, reach: Reach) -> bool {
        let Host::Domain(name) = server.host() else {
            return false;
        };
        self.any(reach, |exception| exception.names(whole(name), server.port()))
    }

    fn any(&self, reach: Reach, holds: impl Fn(&Exception) -> bool) -> bool {
        reach == Reach::Admin && self.exceptions.iter().any(holds)
    }
}

/// A name without the dot behind it that says that it is whole.
fn whole(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether a cloud gives out a machine's credentials under this name.
pub(super) fn is_metadata_name(name: &str) -> bool {
    matches!(
        name,
        "metadata"
            | "instance-data"
            | "instance-data.ec2.internal"
            | "metadata.azure.internal"
            | "metadata.goog"
            | "metadata.google.internal"
            | "metadata.packet.net"
            | "metadata.platformequinix.com"
            | "metadata.tencentyun.com"
    )
}

/// Whether no server on the internet has such a name.
fn is_local_name(name: &str) -> bool {
    is_localhost(name)
        || [".local", ".internal", ".home.arpa"]
            .iter()
            .any(|end| name.ends_with(end))
}
