use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// An answer, whose connection was closed after it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// As it came over the wire, chunk sizes included.
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

pub(crate) fn answer(text: &str) -> Answer {
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        body: body.to_owned(),
    }
}
