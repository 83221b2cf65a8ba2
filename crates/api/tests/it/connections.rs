use std::time::Duration;

use gateway_api::ApiSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::client::read_reply;
use crate::database::Kind;
use crate::gateway::TestGateway;

/// Longer than a connection may be idle, and shorter than a proxy's may.
const LONG: Duration = Duration::from_secs(16);

/// Over a mebibyte, and asked for so many times.
const LARGE: &str = "/docs/swagger-ui-bundle.js";
const TIMES: usize = 8;

async fn connect(gateway: &TestGateway) -> TcpStream {
    TcpStream::connect(gateway.address).await.unwrap()
}

/// Sends a request that leaves the connection open, and reads its answer of three bytes.
async fn ask(stream: &mut TcpStream) {
    let request = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
}

/// Reads until the gateway closes, while time goes by.
async fn read_to_end(gateway: &TestGateway, stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut end = std::pin::pin!(stream.read_to_end(&mut bytes));
    loop {
        tokio::select! {
            _ = &mut end => break,
            () = tokio::time::sleep(Duration::from_millis(100)) => gateway.clock.advance(LONG),
        }
    }
    bytes
}

/// How many clients are connected, the one that asks among them; anybody must be allowed to.
async fn connected(gateway: &TestGateway) -> u64 {
    let text = gateway.get("/metrics").send().await.expect(200).text();
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix("gateway_client_connections "));
    value.unwrap().parse().unwrap()
}

/// Asks for more than the sockets take by themselves, and takes little of it at a time; the connection ends after it.
async fn ask_for_much(gateway: &TestGateway) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(gateway.address).await.unwrap();
    let once = format!("GET {LARGE} HTTP/1.1\r\nhost: gateway\r\n\r\n");
    let last = "GET /healthz HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n";
    let requests = once.repeat(TIMES) + last;
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

#[tokio::test]
async fn a_connection_without_a_whole_request_is_closed() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    for rest in ["", "G", "GET /healthz HTTP/1.1\r\nhost: gate"] {
        let mut stream = connect(&gateway).await;
        ask(&mut stream).await;
        stream.write_all(rest.as_bytes()).await.unwrap();
        assert_eq!(read_to_end(&gateway, &mut stream).await, b"", "{rest:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_used_is_kept() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let mut stream = connect(&gateway).await;
    for _ in 0..3 {
        ask(&mut stream).await;
        gateway.clock.advance(Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_trusted_proxy_keeps_its_connections_for_longer() {
    let settings = ApiSettings {
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let mut stream = connect(&gateway).await;
    ask(&mut stream).await;
    gateway.clock.advance(Duration::from_secs(70));
    ask(&mut stream).await;
    assert_eq!(read_to_end(&gateway, &mut stream).await, b"");
}

#[tokio::test]
async fn a_body_that_is_not_read_does_not_keep_its_connection() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    for (path, status) in [
        ("/api/keys", 401),
        ("/v1/messages", 401),
        ("/nowhere", 404),
        ("/healthz", 405),
    ] {
        for framing in ["transfer-encoding: chunked", "content-length: 1000"] {
            let mut stream = connect(&gateway).await;
            let head = format!("POST {path} HTTP/1.1\r\nhost: gateway\r\n{framing}\r\n\r\n5\r\nhello");
            stream.write_all(head.as_bytes()).await.unwrap();
            // The rest of the body never comes, and no time goes by on the gateway's clock.
            let reply = read_reply(&mut stream).await.expect(status);
            assert_eq!(reply.header("connection"), Some("close"), "{path} {framing}");
        }
    }
}

#[tokio::test]
async fn a_chunked_body_that_was_read_keeps_its_connection() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let mut stream = connect(&gateway).await;
    let body = r#"{"username":"a","password":"b"}"#;
    let request = format!(
        "POST /api/auth/login HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}}") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(!answer.contains("connection: close"), "{answer}");
    ask(&mut stream).await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_a_whole_answer_is_cut() {
    let settings = ApiSettings {
        metrics_public: true,
        ..ApiSettings::default()
    };
    let gateway = TestGateway::start_with(Kind::Sqlite, settings).await;
    let whole = gateway.get(LARGE).send().await.expect(200).body.len();
    while connected(&gateway).await > 1 {}
    let mut stream = ask_for_much(&gateway).await;
    while connected(&gateway).await > 1 {
        gateway.clock.advance(Duration::from_secs(61));
    }
    let mut rest = Vec::new();
    // Cut off: what was on its way by then may still come.
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.len() < whole * TIMES, "{} of {TIMES} × {whole}", rest.len());
}

#[tokio::test]
async fn a_client_that_takes_a_whole_answer_slowly_gets_all_of_it() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let whole = gateway.get(LARGE).send().await.expect(200).body.len();
    let mut stream = ask_for_much(&gateway).await;
    let mut taken = 0;
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece).await.unwrap() {
            0 => break,
            count => taken += count,
        }
        // Over a minute for all of it.
        gateway.clock.advance(Duration::from_millis(25));
    }
    assert!(whole * TIMES / piece.len() > 60 * 40, "{whole}");
    assert!(taken > whole * TIMES, "{taken} of {TIMES} × {whole}");
}
