/// Something that goes wrong on purpose.
///
/// Events are counted from the start of the stream, in the dialect that it is in. At Anthropic's, `message_start` is the
/// first, a `ping` the second, then come `content_block_start` and its deltas; at Gemini's, every chunk is one. An
/// answer that is not a stream counts as one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset (RST).
    Reset(Point),
    /// The connection is closed (FIN) as if the provider's process had died: a chunked body stays without its
    /// end, a body of known length stays short.
    HangUp(Point),
    /// Nothing more is sent, while the connection stays open until the client leaves.
    Stall(Point),
    /// The stream ends after this many events, cleanly for HTTP: the last chunk is sent, `message_stop` or its like is not.
    /// With zero, a 200 without any content.
    EndAfter(usize),
    /// An `error` event after this many events, and the end of the stream. An answer that is not a stream
    /// becomes a plain error of that type.
    ErrorEvent {
        /// How many events come before.
        after: usize,
        /// The `error.type`, such as `overloaded_error`, or what a dialect has in its place, such as `UNAVAILABLE`.
        kind: String,
    },
    /// The request's body is read in pieces of `bytes` with a pause of `pause_ms` milliseconds after each.
    SlowRead {
        /// The most that is read at once.
        bytes: usize,
        /// The pause after each piece, in milliseconds.
        pause_ms: u64,
    },
    /// `content-length` promises this many bytes more than the body has; then the connection is closed.
    LongContentLength(usize),
    /// After this many events, bytes that are neither JSON nor server-sent events.
    Garbage(usize),
    /// The body is gzip, whatever the client accepts.
    Gzip,
    /// Every byte of the body is a chunk and a write of its own.
    OneByteChunks,
    /// The text of the answer has this many bytes. It ignores `max_tokens`, and a delta has 16 KiB.
    Huge(usize),
}

/// A place in the bytes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The request was read, nothing is sent.
    BeforeHead,
    /// In the middle of the headers.
    InHead,
    /// After the head and this many events.
    AfterEvents(usize),
    /// In the middle of the event that follows this many others.
    InEvent(usize),
}

impl Fault {
    /// Where the connection itself fails.
    pub(crate) const fn point(&self) -> Option<Point> {
        match self {
            Self::Reset(point) | Self::HangUp(point) | Self::Stall(point) => Some(*point),
            _ => None,
        }
    }
}
