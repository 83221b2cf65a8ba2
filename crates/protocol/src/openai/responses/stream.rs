use crate::json;
use crate::sse::Event;
use crate::{AnswerSummary, StreamProgress, StreamReader};

use super::answer::Answer;
use super::events::{Events, MAX_EVENT, kind};

/// The longest delta whose text is told apart from its wrapping.
const MAX_DELTA: usize = 64 * 1024;

/// Reads a stream of OpenAI's response events.
///
/// An event of an unknown name is part of the answer.
pub(super) struct Reader {
    events: Events,
    seen: Seen,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            events: Events::new(kept),
            seen: Seen {
                progress: StreamProgress::new(),
                answer: Answer::default(),
            },
        }
    }
}

impl StreamReader for Reader {
    fn push(&mut self, chunk: &[u8]) {
        self.events.push(chunk, |event, end| self.seen.read(event, end));
    }

    fn progress(&self) -> &StreamProgress {
        &self.seen.progress
    }

    fn unfinished_from(&self) -> Option<usize> {
        self.events.unfinished_from()
    }

    fn summary(&self) -> AnswerSummary {
        self.seen.answer.summary()
    }
}

/// How much of an event's data is needed.
fn kept(name: &[u8]) -> usize {
    match name {
        // The name may stand below the data, or not at all.
        b""
        | b"error"
        | b"response.created"
        | b"response.queued"
        | b"response.in_progress"
        | b"response.completed"
        | b"response.incomplete"
        | b"response.failed" => MAX_EVENT,
        name if name.ends_with(b".delta") => MAX_DELTA,
        _ => 0,
    }
}

/// What the events so far have told.
struct Seen {
    progress: StreamProgress,
    answer: Answer,
}

impl Seen {
    fn read(&mut self, event: &Event<'_>, end: &[u8]) {
        if self.progress.is_over() {
            return;
        }
        match &*kind(event) {
            b"" | b"keepalive" | b"ping" => {}
            b"error" => self.progress.fail(event.data, event.start),
            _ if event.len == 0 => {}
            b"response.created" | b"response.queued" | b"response.in_progress" => {
                self.read_response(event, end);
            }
            b"response.completed" | b"response.incomplete" => {
                self.read_response(event, end);
                self.progress.finish();
            }
            b"response.failed" => {
                self.read_response(event, end);
                self.progress.fail(event.data, event.start);
            }
            kind => {
                self.progress.begin();
                if kind.ends_with(b".delta") {
                    self.progress.add_text(text_len(event));
                }
            }
        }
    }

    fn read_response(&mut self, event: &Event<'_>, end: &[u8]) {
        if event.is_whole() {
            self.answer.read_event(event.data);
        } else {
            self.answer.read_ends(event.data, end);
        }
    }
}

/// The bytes of text in a delta.
fn text_len(event: &Event<'_>) -> usize {
    if !event.is_whole() {
        return event.len;
    }
    json::member(event.data, b"delta").map_or(0, json::text_len)
}
