use gateway_providers::{Destination, Exception, InvalidException, PROVIDERS, Reach, is_same_server};
use proptest::prelude::{any, proptest};

use crate::reach::policy;

#[test]
fn a_base_url_is_an_address_of_a_server_and_nothing_else() {
    let listed = policy(&["loopback", "0.0.0.0/0", "::/0"]);
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
        "http://instance-data.ec2.internal",
        "http://100.100.100.200/",
        "http://[64:ff9b::a9fe:a9fe]/",
        &format!("https://example.com/{}", "a".repeat(2_000)),
    ] {
        assert!(listed.base_url(bad, Reach::Admin).is_err(), "{bad}");
    }
    for good in [
        "https://api.deepseek.com/anthropic",
        "https://[2606:4700::1]:8443/v1",
    ] {
        assert!(listed.base_url(good, Reach::Member).is_ok(), "{good}");
    }
    for provider in PROVIDERS {
        assert!(
            policy(&[])
                .base_url(provider.default_base_url(), Reach::Member)
                .is_ok()
        );
    }
}

#[test]
fn members_write_down_servers_on_the_internet() {
    let listed = policy(&["loopback", "0.0.0.0/0", "::/0", "box.local:443"]);
    for inside in [
        "http://127.0.0.1:9000",
        "http://localhost:11434",
        "https://localhost",
        "https://0x7f.1",
        "https://10.0.0.1",
        "https://[::1]/",
        "https://[fc00::1]/",
        "https://100.64.0.1",
        "https://0.0.0.0",
        "https://box.local",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
    ] {
        assert!(listed.base_url(inside, Reach::Member).is_err(), "{inside}");
        assert!(listed.base_url(inside, Reach::Admin).is_ok(), "{inside}");
    }
}

#[test]
fn proxies_are_a_scheme_a_host_and_a_port() {
    let listed = policy(&["10.0.0.0/8"]);
    for good in [
        "socks5://10.0.0.1:1080",
        "socks5h://10.0.0.1",
        "http://10.0.0.1:3128",
    ] {
        assert!(listed.proxy_url(good, Reach::Admin).is_ok(), "{good}");
        assert!(listed.proxy_url(good, Reach::Member).is_err(), "{good}");
    }
    // What goes through them may well be TLS, whatever their own scheme.
    assert!(policy(&[]).proxy_url("http://proxy:3128", Reach::Member).is_ok());
    assert!(
        policy(&[])
            .proxy_url("socks5://proxy.example.com", Reach::Member)
            .is_ok()
    );
    for bad in [
        "https://a",
        "https+x://a",
        "socks4://a",
        "socks5://u:p@a",
        "http://user@a",
        "http://a/path",
        "http://a?x",
        "socks5://",
        "socks5://169.254.169.254:1",
        "socks5://127.0.0.1",
        "socks5://0x7f000001",
        "socks5://LOCALHOST:1",
    ] {
        assert!(listed.proxy_url(bad, Reach::Admin).is_err(), "{bad}");
    }
}

#[test]
fn a_webhook_may_have_a_query_and_is_where_admins_may_send_to() {
    let listed = policy(&["loopback", "alerts.internal:80"]);
    for good in [
        "https://hooks.example.com/a/b?c=d|e",
        "http://127.0.0.1:9000/",
        "http://alerts.internal",
    ] {
        assert!(listed.webhook_url(good).is_ok(), "{good}");
    }
    for bad in [
        "hooks.example.com",
        "ftp://hooks.example.com",
        "http://hooks.example.com",
        "https://user:pass@hooks.example.com",
        "https://hooks.example.com/#top",
        "http://169.254.169.254/latest",
        "https://10.0.0.1",
    ] {
        assert!(listed.webhook_url(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_exception_is_loopback_a_server_or_a_network() {
    for good in [
        "loopback",
        "vllm:8000",
        "vllm.:8000",
        "VLLM.example.com:443",
        "10.0.0.5:8000",
        "[fd00::5]:8000",
        "10.0.0.0/8",
        "fd00::/8",
        "0.0.0.0/0",
    ] {
        assert!(good.parse::<Exception>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "Loopback",
        "vllm",
        "10.0.0.5",
        "10.0.0.0/33",
        "vllm:",
        ":80",
        "vllm:http",
        "vllm:65536",
        "a b:80",
        "http://vllm:80",
    ] {
        assert_eq!(bad.parse::<Exception>(), Err(InvalidException::Unknown), "{bad}");
    }
    for metadata in [
        "169.254.169.254:80",
        "169.254.0.0/16",
        "169.254.169.254/32",
        "0xa9fea9fe:80",
        "100.100.100.200/32",
        "[fd00:ec2::254]:80",
        "fd00:ec2::/32",
        "fe80::/64",
        "metadata.google.internal:80",
        "Metadata.google.internal.:80",
    ] {
        assert_eq!(
            metadata.parse::<Exception>(),
            Err(InvalidException::Forbidden),
            "{metadata}"
        );
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

#[test]
fn requests_and_addresses_name_the_same_server() {
    for address in [
        "https://A.example",
        "http://a.example/x?y",
        "http://[::1]:81",
        "https://127.1:444",
        "http://0x7f000001",
    ] {
        let url = Destination::of_url(&address.parse().unwrap());
        assert!(
            url.is_some() && url == Destination::of_request(&address.parse().unwrap()),
            "{address}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), host in "[a-z0-9.:\\[\\]%@/x-]{0,24}", port in any::<u16>()) {
        let listed = policy(&["loopback"]);
        for text in [text, format!("http://{host}:{port}/"), format!("socks5://{host}:{port}"), format!("{host}:{port}")] {
            for reach in [Reach::Admin, Reach::Member] {
                if let Ok(url) = listed.base_url(&text, reach) {
                    let again = listed.base_url(url.as_str(), reach);
                    assert_eq!(again.as_ref(), Ok(&url), "{text}");
                    assert_eq!(Destination::of_request(&url.as_str().parse().unwrap()), Destination::of_url(&url));
                }
                let _ = listed.proxy_url(&text, reach);
            }
            let _ = text.parse::<Exception>();
        }
    }
}
