use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::canaries;

/// An answer, whose connection was closed after it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// One request on a connection of its own; `headers` are lines.
pub(crate) fn request(address: &str, method: &str, path: &str, headers: &[String], body: &str) -> Answer {
    let mut stream = send(address, method, path, headers, body);
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    answer(&text)
}

/// Sends a request and leaves the answer to be read.
pub(crate) fn send(address: &str, method: &str, path: &str, headers: &[String], body: &str) -> TcpStream {
    try_send(address, method, path, headers, body).unwrap()
}

/// `None` if nobody takes it.
pub(crate) fn try_send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[String],
    body: &str,
) -> Option<TcpStream> {
    canaries::note_request(headers, body);
    let mut stream = TcpStream::connect(address).ok()?;
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    )
    .ok()?;
    Some(stream)
}

/// What comes until this text is in it.
#[track_caller]
pub(crate) fn read_until(stream: &mut TcpStream, text: &str) -> Vec<u8> {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(text) {
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..count]);
    }
    seen
}

pub(crate) fn answer(text: &str) -> Answer {
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    canaries::check_answer(head, body);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let is_chunked = head.contains("\r\ntransfer-encoding: chunked");
    Answer {
        status,
        body: if is_chunked {
            unchunked(body)
        } else {
            body.to_owned()
        },
    }
}

/// What the chunks say, as far as they came.
fn unchunked(body: &str) -> String {
    let mut bytes = body.as_bytes();
    let mut whole = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let size = String::from_utf8_lossy(&bytes[..end]);
        let size = usize::from_str_radix(&size, 16).unwrap();
        let chunk = &bytes[end + 2..];
        whole.extend_from_slice(&chunk[..size.min(chunk.len())]);
        bytes = chunk.get(size + 2..).unwrap_or_default();
    }
    String::from_utf8(whole).unwrap()
}
