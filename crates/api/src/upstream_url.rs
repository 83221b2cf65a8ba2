use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Who may be sent to: an admin's accounts may be on the operator's own network, a member's may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Any server but those that give out the machine's own credentials.
    Anywhere,
    /// Servers on the internet, as far as the text tells; names are looked up only when they are connected to.
    Internet,
}

/// Reads where an account's requests go: http or https, a host, perhaps a port and a path.
///
/// # Errors
///
/// A sentence for the person who wrote it.
pub(crate) fn base_url(text: &str, reach: Reach) -> Result<Url, &'static str> {
    let url = parse(text, &["http", "https"], reach)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("no query and no fragment are allowed here");
    }
    Ok(url)
}

/// Reads the address of a proxy.
///
/// # Errors
///
/// A sentence for the person who wrote it.
pub(crate) fn proxy_url(text: &str, reach: Reach) -> Result<Url, &'static str> {
    let url = parse(text, &["http", "socks5", "socks5h"], reach)?;
    let is_bare = url.query().is_none() && url.fragment().is_none() && matches!(url.path(), "" | "/");
    if is_bare {
        Ok(url)
    } else {
        Err("expected nothing but scheme, host and port")
    }
}

/// Reads the address of the operator's webhook: http or https, a host, and whatever may follow but a fragment.
///
/// # Errors
///
/// A sentence for the operator. An address that gives out the machine's own credentials is none.
pub fn webhook_url(text: &str) -> Result<Url, &'static str> {
    let url = parse(text, &["http", "https"], Reach::Anywhere)?;
    if url.fragment().is_some() {
        return Err("no fragment is allowed here");
    }
    Ok(url)
}

/// Whether requests to both reach the same server: what a credential was given for.
pub(crate) fn is_same_server(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn parse(text: &str, schemes: &[&str], reach: Reach) -> Result<Url, &'static str> {
    if text.len() > 2000 {
        return Err("expected at most 2000 characters");
    }
    let url = Url::parse(text).map_err(|_| "expected an absolute URL")?;
    if !schemes.contains(&url.scheme()) {
        return Err("this scheme is not allowed here");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("no user name and no password are allowed here");
    }
    // Schemes that the URL standard does not know keep the host as it was written.
    let host = match url.host() {
        Some(Host::Domain(name)) => Host::parse(name).map_err(|_| "expected a host")?,
        Some(Host::Ipv4(address)) => Host::Ipv4(address),
        Some(Host::Ipv6(address)) => Host::Ipv6(address),
        None => return Err("expected a host"),
    };
    let is_refused = match &host {
        Host::Domain(name) => is_refused_name(name, reach),
        Host::Ipv4(address) => is_refused(IpAddr::V4(*address), reach),
        Host::Ipv6(address) => is_refused(IpAddr::V6(*address), reach),
    };
    if is_refused {
        Err("this address is not allowed")
    } else {
        Ok(url)
    }
}

fn is_refused_name(name: &str, reach: Reach) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_metadata = matches!(
        name.as_str(),
        "metadata" | "metadata.google.internal" | "metadata.goog"
    );
    let is_local = name == "localhost"
        || [".localhost", ".local", ".internal", ".home.arpa"]
            .iter()
            .any(|end| name.ends_with(end));
    is_metadata || (reach == Reach::Internet && is_local)
}

fn is_refused(address: IpAddr, reach: Reach) -> bool {
    let address = embedded_v4(address.to_canonical());
    is_metadata(address) || (reach == Reach::Internet && is_inside(address))
}

/// The IPv4 address that a translating IPv6 address leads to (NAT64, 6to4, IPv4-compatible).
fn embedded_v4(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b, c, d, e, f) {
        (0x64, 0xff9b, 0, 0, 0, 0) => v4(g, h),
        (0, 0, 0, 0, 0, 0) if v6 != Ipv6Addr::LOCALHOST && v6 != Ipv6Addr::UNSPECIFIED => v4(g, h),
        (0x2002, ..) => v4(b, c),
        _ => address,
    }
}

/// Whether a cloud gives out a machine's credentials there.
fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || matches!(
                    v4.octets(),
                    [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16]
                )
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || v6 == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
        }
    }
}

/// Whether it is no address of a server on the internet.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_multicast()
                || (v6.segments()[0] == 0x2001 && v6.segments()[1] == 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, base_url, is_same_server, proxy_url, webhook_url};

    #[test]
    fn what_nobody_may_send_to() {
        for bad in [
            "",
            "api.anthropic.com",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://user@example.com",
            "https://user:pass@example.com",
            "https://example.com/?a=b",
            "https://example.com/#top",
            "http://169.254.169.254/latest",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "http://metadata.google.internal./",
            "http://METADATA/",
            "http://100.100.100.200/",
            "http://[64:ff9b::a9fe:a9fe]/",
        ] {
            assert!(base_url(bad, Reach::Anywhere).is_err(), "{bad}");
        }
    }

    #[test]
    fn members_send_to_the_internet_only() {
        for inside in [
            "http://127.0.0.1:9000",
            "http://localhost:11434",
            "https://10.0.0.1",
            "https://[::1]/",
            "https://[fc00::1]/",
            "https://100.64.0.1",
            "https://0.0.0.0",
            "https://box.local",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
        ] {
            assert!(base_url(inside, Reach::Internet).is_err(), "{inside}");
            assert!(base_url(inside, Reach::Anywhere).is_ok(), "{inside}");
        }
        assert!(base_url("https://api.deepseek.com/anthropic", Reach::Internet).is_ok());
    }

    #[test]
    fn proxies_are_a_scheme_a_host_and_a_port() {
        assert!(proxy_url("socks5://10.0.0.1:1080", Reach::Anywhere).is_ok());
        assert!(proxy_url("http://proxy:3128", Reach::Internet).is_ok());
        for bad in [
            "https+x://a",
            "socks5://u:p@a",
            "http://a/path",
            "http://a?x",
            "socks5://169.254.169.254:1",
        ] {
            assert!(proxy_url(bad, Reach::Anywhere).is_err(), "{bad}");
        }
    }

    #[test]
    fn webhooks_may_have_a_query_and_be_on_the_operators_network() {
        for good in [
            "https://hooks.example.com/a/b?c=d",
            "http://127.0.0.1:9000/",
            "http://alerts.internal",
        ] {
            assert!(webhook_url(good).is_ok(), "{good}");
        }
        for bad in [
            "hooks.example.com",
            "ftp://hooks.example.com",
            "https://user:pass@hooks.example.com",
            "https://hooks.example.com/#top",
            "http://169.254.169.254/latest",
        ] {
            assert!(webhook_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_server_is_scheme_host_and_port() {
        let is_same = |one: &str, other: &str| is_same_server(&one.parse().unwrap(), &other.parse().unwrap());
        assert!(is_same("https://a/x", "https://A:443/y"));
        assert!(!is_same("https://a", "http://a"));
        assert!(!is_same("https://a", "https://b"));
        assert!(!is_same("https://a", "https://a:8443"));
    }
}
