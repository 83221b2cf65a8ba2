//! HTTP/1.1 on a socket, with every byte in our hand: what a library would mend, the simulator has to break.

use std::future::pending;
use std::io::ErrorKind;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The longest head that is read.
const HEAD_LIMIT: usize = 256 * 1024;
/// The most headers that are read.
const HEADERS_LIMIT: usize = 200;
/// The longest body, as at the provider.
pub(crate) const BODY_LIMIT: usize = 32 * 1024 * 1024;
/// How much a client may send ahead while its answer is being written.
const AHEAD_LIMIT: usize = 64 * 1024;
const READ_SIZE: usize = 8 * 1024;

/// The client closed the connection or its writing half.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gone;

/// Why no request came of what was read.
#[derive(Debug)]
pub(crate) enum ReadError {
    Gone,
    /// Not HTTP as RFC 9112 has it, or too much of it; the connection cannot go on.
    Refused {
        status: u16,
        message: String,
    },
}

impl ReadError {
    fn malformed(what: &str) -> Self {
        Self::Refused {
            status: 400,
            message: what.to_string(),
        }
    }

    fn too_large() -> Self {
        Self::Refused {
            status: 413,
            message: "Request exceeds the maximum size".to_owned(),
        }
    }
}

impl From<Gone> for ReadError {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// A request's head.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) is_http_10: bool,
    length: Length,
}

#[derive(Debug, Clone, Copy)]
enum Length {
    Known(usize),
    Chunked,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// What follows the path, without its question mark.
    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    pub(crate) fn wants_close(&self) -> bool {
        let says = |word: &str| {
            self.header("connection").is_some_and(|value| {
                value
                    .split(',')
                    .any(|token| token.trim().eq_ignore_ascii_case(word))
            })
        };
        says("close") || (self.is_http_10 && !says("keep-alive"))
    }

    fn expects_continue(&self) -> bool {
        self.header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }
}

/// How fast a body is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadPace {
    pub(crate) bytes: usize,
    pub(crate) pause: Duration,
}

impl ReadPace {
    pub(crate) const FULL: Self = Self {
        bytes: usize::MAX,
        pause: Duration::ZERO,
    };
}

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// Bytes that were read and not used yet.
    input: BytesMut,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Without it a small event waits for the client's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            input: BytesMut::new(),
        }
    }

    /// The next request's head, or `None` when the client is done with the connection.
    pub(crate) async fn read_head(&mut self) -> Result<Option<Head>, ReadError> {
        loop {
            if !self.input.is_empty()
                && let Some((head, length)) = parse_head(&self.input)?
            {
                self.input.advance(length);
                return Ok(Some(head));
            }
            if self.input.len() > HEAD_LIMIT {
                return Err(ReadError::malformed("the head is too long"));
            }
            if let Err(Gone) = fill(&self.stream, &mut self.input, READ_SIZE).await {
                return if self.input.is_empty() {
                    Ok(None)
                } else {
                    Err(ReadError::Gone)
                };
            }
        }
    }

    pub(crate) async fn read_body(&mut self, head: &Head, pace: ReadPace) -> Result<Bytes, ReadError> {
        if head.expects_continue() {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        match head.length {
            Length::Known(0) => Ok(Bytes::new()),
            Length::Known(length) if length > BODY_LIMIT => Err(ReadError::too_large()),
            Length::Known(length) => {
                let body = self.take(length, pace).await?;
                self.forget_large_buffer();
                Ok(body)
            }
            Length::Chunked => self.read_chunks(pace).await,
        }
    }

    async fn read_chunks(&mut self, pace: ReadPace) -> Result<Bytes, ReadError> {
        let mut body = BytesMut::new();
        loop {
            let line = self.take_line().await?;
            let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
            let size = std::str::from_utf8(digits)
                .ok()
                .filter(|digits| {
                    digits
                        .bytes()
                        .next()
                        .is_some_and(|first| first.is_ascii_hexdigit())
                })
                .and_then(|digits| usize::from_str_radix(digits.trim_end(), 16).ok())
                .ok_or_else(|| ReadError::malformed("a chunk's size is not a number"))?;
            if size == 0 {
                while !self.take_line().await?.is_empty() {}
                self.forget_large_buffer();
                return Ok(body.freeze());
            }
            if size > BODY_LIMIT - body.len() {
                return Err(ReadError::too_large());
            }
            body.extend_from_slice(&self.take(size, pace).await?);
            if !self.take_line().await?.is_empty() {
                return Err(ReadError::malformed("a chunk is longer than its size"));
            }
        }
    }

    async fn take(&mut self, length: usize, pace: ReadPace) -> Result<Bytes, Gone> {
        if pace.bytes < usize::MAX {
            return self.take_slowly(length, pace).await;
        }
        self.input.reserve(length.saturating_sub(self.input.len()));
        while self.input.len() < length {
            let missing = length - self.input.len();
            fill(&self.stream, &mut self.input, missing).await?;
        }
        Ok(self.input.split_to(length).freeze())
    }

    /// Takes a piece at a time, what came along with the head included, and leaves the rest to the kernel: once
    /// its buffers are full, the client cannot send on.
    async fn take_slowly(&mut self, length: usize, pace: ReadPace) -> Result<Bytes, Gone> {
        let mut body = BytesMut::with_capacity(length);
        while body.len() < length {
            let piece = pace.bytes.min(length - body.len());
            if self.input.is_empty() {
                fill(&self.stream, &mut self.input, piece).await?;
            }
            let piece = piece.min(self.input.len());
            body.extend_from_slice(&self.input.split_to(piece));
            sleep(pace.pause).await;
        }
        Ok(body.freeze())
    }

    async fn take_line(&mut self) -> Result<Bytes, ReadError> {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.input.split_to(end).freeze();
                self.input.advance(2);
                return Ok(line);
            }
            if self.input.len() > READ_SIZE {
                return Err(ReadError::malformed("a line of the chunked body is too long"));
            }
            fill(&self.stream, &mut self.input, READ_SIZE).await?;
        }
    }

    /// Sends all of the bytes, unless the client goes away first.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable().await?,
                Err(_) => return Err(Gone),
            }
        }
        Ok(())
    }

    async fn writable(&mut self) -> Result<(), Gone> {
        tokio::select! {
            biased;
            writable = self.stream.writable() => writable.map_err(|_| Gone),
            () = gone(&self.stream, &mut self.input) => Err(Gone),
        }
    }

    /// Waits, unless the client goes away first.
    pub(crate) async fn pause(&mut self, delay: Duration) -> Result<(), Gone> {
        if delay.is_zero() {
            return Ok(());
        }
        tokio::select! {
            () = sleep(delay) => Ok(()),
            () = gone(&self.stream, &mut self.input) => Err(Gone),
        }
    }

    /// Says nothing until the client goes away.
    pub(crate) async fn stall(&mut self) {
        gone(&self.stream, &mut self.input).await;
    }

    /// Takes in what is still on its way, for a moment: closing over unread bytes would reset the connection, and
    /// the client would lose the answer.
    pub(crate) async fn drain(&mut self) {
        let _ = self.stream.shutdown().await;
        let rest = async {
            while fill(&self.stream, &mut self.input, READ_SIZE).await.is_ok() {
                self.input.clear();
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), rest).await;
    }

    /// Closes with RST instead of FIN.
    pub(crate) fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }

    /// A slow stream should not hold the memory of its long prompt.
    fn forget_large_buffer(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
    }
}

/// Reads at least one byte and at most `limit`. Safe to drop: what was read stays in `input`.
async fn fill(stream: &TcpStream, input: &mut BytesMut, limit: usize) -> Result<(), Gone> {
    loop {
        stream.readable().await.map_err(|_| Gone)?;
        input.reserve(limit.min(READ_SIZE));
        match stream.try_read_buf(&mut input.limit(limit)) {
            Ok(0) => return Err(Gone),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return Err(Gone),
        }
    }
}

/// Ends when the client closes; what it sends meanwhile is kept for the next request.
async fn gone(stream: &TcpStream, input: &mut BytesMut) {
    while input.len() < AHEAD_LIMIT {
        if fill(stream, input, READ_SIZE).await.is_err() {
            return;
        }
    }
    pending::<()>().await;
}

/// The head at the start of `input` and its length, or `None` when there is more to come.
fn parse_head(input: &[u8]) -> Result<Option<(Head, usize)>, ReadError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_LIMIT];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(ReadError::malformed(&error.to_string())),
    };
    let headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|header| {
            (
                header.name.to_owned(),
                String::from_utf8_lossy(header.value).into_owned(),
            )
        })
        .collect();
    let head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        is_http_10: request.version == Some(0),
        length: body_length(&headers)?,
        headers,
    };
    if !head.is_http_10 && head.header("host").is_none() {
        return Err(ReadError::malformed("no host header"));
    }
    Ok(Some((head, length)))
}

/// Strict, so that a client that could be used for smuggling requests is caught by a test.
fn body_length(headers: &[(String, String)]) -> Result<Length, ReadError> {
    let values = |name: &str| -> Vec<&str> {
        headers
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    };
    match (
        values("content-length").as_slice(),
        values("transfer-encoding").as_slice(),
    ) {
        ([], []) => Ok(Length::Known(0)),
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Length::Chunked),
        ([length], []) if length.bytes().all(|byte| byte.is_ascii_digit()) => length
            .parse()
            .map(Length::Known)
            .map_err(|_| ReadError::malformed("content-length is not a number")),
        _ => Err(ReadError::malformed("the body's length is not clear")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Length, parse_head};

    fn length_of(headers: &str) -> Option<Length> {
        let text = format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        parse_head(text.as_bytes())
            .ok()
            .flatten()
            .map(|(head, _)| head.length)
    }

    #[test]
    fn a_body_of_unclear_length_is_refused() {
        assert!(matches!(
            length_of("Content-Length: 5\r\n"),
            Some(Length::Known(5))
        ));
        assert!(matches!(
            length_of("Transfer-Encoding: chunked\r\n"),
            Some(Length::Chunked)
        ));
        for headers in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: +5\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
        ] {
            assert!(length_of(headers).is_none(), "{headers}");
        }
    }
}
