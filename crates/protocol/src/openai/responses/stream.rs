use crate::json;
use crate::sse::Event;
use crate::{AnswerSummary, StreamPhase, StreamReader};

use super::answer::Answer;
use super::events::{Events, MAX_EVENT, kind};

/// The longest delta whose text is told apart from its wrapping.
const MAX_DELTA: usize = 64 * 1024;

/// Bytes of UTF-8 text a token. Close to 4 in English prose, 3 in code; Chinese has 3 bytes a character.
const BYTES_PER_TOKEN: u64 = 4;

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
                phase: StreamPhase::Head,
                answer: Answer::default(),
                text_len: 0,
                error: Vec::new(),
            },
        }
    }
}

impl StreamReader for Reader {
    fn push(&mut self, chunk: &[u8]) {
        self.events.push(chunk, |event, end| self.seen.read(event, end));
    }

    fn phase(&self) -> StreamPhase {
        self.seen.phase
    }

    fn is_mid_event(&self) -> bool {
        self.events.is_mid_event()
    }

    fn error_event(&self) -> Option<&[u8]> {
        (self.seen.phase == StreamPhase::Failed).then_some(&self.seen.error)
    }

    fn summary(&self) -> AnswerSummary {
        self.seen.answer.summary()
    }

    fn estimated_output_tokens(&self) -> u64 {
        self.seen.text_len.div_ceil(BYTES_PER_TOKEN)
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
    phase: StreamPhase,
    answer: Answer,
    text_len: u64,
    error: Vec<u8>,
}

impl Seen {
    fn read(&mut self, event: &Event<'_>, end: &[u8]) {
        if let StreamPhase::Finished | StreamPhase::Failed = self.phase {
            return;
        }
        match &*kind(event) {
            b"" | b"keepalive" | b"ping" => {}
            b"error" => self.fail(event),
            _ if event.len == 0 => {}
            b"response.created" | b"response.queued" | b"response.in_progress" => {
                self.read_response(event, end);
            }
            b"response.completed" | b"response.incomplete" => {
                self.read_response(event, end);
                self.phase = StreamPhase::Finished;
            }
            b"response.failed" => {
                self.read_response(event, end);
                self.fail(event);
            }
            kind => {
                self.phase = StreamPhase::Content;
                if kind.ends_with(b".delta") {
                    self.text_len += text_len(event) as u64;
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

    fn fail(&mut self, event: &Event<'_>) {
        self.phase = StreamPhase::Failed;
        self.error = event.data.to_vec();
    }
}

/// The bytes of text in a delta.
fn text_len(event: &Event<'_>) -> usize {
    if !event.is_whole() {
        return event.len;
    }
    json::member(event.data, b"delta").map_or(0, json::text_len)
}
