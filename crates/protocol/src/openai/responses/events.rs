use std::borrow::Cow;

use crate::json;
use crate::sse::{Event, EventReader};

/// The longest event of which all is kept, but for those that hold a part of the answer.
pub(super) const MAX_EVENT: usize = 1024 * 1024;
/// Of a longer one so much of the end is kept: behind the answer's items stand usage and request fields.
const END: usize = 64 * 1024;
/// Bytes that are read at once.
const PIECE: usize = 16 * 1024;

/// Cuts a stream into its events, and keeps the end of one that is too long to be kept whole.
pub(super) struct Events {
    reader: EventReader,
    len: usize,
    end: Vec<u8>,
}

impl Events {
    pub(super) fn new(keep: fn(name: &[u8]) -> usize) -> Self {
        Self {
            reader: EventReader::new(keep),
            len: 0,
            end: Vec::new(),
        }
    }

    /// Reads the next bytes and shows every event that they end; behind it the end of its data, if it is a long one.
    pub(super) fn push(&mut self, chunk: &[u8], mut on_event: impl FnMut(&Event<'_>, &[u8])) {
        self.reader.start_chunk();
        for (number, piece) in chunk.chunks(PIECE).enumerate() {
            let Self { reader, len, end } = self;
            *len += piece.len();
            // Well before the event is too long to be whole.
            if *len > MAX_EVENT / 2 {
                end.extend_from_slice(piece);
                if end.len() > 2 * END {
                    end.drain(..end.len() - END);
                }
            }
            reader.push_piece(number * PIECE, piece, |event| {
                on_event(&event, end);
                *len = 0;
                *end = Vec::new();
            });
        }
    }

    pub(super) fn unfinished_from(&self) -> Option<usize> {
        self.reader.unfinished_from()
    }
}

/// What an event is: by its name, or else by the type that its data tell. Empty for what is none, such as `[DONE]`.
pub(super) fn kind<'a>(event: &Event<'a>) -> Cow<'a, [u8]> {
    if !event.name.is_empty() {
        return Cow::Borrowed(event.name);
    }
    match json::member(event.data, b"type").and_then(json::text) {
        Some(kind) => Cow::Owned(kind.into_bytes()),
        None => match json::member(event.data, b"error") {
            Some(error) if !json::is_null(error) => Cow::Borrowed(b"error"),
            _ => Cow::Borrowed(b""),
        },
    }
}
