//! What is thrown at every reader of what clients, providers and people write: whatever the bytes, nothing may panic,
//! pass on what is not for others, or lead to a server that was not judged.
//!
//! The same functions are run by the crate's own tests on the corpus, and by `cargo xtask fuzz` for as long as one
//! likes.

use std::net::IpAddr;
use std::str;
use std::time::Duration;

use gateway_domain::{Credential, Dialect, OrganizationPart, Timestamp};
use gateway_providers::{
    AddressPolicy, Call, Destination, Exception, Operation, PROVIDERS, Reach, Refused, Target,
    is_same_server, response_headers,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::Host;

const SECRET: &str = "sk-the-secret-of-the-account";
const DAY: Duration = Duration::from_secs(86_400);

/// Reads `data` as a provider's answer: a status of two bytes, lines of headers, an empty line and a body.
pub fn answer(data: &[u8]) {
    let Some((status, rest)) = data.split_first_chunk() else {
        return;
    };
    let status = StatusCode::from_u16(u16::from_be_bytes(*status));
    let (headers, body) = message(rest);
    for name in response_headers(&headers).keys() {
        assert!(!is_private(name.as_str()), "{name}");
    }
    let now = Timestamp::from_seconds(1_780_000_000);
    for provider in PROVIDERS {
        let limits = provider.rate_limits(&headers, now);
        let limits = [
            limits.requests,
            limits.input_tokens,
            limits.output_tokens,
            limits.tokens,
        ];
        for resets_at in limits.into_iter().flatten().filter_map(|limit| limit.resets_at) {
            assert!(resets_at.since(now) <= 8 * DAY && now.since(resets_at) <= 8 * DAY);
        }
        let event = provider.classify_event(body);
        let answer = status.as_ref().ok().map(|status| {
            for dialect in provider.dialects() {
                let instead = provider.dialect_instead(*dialect, *status, body);
                assert!(instead.is_none_or(|other| other != *dialect));
            }
            provider.classify(*status, &headers, body)
        });
        for fault in answer.into_iter().chain([event]) {
            assert!(fault.reason.len() < 1_000, "{}", fault.reason);
            assert!(!fault.reason.contains(char::is_control), "{:?}", fault.reason);
            let wait = fault.retry_after.unwrap_or(DAY);
            assert!((Duration::from_secs(1)..=7 * DAY).contains(&wait), "{wait:?}");
        }
    }
}

/// Reads `data` as what a client sends: a query and a model in the first two lines, then headers.
pub fn request(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let (Some(query), Some(model), Some(rest)) = (lines.next(), lines.next(), lines.next()) else {
        return;
    };
    let (Ok(query), Ok(model)) = (str::from_utf8(query), str::from_utf8(model)) else {
        return;
    };
    let (headers, _) = message(rest);
    for provider in PROVIDERS {
        let target = target(provider.default_base_url());
        for (operation, dialect) in [Operation::CreateMessage, Operation::CountTokens]
            .into_iter()
            .flat_map(|operation| Dialect::ALL.iter().map(move |dialect| (operation, *dialect)))
        {
            let call = Call {
                operation,
                dialect,
                version: None,
                query: (!query.is_empty()).then_some(query),
                headers: &headers,
                model,
                stream: query.len() % 2 == 0,
            };
            let Ok(request) = provider.request(&target, &call) else {
                continue;
            };
            assert_eq!(
                Destination::of_request(request.uri()),
                Destination::of_url(target.base_url())
            );
            let mut secrets = 0;
            for (name, value) in request.headers() {
                if value.as_bytes().ends_with(SECRET.as_bytes()) && value.is_sensitive() {
                    secrets += 1;
                } else {
                    assert!(
                        !is_private(name.as_str()) && !is_credential(name.as_str()),
                        "{name}"
                    );
                }
            }
            assert_eq!(secrets, 1, "the account's credential goes with it, once");
        }
    }
}

/// Reads `data` as a page of an organisation's reports.
pub fn report(data: &[u8]) {
    for reports in PROVIDERS
        .iter()
        .filter_map(|provider| provider.organization_reports())
    {
        drop(reports.read_usage(data));
        drop(reports.read_costs(data, &OrganizationPart::default()));
    }
}

/// Reads `data` as the address of a provider, a proxy or a webhook: where requests would go was judged.
pub fn address(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let strict = AddressPolicy::default();
    for reach in [Reach::Admin, Reach::Member] {
        if let Ok(url) = strict.base_url(text, reach) {
            assert_eq!(url.scheme(), "https");
            assert!(url.username().is_empty() && url.password().is_none());
            assert!(is_same_server(&url, &url));
            let server = Destination::of_url(&url).expect("it has a host");
            assert_public(server.host());
            // What is judged is what is connected to, although two libraries read it.
            if let Ok(target) = Target::parse(text, Credential::ApiKey(SECRET.into())) {
                let uri = target.uri(&["/v1"], "/v1/messages", None).expect("a plain path");
                assert_eq!(Destination::of_request(&uri), Some(server));
            }
        }
        if let Ok(url) = strict.proxy_url(text, reach) {
            assert_public(Destination::of_proxy(&url).expect("it has a host").host());
        }
    }
    if let Ok(url) = strict.webhook_url(text) {
        assert_public(Destination::of_url(&url).expect("it has a host").host());
    }
}

/// Reads `data` as what operators list besides the internet, and asks for addresses that nobody may list.
pub fn exception(data: &[u8]) {
    let lines = data
        .split(|byte| *byte == b'\n')
        .filter_map(|line| str::from_utf8(line).ok());
    let listed: Vec<Exception> = lines.filter_map(|line| line.parse().ok()).collect();
    let policy = AddressPolicy::new(listed);
    for never in [
        "169.254.169.254",
        "169.254.0.1",
        "100.100.100.200",
        "fd00:ec2::254",
        "fe80::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
    ] {
        let address: IpAddr = never.parse().expect("an address");
        for host in [Host::Domain("example.com".to_owned()), address.into_host()] {
            let url = format!("https://{host}/");
            let Some(server) = url.parse().ok().and_then(|url| Destination::of_url(&url)) else {
                continue;
            };
            for reach in [Reach::Admin, Reach::Member] {
                assert!(policy.judge_address(&server, address, reach).is_err(), "{never}");
            }
        }
    }
    let server = Destination::of_url(&"https://example.com".parse().expect("a URL")).expect("it has a host");
    let private: IpAddr = [10, 0, 0, 1].into();
    assert_eq!(
        policy.judge_address(&server, private, Reach::Member),
        Err(Refused::Private)
    );
}

trait IntoHost {
    fn into_host(self) -> Host;
}

impl IntoHost for IpAddr {
    fn into_host(self) -> Host {
        match self {
            Self::V4(address) => Host::Ipv4(address),
            Self::V6(address) => Host::Ipv6(address),
        }
    }
}

#[track_caller]
fn assert_public(host: &Host) {
    let address: IpAddr = match host {
        Host::Domain(name) => {
            let last = name.trim_end_matches('.').rsplit('.').next();
            assert_ne!(last, Some("localhost"), "{name}");
            assert!(name.parse::<IpAddr>().is_err(), "{name}");
            return;
        }
        Host::Ipv4(address) => (*address).into(),
        Host::Ipv6(address) => (*address).into(),
    };
    let is_private = match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_broadcast()
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unique_local()
                || address.is_unicast_link_local()
        }
    };
    assert!(!is_private, "{address}");
}

/// What no header may be that crosses the gateway, in either direction.
fn is_private(name: &str) -> bool {
    matches!(
        name,
        "cookie"
            | "set-cookie"
            | "connection"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "host"
            | "forwarded"
            | "via"
            | "anthropic-organization-id"
    ) || name.starts_with("proxy-")
        || name.starts_with("x-forwarded-")
}

fn is_credential(name: &str) -> bool {
    matches!(name, "authorization" | "x-api-key" | "x-goog-api-key" | "api-key")
}

fn target(base_url: &str) -> Target {
    Target::parse(base_url, Credential::ApiKey(SECRET.into())).expect("a provider's own address")
}

/// Lines of headers up to an empty one, and what follows. Lines that are no headers are left out.
fn message(data: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = data;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        let name = HeaderName::from_bytes(name.trim_ascii());
        let value = HeaderValue::from_bytes(value.trim_ascii());
        // A server reads no more than about a hundred.
        if let (Ok(name), Ok(value), true) = (name, value, headers.len() < 96) {
            headers.append(name, value);
        }
    }
    (headers, rest)
}
