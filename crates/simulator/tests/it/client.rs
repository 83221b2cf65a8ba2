//! A client that shows every byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use serde_json::{Value, json};

/// What came back on a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// Without chunked framing.
    pub(crate) body: Vec<u8>,
    /// The sizes of the chunks, the last one of zero included.
    pub(crate) chunks: Vec<usize>,
    /// Everything as it came.
    pub(crate) raw: Vec<u8>,
    pub(crate) end: End,
}

/// How the answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum End {
    /// As its framing says.
    #[default]
    Whole,
    /// Closed before that.
    Short,
    /// Reset before that.
    Reset,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The events of a stream, in order: name and data.
    pub(crate) fn events(&self) -> Vec<(String, Value)> {
        let text = self.text();
        let whole = text
            .split_inclusive("\n\n")
            .filter_map(|event| event.strip_suffix("\n\n"));
        whole
            .map(|event| {
                let (name, data) = event.split_once('\n').expect("two lines");
                let name = name.strip_prefix("event: ").expect("a name");
                let data = data.strip_prefix("data: ").expect("data");
                (name.to_owned(), serde_json::from_str(data).expect("JSON"))
            })
            .collect()
    }

    pub(crate) fn error_type(&self) -> String {
        self.json()["error"]["type"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub(crate) fn error_message(&self) -> String {
        self.json()["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// A kept-alive connection.
pub(crate) struct Client {
    stream: TcpStream,
    ahead: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            ahead: Vec::new(),
        }
    }

    /// Writes without an eye on what comes back.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn send(&mut self, request: &Request) {
        self.write(&request.bytes());
    }

    /// Reads until so many bytes have come.
    pub(crate) fn read_some(&mut self, bytes: usize) -> &[u8] {
        while self.ahead.len() < bytes && self.fill().is_ok() {}
        &self.ahead
    }

    /// Reads once more, whatever comes.
    pub(crate) fn read_more(&mut self) {
        self.fill().unwrap();
    }

    /// Drops bytes that were read and not used.
    pub(crate) fn forget(&mut self, bytes: usize) {
        self.ahead.drain(..bytes);
    }

    /// Closes the writing half only.
    pub(crate) fn finish_writing(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    pub(crate) fn call(&mut self, request: &Request) -> Answer {
        self.send(request);
        self.receive()
    }

    pub(crate) fn receive(&mut self) -> Answer {
        let mut answer = Answer::default();
        let end = self.read_answer(&mut answer);
        answer.end = end.err().unwrap_or(End::Whole);
        answer
    }

    fn read_answer(&mut self, answer: &mut Answer) -> Result<(), End> {
        let head = self.take_until(b"\r\n\r\n", &mut answer.raw)?;
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status_line = lines.next().unwrap();
        answer.status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
        answer.headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if answer.header("transfer-encoding").is_some() {
            return self.read_chunks(answer);
        }
        match answer
            .header("content-length")
            .map(|length| length.parse().unwrap())
        {
            Some(length) => self.take(length, answer),
            None => self.take(usize::MAX, answer).or_else(|end| match end {
                End::Short => Ok(()),
                other => Err(other),
            }),
        }
    }

    fn read_chunks(&mut self, answer: &mut Answer) -> Result<(), End> {
        loop {
            let line = self.take_until(b"\r\n", &mut answer.raw)?;
            let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim_end(), 16).unwrap();
            answer.chunks.push(size);
            self.take(size, answer)?;
            self.take_until(b"\r\n", &mut answer.raw)?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    /// Moves bytes to the body, as they come.
    fn take(&mut self, length: usize, answer: &mut Answer) -> Result<(), End> {
        let mut left = length;
        while left > 0 {
            if self.ahead.is_empty() {
                self.fill()?;
            }
            let taken: Vec<u8> = self.ahead.drain(..left.min(self.ahead.len())).collect();
            left -= taken.len();
            answer.raw.extend_from_slice(&taken);
            answer.body.extend_from_slice(&taken);
        }
        Ok(())
    }

    fn take_until(&mut self, mark: &[u8], raw: &mut Vec<u8>) -> Result<Vec<u8>, End> {
        loop {
            if let Some(at) = self.ahead.windows(mark.len()).position(|part| part == mark) {
                let taken: Vec<u8> = self.ahead.drain(..at + mark.len()).collect();
                raw.extend_from_slice(&taken);
                return Ok(taken);
            }
            if let Err(end) = self.fill() {
                raw.append(&mut self.ahead);
                return Err(end);
            }
        }
    }

    fn fill(&mut self) -> Result<(), End> {
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(End::Short),
            Ok(read) => {
                self.ahead.extend_from_slice(&buffer[..read]);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(End::Reset),
            Err(error) => panic!("{error}"),
        }
    }
}

/// A request, good unless it is changed.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn post(target: &str, body: &Value) -> Self {
        Self {
            method: "POST",
            target: target.to_owned(),
            headers: vec![
                ("Host".to_owned(), "simulator".to_owned()),
                ("X-Api-Key".to_owned(), "sk-ant-test".to_owned()),
                ("anthropic-version".to_owned(), "2026-10-21".to_owned()),
                ("Content-Type".to_owned(), "application/json".to_owned()),
            ],
            body: body.to_string().into_bytes(),
        }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self {
            method: "GET",
            body: Vec::new(),
            ..Self::post(target, &Value::Null)
        }
    }

    pub(crate) fn message(body: &Value) -> Self {
        Self::post("/v1/messages", body)
    }

    pub(crate) fn hello() -> Self {
        Self::message(&hello())
    }

    pub(crate) fn streamed_hello() -> Self {
        Self::message(&streamed(hello()))
    }

    /// Replaces a header, or drops it with an empty value.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.with("X-Api-Key", key)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if self.method == "POST" {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

pub(crate) fn hello() -> Value {
    json!({
        "model": "claude-sonnet-5-5",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": "Hello, Claude"}],
    })
}

pub(crate) fn streamed(mut body: Value) -> Value {
    body["stream"] = json!(true);
    body
}

/// One request on a connection of its own.
pub(crate) fn call(address: SocketAddr, request: &Request) -> Answer {
    Client::connect(address).call(request)
}
