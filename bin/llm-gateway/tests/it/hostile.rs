//! Requests that can be read in two ways, over raw sockets.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::folder::Folder;
use crate::server::Server;

/// What comes back until the server closes; the client keeps its side open.
fn say(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    // A server that has refused the beginning need not take the rest.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The statuses of all answers.
fn statuses(answer: &str) -> Vec<&str> {
    let heads = answer.split("HTTP/1.1 ").skip(1);
    heads.map(|head| head.get(..3).unwrap_or(head)).collect()
}

/// So that connections are closed soon on which the client sends what is not answered.
const IMPATIENT: [(&str, &str); 1] = [("GATEWAY__SERVER__KEEP_ALIVE_SECONDS", "1")];

/// What is smuggled; an answer to it would be a 404.
const SECOND: &str = "GET /smuggled HTTP/1.1\r\nhost: gateway\r\n\r\n";

#[test]
fn what_can_be_read_in_two_ways_is_refused_and_the_connection_closed() {
    let folder = Folder::new();
    let server = Server::start(&folder, &IMPATIENT);
    let post = "POST /api/auth/login HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n";
    let chunked = "transfer-encoding: chunked\r\n";
    for (what, head, body) in [
        (
            "a length and chunks",
            format!("{post}content-length: 5\r\n{chunked}\r\n"),
            "0\r\n\r\n",
        ),
        (
            "chunks and a length",
            format!("{post}{chunked}content-length: 5\r\n\r\n"),
            "0\r\n\r\n",
        ),
        (
            "two lengths",
            format!("{post}content-length: 2\r\ncontent-length: 40\r\n\r\n"),
            "{}",
        ),
        (
            "one length twice",
            format!("{post}content-length: 2\r\ncontent-length: 2\r\n\r\n"),
            "{}",
        ),
        (
            "a list of lengths",
            format!("{post}content-length: 2, 2\r\n\r\n"),
            "{}",
        ),
        (
            "a signed length",
            format!("{post}content-length: +2\r\n\r\n"),
            "{}",
        ),
        (
            "a negative length",
            format!("{post}content-length: -2\r\n\r\n"),
            "{}",
        ),
        (
            "a length in hexadecimal",
            format!("{post}content-length: 0x2\r\n\r\n"),
            "{}",
        ),
        (
            "an unknown coding",
            format!("{post}transfer-encoding: xchunked\r\n\r\n"),
            "0\r\n\r\n",
        ),
        (
            "no coding",
            format!("{post}transfer-encoding: identity\r\n\r\n"),
            "0\r\n\r\n",
        ),
        (
            "two codings",
            format!("{post}transfer-encoding: gzip, chunked\r\n\r\n"),
            "0\r\n\r\n",
        ),
        (
            "two lines of codings",
            format!("{post}{chunked}{chunked}\r\n"),
            "0\r\n\r\n",
        ),
        (
            "a space before the colon",
            format!("{post}transfer-encoding : chunked\r\n\r\n"),
            "0\r\n\r\n",
        ),
        (
            "a folded line",
            format!("{post}x-a: b\r\n {chunked}\r\n"),
            "0\r\n\r\n",
        ),
        ("a NUL", format!("{post}x-a: b\0c\r\n\r\n"), ""),
        ("a bare CR", format!("{post}x-a: b\rc\r\n\r\n"), ""),
        ("a name with a space", format!("{post}x a: b\r\n\r\n"), ""),
        ("two hosts", format!("{post}host: other\r\n\r\n"), ""),
        ("no host", "GET /healthz HTTP/1.1\r\n\r\n".to_owned(), ""),
        (
            "another version",
            "GET /healthz HTTP/2.0\r\nhost: gateway\r\n\r\n".to_owned(),
            "",
        ),
        ("no version", "GET /healthz\r\n\r\n".to_owned(), ""),
        (
            "HTTP/2 at once",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            "",
        ),
        (
            "another protocol",
            format!("{post}connection: upgrade\r\nupgrade: websocket\r\n\r\n"),
            "",
        ),
        (
            "another protocol without saying so",
            format!("{post}upgrade: websocket\r\n\r\n"),
            "",
        ),
    ] {
        let answer = say(&server, format!("{head}{body}{SECOND}").as_bytes());
        assert_eq!(statuses(&answer), ["400"], "{what}: {answer}");
    }
    let chunks_on_1_0 = format!("POST /healthz HTTP/1.0\r\n{chunked}\r\n0\r\n\r\n{SECOND}");
    let answer = say(&server, chunks_on_1_0.as_bytes());
    assert!(
        answer.starts_with("HTTP/1.") && answer.contains(" 400 "),
        "{answer}"
    );
    assert!(!answer.contains("404"), "{answer}");
    assert_eq!(server.get("/healthz").status, 200);
    server.stop();
}

#[test]
fn a_body_that_is_wrongly_framed_is_refused_and_the_connection_closed() {
    let folder = Folder::new();
    let server = Server::start(&folder, &IMPATIENT);
    let post = "POST /api/auth/login HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    for (what, body) in [
        ("a size that is too large", "ffffffffffffffff1\r\n{}\r\n0\r\n\r\n"),
        ("a size that is none", "x\r\n{}\r\n0\r\n\r\n"),
        ("a negative size", "-2\r\n{}\r\n0\r\n\r\n"),
        ("two sizes", "2 2\r\n{}\r\n0\r\n\r\n"),
        ("a bare LF after the size", "2\n{}\r\n0\r\n\r\n"),
        ("a bare LF after the chunk", "2\r\n{}\n0\r\n\r\n"),
        ("more than the size says", "2\r\n{}}}\r\n0\r\n\r\n"),
        (
            "a control character in an extension",
            "2;a=\u{1}\r\n{}\r\n0\r\n\r\n",
        ),
    ] {
        let answer = say(&server, format!("{post}{body}{SECOND}").as_bytes());
        assert_eq!(statuses(&answer), ["400"], "{what}: {answer}");
    }
    server.stop();
}

#[test]
fn what_is_odd_but_plain_is_one_request() {
    let folder = Folder::new();
    let server = Server::start(&folder, &IMPATIENT);
    let last = "GET /last HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n";
    let post = "POST /api/auth/login HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    for (what, request, status) in [
        (
            "bare LFs",
            "GET /healthz HTTP/1.1\nhost: gateway\n\n".to_owned(),
            "200",
        ),
        ("an extension", format!("{post}2;a=b\r\n{{}}\r\n0\r\n\r\n"), "422"),
        (
            "a trailer",
            format!("{post}2\r\n{{}}\r\n0\r\ncontent-length: 40\r\n\r\n"),
            "422",
        ),
        (
            "another server's name",
            "GET http://other/healthz HTTP/1.1\r\nhost: gateway\r\n\r\n".to_owned(),
            "200",
        ),
        (
            "a body where none is read",
            "GET /healthz HTTP/1.1\r\nhost: gateway\r\ncontent-length: 0\r\n\r\n".to_owned(),
            "200",
        ),
    ] {
        let answer = say(&server, format!("{request}{last}").as_bytes());
        assert_eq!(statuses(&answer), [status, "404"], "{what}: {answer}");
    }
    // Where the end of a request is not what the client thinks, nothing after it is looked at.
    for (what, request, status) in [
        (
            "an offer of HTTP/2",
            "GET /healthz HTTP/1.1\r\nhost: gateway\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n\
             http2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
            "200",
        ),
        (
            "a last request",
            "GET /healthz HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n",
            "200",
        ),
        (
            "a tunnel",
            "CONNECT gateway:443 HTTP/1.1\r\nhost: gateway\r\n\r\n",
            "404",
        ),
        (
            "an expectation",
            "GET /healthz HTTP/1.1\r\nhost: gateway\r\nexpect: 200-ok\r\n\r\n",
            "417",
        ),
    ] {
        let answer = say(&server, format!("{request}{SECOND}").as_bytes());
        assert_eq!(statuses(&answer), [status], "{what}: {answer}");
        assert!(answer.contains("connection: close\r\n"), "{what}: {answer}");
    }
    server.stop();
}

#[test]
fn a_head_that_is_too_large_is_refused_and_the_connection_closed() {
    let folder = Folder::new();
    let server = Server::start(&folder, &IMPATIENT);
    let get = |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\nhost: gateway\r\n{headers}\r\n");
    let many = |count: usize| "x-a: b\r\n".repeat(count);
    let large = |bytes: usize| format!("x-a: {}\r\n", "x".repeat(bytes));
    let fits = get("/healthz", &format!("connection: close\r\n{}", many(94)));
    assert_eq!(statuses(&say(&server, fits.as_bytes())), ["200"]);
    let fits = get("/healthz", &format!("connection: close\r\n{}", large(32_000)));
    assert_eq!(statuses(&say(&server, fits.as_bytes())), ["200"]);
    for (what, request) in [
        ("97 headers", get("/healthz", &many(96))),
        ("33 KiB of headers", get("/healthz", &large(33 << 10))),
        (
            "33 KiB of a target",
            get(&format!("/{}", "x".repeat(33 << 10)), ""),
        ),
        (
            "a head without an end",
            format!("GET /healthz HTTP/1.1\r\n{}", large(200 << 10)),
        ),
    ] {
        let answer = say(&server, format!("{request}{SECOND}").as_bytes());
        assert_eq!(statuses(&answer), ["431"], "{what}: {answer}");
    }
    server.stop();
}
