use std::net::{IpAddr, SocketAddr};

use actix_web::dev::Payload;
use actix_web::http::header::{HOST, HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use gateway_providers::is_forwarding;
use ipnet::IpNet;

use crate::connections::Encrypted;
use crate::error::Problem;

/// Where a request comes from: the socket's peer, or what a trusted proxy says that its own peer was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

impl FromRequest for ClientAddress {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self(of(request))))
    }
}

/// The client's address; the unspecified one when the socket has none.
pub(crate) fn of(request: &HttpRequest) -> IpAddr {
    let trusted = &crate::app::of(request).settings.trusted_proxies;
    let peer = request
        .peer_addr()
        .map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip());
    forwarded(peer.to_canonical(), request.headers(), trusted)
}

/// Whether a request comes from the gateway's own machine, as far as can be told.
///
/// Not if it came through a proxy that is known or says so, nor if it is for another name than this machine's own: pages
/// of the web reach it with names that they let point here.
pub(crate) fn is_this_machine(request: &HttpRequest) -> bool {
    let trusted = &crate::app::of(request).settings.trusted_proxies;
    // Where the target names a server, that one counts.
    request.uri().host().is_none_or(is_loopback)
        && request
            .peer_addr()
            .is_some_and(|peer| is_direct(peer.ip().to_canonical(), request.headers(), trusted))
}

fn is_direct(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let names_this_machine = match headers.get(HOST) {
        Some(host) => host.to_str().is_ok_and(is_loopback),
        None => true,
    };
    peer.is_loopback()
        && !is_trusted(peer, trusted)
        && !headers.keys().any(|name| is_forwarding(name.as_str()))
        && names_this_machine
}

/// Whether a `Host` is `localhost` or an address of the loopback interface.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether the client came by TLS: up to here, or up to a trusted proxy that says so.
pub(crate) fn came_by_tls(request: &HttpRequest) -> bool {
    if request.conn_data::<Encrypted>().is_some() {
        return true;
    }
    let trusted = &crate::app::of(request).settings.trusted_proxies;
    request
        .peer_addr()
        .is_some_and(|peer| is_trusted(peer.ip().to_canonical(), trusted))
        && request
            .headers()
            .get("x-forwarded-proto")
            .is_some_and(|proto| proto == "https")
}

pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|block| block.contains(&address))
}

/// Walks `X-Forwarded-For` from its end, as long as the address that wrote the entry is trusted.
pub(crate) fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    // By bytes: proxies add to what the client sent, whatever that is.
    let lines: Vec<&[u8]> = headers
        .get_all("x-forwarded-for")
        .map(HeaderValue::as_bytes)
        .collect();
    let entries = lines
        .iter()
        .rev()
        .flat_map(|line| line.rsplit(|byte| *byte == b','));
    for entry in entries {
        if !is_trusted(client, trusted) {
            break;
        }
        match entry_of(entry.trim_ascii()) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

/// An address as proxies write it: some with a port, and then that of IPv6 in brackets.
fn entry_of(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?;
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']'));
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.unwrap_or(entry).parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{forwarded, is_direct};

    fn check(peer: &str, lines: &[&str], expected: &str) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in lines {
            let name = HeaderName::from_static("x-forwarded-for");
            headers.append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let address = forwarded(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(address, expected.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("10.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["1.2.3.4, 198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["198.51.100.7, 10.0.0.2"], "198.51.100.7");
        check("10.0.0.1", &["1.2.3.4", "198.51.100.7"], "198.51.100.7");
        check("::1", &["2001:db8::1"], "2001:db8::1");
        check("10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["nonsense"], "10.0.0.1");
        check("10.0.0.1", &["\u{e9}, 198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7");
        check("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1");
        check("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1");
        check("10.0.0.1", &["6.6.6.6", "\u{e9}"], "10.0.0.1");
        check("10.0.0.1", &[], "10.0.0.1");
    }
    fn check_direct(peer: &str, header: Option<(&'static str, &str)>, expected: bool) {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            let name = HeaderName::from_static(name);
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let trusted = ["127.9.0.0/16".parse().unwrap()];
        let is_direct = is_direct(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(is_direct, expected, "{peer} {header:?}");
    }

    #[test]
    fn a_request_through_a_proxy_is_not_of_this_machine() {
        check_direct("127.0.0.1", None, true);
        check_direct("::1", None, true);
        check_direct("192.0.2.1", None, false);
        check_direct("127.9.0.1", None, false);
        for name in [
            "forwarded",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-real-ip",
            "x-client-ip",
            "true-client-ip",
            "fly-client-ip",
            "cf-connecting-ip",
        ] {
            check_direct("127.0.0.1", Some((name, "127.0.0.1")), false);
        }
    }

    #[test]
    fn a_request_for_another_name_is_not_of_this_machine() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1",
            "127.0.0.2:80",
            "[::1]",
            "[::1]:8080",
        ] {
            check_direct("127.0.0.1", Some(("host", host)), true);
        }
        for host in [
            "gateway",
            "evil.example:8080",
            "localhost.evil.example",
            "192.0.2.1",
            "0.0.0.0",
            "",
        ] {
            check_direct("127.0.0.1", Some(("host", host)), false);
        }
    }
}
