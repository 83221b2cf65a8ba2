//! Clients that want to keep the gateway from serving others, or to take its memory, over raw sockets.
//!
//! They come from other addresses of the loopback interface than the clients that are to be served.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;

use gateway_simulator::Simulator;
use serde_json::json;
use tokio::net::TcpSocket;

use crate::folder::Folder;
use crate::http;
use crate::server::Server;
use crate::serving::{headers, message, set_up};

const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const ANOTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// A connection that comes from `address`, on which `bytes` were sent.
async fn send_from(address: Ipv4Addr, server: &Server, bytes: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    let to: SocketAddr = server.address.parse().unwrap();
    let stream = socket.connect(to).await.unwrap().into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    (&stream).write_all(bytes.as_bytes()).unwrap();
    stream
}

fn wait_until_connected(server: &Server, clients: u64) {
    // The one that asks is counted, too.
    while server.metric("gateway_client_connections") < clients + 1 {}
}

fn wait_until_alone(server: &Server) {
    while server.metric("gateway_client_connections") > 1 {}
}

#[tokio::test]
async fn a_thousand_slow_heads_and_a_thousand_slow_bodies_keep_nobody_from_being_served() {
    let folder = Folder::new();
    let provider = Simulator::builder().start().await;
    // So that all of them are there until the end.
    let patient = [
        ("GATEWAY__SERVER__HEAD_TIMEOUT_SECONDS", "3600"),
        ("GATEWAY__SERVER__KEEP_ALIVE_SECONDS", "3600"),
        ("GATEWAY__API__BODY_TIMEOUT_SECONDS", "3600"),
        ("GATEWAY__API__METRICS_PUBLIC", "true"),
    ];
    let server = Server::start(&folder, &patient);
    let key = set_up(&server, &provider);
    let mut attackers = Vec::new();
    let head = "GET /healthz HTTP/1.1\r\nhost: gateway\r\nx-a: ";
    let body = "POST /api/auth/login HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n\
                content-length: 60000\r\n\r\n{\"username\": \"";
    for _ in 0..1000 {
        attackers.push(send_from(ATTACKER, &server, head).await);
        attackers.push(send_from(ANOTHER, &server, body).await);
    }
    wait_until_connected(&server, 2000);
    for round in 0..20 {
        for attacker in &mut attackers {
            attacker.write_all(b"x").unwrap();
        }
        assert_eq!(server.get("/healthz").status, 200);
        let answer = http::request(
            &server.address,
            "POST",
            "/v1/messages",
            &headers(&key),
            &message(round % 2 == 0),
        );
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let name = json!({"name": "another"});
    let answer = server.post("/api/keys", &server.admin_token(), &name);
    assert_eq!(answer.status, 201, "{answer:?}");
    assert!(server.metric("gateway_client_connections") > 2000);
    server.insist();
}

#[tokio::test]
async fn those_who_keep_the_gateway_waiting_are_closed() {
    let folder = Folder::new();
    let impatient = [
        ("GATEWAY__SERVER__HEAD_TIMEOUT_SECONDS", "1"),
        // Well after the first head is late, whose answer is another.
        ("GATEWAY__SERVER__KEEP_ALIVE_SECONDS", "4"),
        ("GATEWAY__API__BODY_TIMEOUT_SECONDS", "1"),
        ("GATEWAY__API__METRICS_PUBLIC", "true"),
    ];
    let server = Server::start(&folder, &impatient);
    let whole = "GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n";
    let login = "POST /api/auth/login HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n";
    let key = "POST /api/keys HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n";
    for (what, bytes, statuses) in [
        ("nothing", String::new(), vec!["408"]),
        (
            "a head without its end",
            "GET /healthz HTTP/1.1\r\nhost".to_owned(),
            vec!["408"],
        ),
        ("nothing more", whole.to_owned(), vec!["200"]),
        ("a byte more", format!("{whole}G"), vec!["200"]),
        (
            "a second head without its end",
            format!("{whole}GET /healthz HTTP/1.1\r\n"),
            vec!["200"],
        ),
        (
            "a body without its end",
            format!("{login}content-length: 100\r\n\r\n{{"),
            vec!["408"],
        ),
        (
            "chunks without an end",
            format!("{login}transfer-encoding: chunked\r\n\r\n1\r\n{{"),
            vec!["408"],
        ),
        (
            "chunks that nobody reads",
            format!("{key}transfer-encoding: chunked\r\n\r\n1\r\n{{"),
            vec!["401"],
        ),
    ] {
        let mut stream = send_from(ATTACKER, &server, &bytes).await;
        let mut answer = String::new();
        // Until the gateway closes it.
        stream.read_to_string(&mut answer).unwrap();
        let seen: Vec<&str> = answer
            .split("HTTP/1.1 ")
            .skip(1)
            .filter_map(|head| head.get(..3))
            .collect();
        assert_eq!(seen, statuses, "{what}: {answer}");
    }
    wait_until_alone(&server);
    server.stop();
}

#[tokio::test]
async fn one_address_has_a_limited_number_of_connections_and_others_are_served() {
    let folder = Folder::new();
    let variables = [
        ("GATEWAY__SERVER__MAX_CONNECTIONS_PER_ADDRESS", "5"),
        ("GATEWAY__API__METRICS_PUBLIC", "true"),
        ("GATEWAY__API__TRUSTED_PROXIES", "127.0.0.3/32"),
    ];
    let server = Server::start(&folder, &variables);
    let request = "GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n";
    let mut kept = Vec::new();
    for _ in 0..5 {
        let mut stream = send_from(ATTACKER, &server, request).await;
        assert_ne!(stream.read(&mut [0; 1024]).unwrap(), 0);
        kept.push(stream);
    }
    for _ in 0..5 {
        let mut stream = send_from(ATTACKER, &server, request).await;
        // Closed, or reset because the request was not read.
        assert!(matches!(stream.read(&mut [0; 1024]), Ok(0) | Err(_)));
    }
    assert_eq!(server.get("/healthz").status, 200);
    for _ in 0..20 {
        let mut stream = send_from(ANOTHER, &server, request).await;
        assert_ne!(stream.read(&mut [0; 1024]).unwrap(), 0, "proxies bring many");
        kept.push(stream);
    }
    drop(kept);
    wait_until_alone(&server);
    let mut stream = send_from(ATTACKER, &server, request).await;
    assert_ne!(stream.read(&mut [0; 1024]).unwrap(), 0, "there is room again");
    drop(stream);
    server.stop();
}

/// Something large to send, and what is said to it.
struct Attack<'a> {
    statuses: &'a [&'a str],
    head: Vec<u8>,
    piece: &'a [u8],
    pieces: usize,
}

impl<'a> Attack<'a> {
    fn new(statuses: &'a [&'a str], head: Vec<u8>, piece: &'a [u8], pieces: usize) -> Self {
        Self {
            statuses,
            head,
            piece,
            pieces,
        }
    }

    fn run(&self, server: &Server) {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(&self.head).unwrap();
        for _ in 0..self.pieces {
            // Until it is refused.
            if stream.write_all(self.piece).is_err() {
                break;
            }
        }
        let mut answer = String::new();
        // What was not read of the attack may reset the connection before the answer was.
        let _ = stream.read_to_string(&mut answer);
        let status = answer.get(9..12).unwrap_or_default();
        assert!(status.is_empty() || self.statuses.contains(&status), "{answer}");
    }
}

/// A gibibyte of spaces in a mebibyte.
fn bomb() -> Vec<u8> {
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    member.write_all(&vec![b' '; 1 << 20]).unwrap();
    // A file of gzip is as many of them as one likes.
    member.finish().unwrap().repeat(1024)
}

#[tokio::test]
async fn large_bodies_bombs_and_heads_cost_a_bounded_amount_of_memory() {
    /// Their bombs alone would be three gibibytes, at 32 MiB each.
    const ATTACKS: usize = 96;
    const BODIES: u64 = 64 << 20;
    /// Connections, and what the allocator keeps of what the four that decode have given back.
    const OTHERS: u64 = 384 << 20;
    let folder = Folder::new();
    let provider = Simulator::builder().start().await;
    let server = Server::start(
        &folder,
        &[
            ("GATEWAY__API__MAX_BODIES_IN_MEMORY_BYTES", &BODIES.to_string()),
            ("GATEWAY__API__METRICS_PUBLIC", "true"),
        ],
    );
    let key = set_up(&server, &provider);
    let before = server.peak_memory_bytes();
    let post = |path: &str, more: &str| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: gateway\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n{more}\r\n"
        );
        head.into_bytes()
    };
    let bomb = bomb();
    let length = bomb.len();
    let bombs = post(
        "/v1/messages",
        &format!("content-encoding: gzip\r\ncontent-length: {length}\r\n"),
    );
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
    let attacks = [
        // Decoded it is too large, or there is no room left for it.
        Attack::new(&["413", "503"], bombs, &bomb, 1),
        Attack::new(
            &["413"],
            post("/v1/messages", "content-length: 1073741824\r\n"),
            &chunk,
            1024,
        ),
        Attack::new(
            &["413", "503"],
            post("/v1/messages", "transfer-encoding: chunked\r\n"),
            &chunk,
            1024,
        ),
        Attack::new(
            &["413"],
            post("/api/auth/login", "transfer-encoding: chunked\r\n"),
            &chunk,
            1024,
        ),
        Attack::new(
            &["431"],
            b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n".to_vec(),
            b"x-a: b\r\n",
            1_000_000,
        ),
    ];
    for attack in attacks {
        thread::scope(|scope| {
            for _ in 0..ATTACKS {
                scope.spawn(|| attack.run(&server));
            }
        });
        assert_eq!(server.get("/healthz").status, 200);
    }
    let after = server.peak_memory_bytes();
    assert!(
        after - before < BODIES + OTHERS,
        "{before} bytes before, {after} at the most"
    );
    wait_until_alone(&server);
    // All that was reserved is free again.
    let answer = http::request(
        &server.address,
        "POST",
        "/v1/messages",
        &headers(&key),
        &message(false),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    server.stop();
}

#[tokio::test]
async fn a_flood_of_unknown_keys_keeps_no_known_key_from_being_used() {
    let folder = Folder::new();
    let provider = Simulator::builder().start().await;
    let server = Server::start(&folder, &[]);
    let key = set_up(&server, &provider);
    let ask = |key: &str| {
        http::request(
            &server.address,
            "POST",
            "/v1/messages",
            &headers(key),
            &message(false),
        )
    };
    assert_eq!(ask(&key).status, 200);
    let start = &key[..key.len() - 4];
    let guesses = (0..60).map(|number| format!("{start}{number:0>4}"));
    let statuses: Vec<u16> = guesses
        .filter(|guess| *guess != key)
        .map(|guess| ask(&guess).status)
        .collect();
    assert_eq!(statuses[..50], [401; 50]);
    assert!(statuses[50..].contains(&429), "{statuses:?}");
    assert_eq!(ask(&key).status, 200);
    server.stop();
}
