use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Of a server on the internet.
    Public,
    /// Of this machine, of its network, or of nothing at all.
    Private,
    /// Where clouds give out a machine's own credentials, or on the link only.
    Forbidden,
}

/// Sources: the IANA registries of special-purpose addresses, and the clouds' documentation.
const FORBIDDEN_V4: [Ipv4Net; 4] = [
    v4([169, 254, 0, 0], 16),     // link-local, and the metadata of most clouds
    v4([100, 100, 100, 200], 32), // Alibaba
    v4([168, 63, 129, 16], 32),   // Azure
    v4([192, 0, 0, 192], 32),     // Oracle
];

const FORBIDDEN_V6: [Ipv6Net; 6] = [
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),               // link-local
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32),           // Amazon
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0], 32),            // Google
    v6([0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe], 128), // Oracle
    v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], 128),        // Scaleway
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),            // NAT64 that hides where it leads
];

const PRIVATE_V4: [Ipv4Net; 14] = [
    v4([0, 0, 0, 0], 8),       // this network
    v4([10, 0, 0, 0], 8),      // private
    v4([100, 64, 0, 0], 10),   // shared by a carrier's customers
    v4([127, 0, 0, 0], 8),     // loopback
    v4([172, 16, 0, 0], 12),   // private
    v4([192, 0, 0, 0], 24),    // protocol assignments
    v4([192, 0, 2, 0], 24),    // documentation
    v4([192, 88, 99, 0], 24),  // relays of 6to4
    v4([192, 168, 0, 0], 16),  // private
    v4([198, 18, 0, 0], 15),   // benchmarks
    v4([198, 51, 100, 0], 24), // documentation
    v4([203, 0, 113, 0], 24),  // documentation
    v4([224, 0, 0, 0], 4),     // multicast
    v4([240, 0, 0, 0], 4),     // reserved, and broadcast
];

/// All that IANA has given out for the internet. Loopback, unique local, multicast and mapped addresses are outside.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

const PRIVATE_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments, Teredo among them
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation
];

impl Class {
    /// What it is by itself; where it leads is for [`embedded_v4`] to say.
    pub(super) fn of(address: IpAddr) -> Self {
        let (is_forbidden, is_private) = match address {
            IpAddr::V4(v4) => (
                FORBIDDEN_V4.iter().any(|net| net.contains(&v4)),
                PRIVATE_V4.iter().any(|net| net.contains(&v4)),
            ),
            IpAddr::V6(v6) => (
                FORBIDDEN_V6.iter().any(|net| net.contains(&v6)),
                !GLOBAL_V6.contains(&v6) || PRIVATE_V6.iter().any(|net| net.contains(&v6)),
            ),
        };
        match (is_forbidden, is_private) {
            (true, _) => Self::Forbidden,
            (false, true) => Self::Private,
            (false, false) => Self::Public,
        }
    }
}

/// Whether nothing in it may ever be reached.
pub(super) fn is_forbidden(network: &IpNet) -> bool {
    match network {
        IpNet::V4(network) => FORBIDDEN_V4.iter().any(|net| net.contains(network)),
        IpNet::V6(network) => FORBIDDEN_V6.iter().any(|net| net.contains(network)),
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64, 6to4 or Teredo.
pub(super) fn embedded_v4(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(v6) = address else { return None };
    let join = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => join(high, low),
        [0x2002, high, low, ..] => join(high, low),
        [0x2001, 0, _, _, _, _, high, low] => join(!high, !low),
        _ => None,
    }
}

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}
