use std::net::{IpAddr, Ipv6Addr};

/// What one subscriber has: an address of IPv4, a /64 of IPv6.
///
/// Whoever is counted by address is counted by this: of a /64 a single machine may take a new address each time.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::network_of;

    #[test]
    fn a_subscriber_of_ipv6_is_a_block_of_64() {
        let of = |text: &str| network_of(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
    }
}
