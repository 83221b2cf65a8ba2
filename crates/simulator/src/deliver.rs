//! Writes an answer, byte by byte as the script wants it.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::dialect::{Event, Events};
use crate::fault::{Fault, Point};
use crate::record::Billed;
use crate::script::Pace;
use crate::state::{Begun, Shared};
use crate::wire::{Connection, Gone, Head};

/// So many bytes are gathered for one write.
const WRITE_SIZE: usize = 16 * 1024;
const GARBAGE: &[u8] = b"\x00\xff<html>upstream connect error or disconnect/reset before headers{\"type\":";

/// An answer before it is written.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    /// Header lines but for those of framing.
    pub(crate) lines: String,
    pub(crate) pace: Pace,
    pub(crate) body: Body,
}

/// What follows the head.
#[derive(Debug)]
pub(crate) enum Body {
    Whole {
        /// None once it was written.
        bytes: Option<Vec<u8>>,
        billed: Billed,
    },
    Events(Box<dyn Events>),
}

/// Why an answer was not sent to its end.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The client left; `is_last` when only the last write was missing and the request counts as completed.
    Gone {
        body_bytes: u64,
        is_last: bool,
    },
    Cut {
        body_bytes: u64,
        resets: bool,
    },
}

impl Body {
    pub(crate) const fn whole(bytes: Vec<u8>, billed: Billed) -> Self {
        Self::Whole {
            bytes: Some(bytes),
            billed,
        }
    }

    /// Appends the next event; a whole body is one.
    fn next(&mut self, out: &mut Vec<u8>) -> Option<Event> {
        match self {
            Self::Events(events) => events.next(out),
            Self::Whole { bytes, .. } => {
                out.append(&mut bytes.take()?);
                Some(Event::Frame)
            }
        }
    }

    /// What breaks a silence, if anything.
    fn ping(&self) -> &'static [u8] {
        match self {
            Self::Events(events) => events.ping(),
            Self::Whole { .. } => &[],
        }
    }

    /// What the provider bills for what was written so far.
    fn billed(&self) -> Billed {
        match self {
            Self::Events(events) => events.billed(),
            Self::Whole { bytes: None, billed } => *billed,
            Self::Whole { bytes: Some(_), .. } => Billed::default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Chunked,
    Length(usize),
    UntilClose,
}

/// One answer on its way.
pub(crate) struct Delivery<'a> {
    connection: &'a mut Connection,
    head: &'a Head,
    shared: &'a Shared,
    begun: &'a Begun,
    faults: &'a [Fault],
    framing: Framing,
    /// Framed bytes that are not written yet, and how many of the body's are among them.
    out: Vec<u8>,
    gathered: u64,
    /// Events in `out`.
    events: usize,
    /// Bytes of the body that were written.
    sent: u64,
    gzip: Option<GzEncoder<Vec<u8>>>,
    /// For the events that were written so far.
    billed: Billed,
    is_completed: bool,
}

impl<'a> Delivery<'a> {
    pub(crate) fn new(
        connection: &'a mut Connection,
        head: &'a Head,
        shared: &'a Shared,
        begun: &'a Begun,
        faults: &'a [Fault],
    ) -> Self {
        Self {
            connection,
            head,
            shared,
            begun,
            faults,
            framing: Framing::Chunked,
            out: Vec::new(),
            gathered: 0,
            events: 0,
            sent: 0,
            gzip: faults
                .contains(&Fault::Gzip)
                .then(|| GzEncoder::new(Vec::new(), Compression::fast())),
            billed: Billed::default(),
            is_completed: false,
        }
    }

    /// Writes the answer and books what the provider bills for it, however it ends. Says whether the
    /// connection can be used again.
    pub(crate) async fn run(mut self, mut response: Response) -> Result<bool, Stopped> {
        let result = self.write(&mut response).await;
        if result.is_err() && !self.is_completed {
            self.shared.stopped(self.begun, &self.billed);
        }
        result.map(|()| !self.closes())
    }

    async fn write(&mut self, response: &mut Response) -> Result<(), Stopped> {
        self.fail_at(Point::BeforeHead).await?;
        self.pause(response.pace.head).await?;
        let promised = self.choose_framing(&mut response.body);
        self.put_head(response);
        if self.has_fault_at(Point::InHead) {
            self.out.truncate(self.out.len() / 2);
            self.fail_at(Point::InHead).await?;
        }
        if self.head.method != "HEAD" {
            self.write_events(response).await?;
        }
        self.put_end();
        if promised {
            self.flush().await?;
            return Err(self.cut(false));
        }
        self.shared.complete(self.begun, &self.billed);
        self.is_completed = true;
        self.flush().await
    }

    async fn write_events(&mut self, response: &mut Response) -> Result<(), Stopped> {
        let mut event_bytes = Vec::new();
        for count in 0.. {
            if let Some(end) = self.end_after(count, &mut response.body) {
                self.put_body(&end).await?;
                break;
            }
            self.fail_at(Point::AfterEvents(count)).await?;
            event_bytes.clear();
            let Some(event) = response.body.next(&mut event_bytes) else {
                break;
            };
            let delay = match event {
                Event::FirstContent => response.pace.first_content,
                Event::Delta => response.pace.between,
                Event::Head | Event::Frame => Duration::ZERO,
            };
            self.silence(delay, response).await?;
            if self.has_fault_at(Point::InEvent(count)) {
                let half = event_bytes.len() / 2;
                self.put_body(&event_bytes[..half]).await?;
                self.fail_at(Point::InEvent(count)).await?;
            }
            self.put_body(&event_bytes).await?;
            self.billed = response.body.billed();
            self.events += 1;
            if self.out.len() >= WRITE_SIZE || self.events >= self.shared.settings.events_per_write {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// What a fault puts in the place of the rest of the body.
    fn end_after(&self, count: usize, body: &mut Body) -> Option<Vec<u8>> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::EndAfter(after) if *after == count => Some(Vec::new()),
            Fault::Garbage(after) if *after == count => Some(GARBAGE.to_vec()),
            Fault::ErrorEvent { after, kind } if *after == count => {
                let dialect = self.shared.dialects.of(self.head);
                let error = dialect.error_of_kind(kind);
                Some(match body {
                    Body::Events(events) => {
                        let mut event = Vec::new();
                        events.fail(&error, &self.begun.request_id, &mut event);
                        event
                    }
                    Body::Whole { .. } => dialect.error_body(&error, &self.begun.request_id),
                })
            }
            _ => None,
        })
    }

    fn has_fault_at(&self, point: Point) -> bool {
        self.faults.iter().any(|fault| fault.point() == Some(point))
    }

    /// Does what a fault wants at this point, if there is one.
    async fn fail_at(&mut self, point: Point) -> Result<(), Stopped> {
        let Some(fault) = self.faults.iter().find(|fault| fault.point() == Some(point)) else {
            return Ok(());
        };
        self.flush().await?;
        match fault {
            Fault::Stall(_) => {
                self.connection.stall().await;
                Err(self.gone(Gone))
            }
            fault => Err(self.cut(matches!(fault, Fault::Reset(_)))),
        }
    }

    /// Says nothing for so long, but for pings; what was gathered is sent first.
    async fn silence(&mut self, delay: Duration, response: &Response) -> Result<(), Stopped> {
        if delay.is_zero() {
            return Ok(());
        }
        self.flush().await?;
        let ping_every = response.pace.ping_every;
        let ping = response.body.ping();
        let mut left = delay;
        while !ping.is_empty() && !ping_every.is_zero() && left > ping_every {
            self.pause(ping_every).await?;
            left -= ping_every;
            self.put_body(ping).await?;
            self.flush().await?;
        }
        self.pause(left).await
    }

    async fn pause(&mut self, delay: Duration) -> Result<(), Stopped> {
        let paused = self.connection.pause(delay).await;
        paused.map_err(|gone| self.gone(gone))
    }

    /// Decides how the body is framed; whether its length is promised wrongly.
    fn choose_framing(&mut self, body: &mut Body) -> bool {
        let too_much = self.faults.iter().find_map(|fault| match fault {
            Fault::LongContentLength(bytes) => Some(*bytes),
            _ => None,
        });
        if let Some(too_much) = too_much {
            self.framing = Framing::Length(collapse(body) + too_much);
            return true;
        }
        let changes_length = self.gzip.is_some()
            || self.faults.iter().any(|fault| {
                matches!(
                    fault,
                    Fault::OneByteChunks | Fault::EndAfter(_) | Fault::Garbage(_)
                )
            });
        self.framing = match body {
            Body::Whole {
                bytes: Some(bytes), ..
            } if !changes_length => Framing::Length(bytes.len()),
            _ if self.head.is_http_10 => Framing::UntilClose,
            _ => Framing::Chunked,
        };
        false
    }

    fn closes(&self) -> bool {
        self.head.wants_close() || self.framing == Framing::UntilClose
    }

    fn put_head(&mut self, response: &Response) {
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: {}\r\n",
            response.status,
            reason(response.status),
            self.shared
                .clock
                .now()
                .to_chrono()
                .format("%a, %d %b %Y %H:%M:%S GMT"),
            response.content_type,
        );
        if let Body::Events(_) = response.body {
            head.push_str("Cache-Control: no-cache\r\n");
        }
        if self.gzip.is_some() {
            head.push_str("Content-Encoding: gzip\r\n");
        }
        head.push_str(if self.closes() {
            "Connection: close\r\n"
        } else {
            "Connection: keep-alive\r\n"
        });
        match self.framing {
            Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
            Framing::Length(length) => head.push_str(&format!("Content-Length: {length}\r\n")),
            Framing::UntilClose => {}
        }
        head.push_str(&response.lines);
        head.push_str("\r\n");
        self.out.extend_from_slice(head.as_bytes());
    }

    /// Frames bytes of the body.
    async fn put_body(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        let compressed;
        let bytes = match &mut self.gzip {
            Some(gzip) => {
                gzip.write_all(bytes)
                    .and_then(|()| gzip.flush())
                    .expect("a vector takes every byte");
                compressed = std::mem::take(gzip.get_mut());
                &compressed
            }
            None => bytes,
        };
        if self.faults.contains(&Fault::OneByteChunks) {
            for byte in bytes {
                self.put_framed(&[*byte]);
                self.flush().await?;
            }
        } else {
            self.put_framed(bytes);
        }
        Ok(())
    }

    fn put_framed(&mut self, bytes: &[u8]) {
        // An empty chunk would be the last one.
        if bytes.is_empty() {
            return;
        }
        self.gathered += bytes.len() as u64;
        if self.framing == Framing::Chunked {
            write!(self.out, "{:x}\r\n", bytes.len()).expect("a vector takes every byte");
            self.out.extend_from_slice(bytes);
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.out.extend_from_slice(bytes);
        }
    }

    fn put_end(&mut self) {
        if let Some(gzip) = self.gzip.take() {
            let rest = gzip.finish().expect("a vector takes every byte");
            self.put_framed(&rest);
        }
        if self.framing == Framing::Chunked {
            self.out.extend_from_slice(b"0\r\n\r\n");
        }
    }

    async fn flush(&mut self) -> Result<(), Stopped> {
        if self.out.is_empty() {
            return Ok(());
        }
        let written = self.connection.write(&self.out).await;
        written.map_err(|gone| self.gone(gone))?;
        self.sent += std::mem::take(&mut self.gathered);
        self.events = 0;
        self.out.clear();
        Ok(())
    }

    const fn gone(&self, _: Gone) -> Stopped {
        Stopped::Gone {
            body_bytes: self.sent,
            is_last: self.is_completed,
        }
    }

    const fn cut(&self, resets: bool) -> Stopped {
        Stopped::Cut {
            body_bytes: self.sent,
            resets,
        }
    }
}

/// Makes one piece of the body; its length.
fn collapse(body: &mut Body) -> usize {
    let mut bytes = Vec::new();
    while body.next(&mut bytes).is_some() {}
    let billed = body.billed();
    let length = bytes.len();
    *body = Body::whole(bytes, billed);
    length
}

/// The words after a status code.
pub(crate) const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        529 => "Overloaded",
        _ => "Status",
    }
}
