use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use gateway_domain::{Credential, UpstreamAccount};
use gateway_proxy::{Network, ProxySettings};
use gateway_simulator::Simulator;

use crate::network::{Names, Trap, network, network_trusting, port_of};
use crate::rig::{Rig, account_at, message, text};
use crate::tls;

/// How a proxy is asked.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Http,
    Socks,
}

const KINDS: [Kind; 2] = [Kind::Http, Kind::Socks];

/// A proxy that connects everybody to `port` of this machine, whatever is asked for; says what is.
struct Proxy {
    url: String,
    asked: Receiver<String>,
}

impl Proxy {
    fn start(kind: Kind, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = match kind {
            Kind::Http => "http",
            Kind::Socks => "socks5h",
        };
        let (tell, asked) = channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let target = match kind {
                    Kind::Http => accept_connect(&mut client),
                    Kind::Socks => accept_socks(&mut client),
                };
                tell.send(target.unwrap()).unwrap();
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
                join(&client, &server);
            }
        });
        Self {
            url: format!("{scheme}://{address}"),
            asked,
        }
    }

    /// What the next client asked for.
    fn asked(&self) -> String {
        self.asked.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    fn assert_unasked(&self) {
        assert!(self.asked.try_recv().is_err());
    }
}

fn accept_connect(client: &mut TcpStream) -> io::Result<String> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head)?;
    }
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split_once(' '));
    Ok(target.map_or(head.clone(), |(target, _)| target.to_owned()))
}

fn accept_socks(client: &mut TcpStream) -> io::Result<String> {
    let [version, methods] = take(client)?;
    assert_eq!(version, 5);
    let mut offered = vec![0; methods.into()];
    client.read_exact(&mut offered)?;
    assert!(offered.contains(&0), "no password is offered");
    client.write_all(&[5, 0])?;
    let [version, command, reserved, kind, length] = take(client)?;
    assert_eq!(
        [version, command, reserved, kind],
        [5, 1, 0, 3],
        "a name is asked for"
    );
    let mut host = vec![0; length.into()];
    client.read_exact(&mut host)?;
    let port = u16::from_be_bytes(take(client)?);
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    Ok(format!("{}:{port}", String::from_utf8_lossy(&host)))
}

fn take<const COUNT: usize>(client: &mut TcpStream) -> io::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    client.read_exact(&mut bytes).map(|()| bytes)
}

fn join(client: &TcpStream, server: &TcpStream) {
    for (from, to) in [(client, server), (server, client)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            // Either side may end it as it likes.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}

fn through(proxy_url: &str, base_url: &str) -> (UpstreamAccount, Credential) {
    let (account, credential) = account_at(base_url, "sk-ant-a");
    let proxy_url = Some(proxy_url.to_owned());
    (UpstreamAccount { proxy_url, ..account }, credential)
}

async fn rig(network: Network, account: (UpstreamAccount, Credential)) -> Rig {
    Rig::over(network, vec![account], ProxySettings::default()).await
}

#[tokio::test]
async fn a_request_goes_through_a_proxy_that_looks_the_name_up() {
    for kind in KINDS {
        let simulator = Simulator::start().await;
        let proxy = Proxy::start(kind, port_of(&simulator));
        let names = Arc::<Names>::default();
        let network = network(&["loopback", "provider.test:8000"]).with_resolver(Arc::<Names>::clone(&names));
        let rig = rig(network, through(&proxy.url, "http://provider.test:8000")).await;

        for stream in [false, true] {
            let answer = rig.call(&message(stream)).await;
            assert_eq!(answer.status, 200, "{kind:?}");
            assert!(!text(answer).await.is_empty());
        }

        assert_eq!(proxy.asked(), "provider.test:8000", "{kind:?}");
        // The connection is kept for the second request.
        proxy.assert_unasked();
        assert_eq!(simulator.received().len(), 2);
        assert!(names.asked().is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn tls_is_spoken_with_the_provider_and_not_with_the_proxy() {
    for kind in KINDS {
        let (port, serving) = tls::server(tls::GOOD);
        let proxy = Proxy::start(kind, port);
        let network = network_trusting(&["loopback"], &[tls::AUTHORITY.to_vec()]);
        let rig = rig(network, through(&proxy.url, "https://provider.test")).await;

        let health = rig.engine.probe(rig.account_id(0)).await.unwrap();

        assert_eq!(health.http_status, Some(200), "{kind:?} {health:?}");
        assert_eq!(proxy.asked(), "provider.test:443");
        assert!(serving.join().unwrap().contains("\r\nhost: provider.test\r\n"));
    }
}

#[tokio::test]
async fn plain_http_without_a_port_is_port_80_behind_a_proxy_too() {
    for kind in KINDS {
        let simulator = Simulator::start().await;
        let proxy = Proxy::start(kind, port_of(&simulator));
        let network = network(&["loopback", "provider.test:80"]);
        let rig = rig(network, through(&proxy.url, "http://provider.test")).await;
        assert_eq!(rig.call(&message(false)).await.status, 200);
        assert_eq!(proxy.asked(), "provider.test:80", "{kind:?}");
    }
}

#[tokio::test]
async fn a_proxy_is_judged_as_a_server_is() {
    let trap = Trap::set();
    let names = Names::of("proxy.test", &[&["8.8.8.8", "127.0.0.1"]]);
    for host in ["proxy.test", "127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        for scheme in ["http", "socks5", "socks5h"] {
            let network = network(&[]).with_resolver(Arc::<Names>::clone(&names));
            let proxy_url = format!("{scheme}://{host}:{}", trap.port());
            let rig = rig(network, through(&proxy_url, "https://provider.test")).await;
            let health = rig.engine.probe(rig.account_id(0)).await.unwrap();
            let reason = health.reason.unwrap();
            assert!(
                reason.contains("not an address on the internet"),
                "{proxy_url}: {reason}"
            );
        }
    }
    trap.assert_untouched();
}

#[tokio::test]
async fn what_a_proxy_is_asked_for_is_judged_as_well() {
    let trap = Trap::set();
    for scheme in ["http", "socks5"] {
        let proxy_url = format!("{scheme}://127.0.0.1:{}", trap.port());
        for (base_url, why) in [
            ("https://169.254.169.254", "never reached"),
            ("https://metadata.google.internal", "never reached"),
            ("https://10.0.0.1", "not an address on the internet"),
            ("https://[fd00::1]", "not an address on the internet"),
            ("https://box.internal", "not an address on the internet"),
            ("http://provider.test", "use https"),
        ] {
            let rig = rig(network(&["loopback"]), through(&proxy_url, base_url)).await;
            let health = rig.engine.probe(rig.account_id(0)).await.unwrap();
            let reason = health.reason.unwrap();
            assert!(reason.contains(why), "{base_url}: {reason}");
        }
    }
    trap.assert_untouched();
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_as_what_failed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy_url = format!("http://{}", listener.local_addr().unwrap());
    let refusing = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        assert_ne!(client.read(&mut buffer).unwrap(), 0);
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        client.write_all(answer.as_bytes()).unwrap();
    });
    let rig = rig(
        network(&["loopback"]),
        through(&proxy_url, "https://provider.test"),
    )
    .await;
    let health = rig.engine.probe(rig.account_id(0)).await.unwrap();
    let reason = health.reason.unwrap();
    assert!(
        reason.contains("tunnel error: proxy authorization required"),
        "{reason}"
    );
    refusing.join().unwrap();
}
