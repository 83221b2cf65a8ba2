use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gateway_domain::{ProviderKind, Timestamp, UpstreamAccount, UserId};
use gateway_providers::{AddressPolicy, Destination, Exception, InvalidUrl, Reach, Refused};
use proptest::prelude::{any, proptest};

pub(crate) fn policy(exceptions: &[&str]) -> AddressPolicy {
    let exceptions = exceptions.iter().map(|text| text.parse::<Exception>());
    AddressPolicy::new(exceptions.map(|exception| exception.expect("a test lists what can be listed")))
}

/// What becomes of a connection to this address by a name that nobody has listed.
fn reached(policy: &AddressPolicy, scheme: &str, address: IpAddr, reach: Reach) -> Result<(), Refused> {
    let server = server(&format!("{scheme}://a.example:8000"));
    policy.judge(&server, reach)?;
    policy.judge_address(&server, address, reach)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn server(url: &str) -> Destination {
    Destination::of_url(&url.parse().expect("a URL")).expect("a server")
}

/// One address of each kind that is no server's on the internet.
const PRIVATE: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:8.8.8.8",
    "::ffff:127.0.0.1",
    "64:ff9b::808:808",
    "64:ff9b::7f00:1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fdff::1",
    "fec0::1",
    "ff02::1",
];

/// Where a machine's own credentials are given out, by whatever way.
const METADATA: &[&str] = &[
    "169.254.169.254",
    "169.254.170.2",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fe80::1",
    "febf::1",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
    "::a9fe:a9fe",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001::5601:5601",
];

const PUBLIC: &[&str] = &[
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2606:4700::6810:1",
    "2607:6bc0::10",
    "2a00:1450:4001::200a",
];

#[test]
fn only_the_internet_is_reached_unless_more_is_listed() {
    for reach in [Reach::Admin, Reach::Member] {
        for address in PUBLIC {
            assert_eq!(
                reached(&policy(&[]), "https", ip(address), reach),
                Ok(()),
                "{address}"
            );
        }
        for address in PRIVATE {
            let refused = reached(&policy(&[]), "https", ip(address), reach);
            assert_eq!(refused, Err(Refused::Private), "{address}");
        }
    }
}

#[test]
fn metadata_addresses_are_reached_by_nobody_whatever_is_listed() {
    let everything = policy(&["loopback", "0.0.0.0/0", "::/0", "a.example:8000"]);
    for address in METADATA {
        for policy in [&everything, &policy(&[])] {
            for reach in [Reach::Admin, Reach::Member] {
                let refused = reached(policy, "https", ip(address), reach);
                assert_eq!(refused, Err(Refused::Never), "{address}");
            }
        }
    }
}

#[test]
fn what_is_listed_is_for_admins() {
    for address in PRIVATE.iter().copied().map(ip) {
        let listed = policy(&["0.0.0.0/0", "::/0"]);
        for scheme in ["http", "https"] {
            assert_eq!(
                reached(&listed, scheme, address, Reach::Admin),
                Ok(()),
                "{address}"
            );
            assert!(
                reached(&listed, scheme, address, Reach::Member).is_err(),
                "{address}"
            );
        }
    }
}

#[test]
fn loopback_is_this_machine_and_no_more() {
    let loopback = policy(&["loopback"]);
    for address in ["127.0.0.1", "127.1.2.3", "::1"] {
        assert_eq!(reached(&loopback, "https", ip(address), Reach::Admin), Ok(()));
    }
    for address in [
        "10.0.0.1",
        "0.0.0.0",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "192.168.0.1",
    ] {
        let refused = reached(&loopback, "https", ip(address), Reach::Admin);
        assert_eq!(refused, Err(Refused::Private), "{address}");
    }
    for good in [
        "http://127.0.0.1:1",
        "http://localhost:1",
        "http://LOCALHOST./",
        "http://a.localhost",
        "http://[::1]",
    ] {
        assert!(loopback.base_url(good, Reach::Admin).is_ok(), "{good}");
    }
    assert_eq!(
        loopback.base_url("http://box.internal", Reach::Admin),
        Err(InvalidUrl::Refused(Refused::Private))
    );
}

#[test]
fn a_network_opens_itself_and_no_neighbour() {
    let listed = policy(&["10.1.0.0/16", "fd12::/32"]);
    for (address, is_open) in [
        ("10.1.2.3", true),
        ("10.2.0.1", false),
        ("fd12::5", true),
        ("fd13::5", false),
        ("127.0.0.1", false),
        // Translated addresses are not the network's.
        ("::ffff:10.1.2.3", false),
        ("64:ff9b::a01:203", false),
        ("2002:a01:203::1", false),
    ] {
        let outcome = reached(&listed, "https", ip(address), Reach::Admin);
        assert_eq!(outcome.is_ok(), is_open, "{address}");
    }
}

#[test]
fn a_translating_network_opens_no_more_than_what_it_leads_to() {
    let nat64 = policy(&["64:ff9b::/96"]);
    let both = policy(&["64:ff9b::/96", "10.0.0.0/8"]);
    let (public, private) = (ip("64:ff9b::808:808"), ip("64:ff9b::a00:1"));
    assert_eq!(reached(&nat64, "https", public, Reach::Admin), Ok(()));
    assert_eq!(
        reached(&nat64, "https", private, Reach::Admin),
        Err(Refused::Private)
    );
    assert_eq!(reached(&both, "https", private, Reach::Admin), Ok(()));
}

#[test]
fn a_server_is_one_port_of_one_host() {
    let listed = policy(&["vllm:8000", "10.0.0.5:9000", "[fd00::5]:9000"]);
    let judged = |url: &str, address: &str| {
        let server = server(url);
        listed.judge(&server, Reach::Admin)?;
        listed.judge_address(&server, ip(address), Reach::Admin)
    };
    assert_eq!(judged("http://vllm:8000", "10.9.9.9"), Ok(()));
    assert_eq!(judged("http://VLLM.:8000/v1", "8.8.8.8"), Ok(()));
    assert_eq!(judged("http://vllm:8001", "8.8.8.8"), Err(Refused::Plain));
    assert_eq!(judged("https://vllm:8001", "10.9.9.9"), Err(Refused::Private));
    assert_eq!(judged("http://vllm:8000", "169.254.169.254"), Err(Refused::Never));
    assert_eq!(judged("http://10.0.0.5:9000", "10.0.0.5"), Ok(()));
    assert_eq!(judged("https://other:9000", "10.0.0.5"), Ok(()));
    assert_eq!(judged("https://other:9001", "10.0.0.5"), Err(Refused::Private));
    assert_eq!(judged("http://[fd00::5]:9000", "fd00::5"), Ok(()));
}

#[test]
fn plain_http_is_for_what_is_listed() {
    let plain = Err(InvalidUrl::Refused(Refused::Plain));
    for reach in [Reach::Admin, Reach::Member] {
        assert_eq!(policy(&[]).base_url("http://api.example.com", reach), plain);
        assert_eq!(policy(&[]).base_url("http://1.1.1.1", reach), plain);
        assert!(policy(&[]).base_url("https://api.example.com", reach).is_ok());
        let refused = reached(&policy(&["loopback", "10.0.0.0/8"]), "http", ip("1.1.1.1"), reach);
        assert_eq!(refused, Err(Refused::Plain));
    }
    let listed = policy(&["api.example.com:80"]);
    assert!(listed.base_url("http://api.example.com", Reach::Admin).is_ok());
    assert_eq!(listed.base_url("http://api.example.com", Reach::Member), plain);
    // Where it leads decides.
    let network = policy(&["10.0.0.0/8"]);
    assert!(network.base_url("http://vllm:8000", Reach::Admin).is_ok());
    assert_eq!(reached(&network, "http", ip("10.0.0.1"), Reach::Admin), Ok(()));
}

#[test]
fn behind_a_proxy_a_name_is_judged_by_itself() {
    let listed = policy(&["loopback", "10.0.0.0/8", "vllm:8000"]);
    let judged = |url: &str, reach| listed.judge_behind_proxy(&server(url), reach);
    for reach in [Reach::Admin, Reach::Member] {
        assert_eq!(judged("https://api.example.com", reach), Ok(()));
        assert_eq!(judged("http://api.example.com", reach), Err(Refused::Plain));
        assert_eq!(
            judged("https://metadata.google.internal", reach),
            Err(Refused::Never)
        );
        assert_eq!(judged("https://169.254.169.254", reach), Err(Refused::Never));
        assert_eq!(judged("https://192.168.0.1", reach), Err(Refused::Private));
    }
    for url in ["http://vllm:8000", "http://10.0.0.1", "http://127.0.0.1:1"] {
        assert_eq!(judged(url, Reach::Admin), Ok(()), "{url}");
        assert!(judged(url, Reach::Member).is_err(), "{url}");
    }
}

#[test]
fn an_account_reaches_as_far_as_its_owner_may() {
    let shared = UpstreamAccount::new(ProviderKind::Anthropic, "https://a", Timestamp::default());
    let owned = UpstreamAccount {
        owner_id: Some(UserId::random()),
        ..shared.clone()
    };
    assert_eq!(
        (Reach::of(&shared), Reach::of(&owned)),
        (Reach::Admin, Reach::Member)
    );
}

proptest! {
    #[test]
    fn members_reach_nothing_that_stands_for_an_ipv4_address(v4 in any::<u32>(), rest in any::<u64>()) {
        let low = u128::from(v4);
        for v6 in [
            low,
            0xffff_0000_0000 | low,
            (0x0064_ff9b << 96) | low,
            (0x0064_ff9b_0001 << 80) | low,
            (0x2002 << 112) | (low << 80) | u128::from(rest),
            (0x2001 << 112) | (u128::from(rest) << 32) | low,
        ] {
            let address = IpAddr::V6(Ipv6Addr::from_bits(v6));
            assert!(reached(&policy(&[]), "https", address, Reach::Member).is_err(), "{address}");
        }
    }

    #[test]
    fn a_list_opens_addresses_for_admins_only(v4 in any::<u32>(), v6 in any::<u128>()) {
        for address in [IpAddr::V4(Ipv4Addr::from_bits(v4)), IpAddr::V6(Ipv6Addr::from_bits(v6))] {
            let everything = policy(&["loopback", "0.0.0.0/0", "::/0"]);
            let without = reached(&policy(&[]), "https", address, Reach::Member);
            assert_eq!(reached(&everything, "https", address, Reach::Member), without);
            assert_eq!(reached(&policy(&[]), "https", address, Reach::Admin), without);
            let listed = reached(&everything, "https", address, Reach::Admin);
            assert_eq!(listed.is_err(), without == Err(Refused::Never), "{address}");
        }
    }
}
