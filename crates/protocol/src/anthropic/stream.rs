use memchr::memmem;

use crate::json;
use crate::sse::{Event, EventReader};
use crate::{AnswerSummary, StreamProgress, StreamReader};

use super::answer::Answer;

/// The longest event that is read as JSON. Real ones have a few kilobytes.
const MAX_EVENT: usize = 1024 * 1024;

/// The longest delta whose text is told apart from its wrapping.
const MAX_DELTA: usize = 64 * 1024;

/// What precedes a delta. No text can hold it: its quotes would be escaped.
const DELTA: &[u8] = b"\"delta\"";

/// Reads a stream of Anthropic's events.
///
/// Events are known by their `event:` line alone, and one that has none is passed over, as in the SDKs. An event
/// of an unknown name is part of the answer.
pub(super) struct Reader {
    events: EventReader,
    seen: Seen,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            events: EventReader::new(kept),
            seen: Seen {
                progress: StreamProgress::new(),
                answer: Answer::default(),
            },
        }
    }
}

impl StreamReader for Reader {
    fn push(&mut self, chunk: &[u8]) {
        self.events.push(chunk, |event| self.seen.read(&event));
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
        // The name may stand below the data.
        b"" | b"message_start" | b"message_delta" | b"error" => MAX_EVENT,
        b"content_block_delta" => MAX_DELTA,
        _ => 0,
    }
}

/// What the events so far have told.
struct Seen {
    progress: StreamProgress,
    answer: Answer,
}

impl Seen {
    fn read(&mut self, event: &Event<'_>) {
        if self.progress.is_over() {
            return;
        }
        match event.name {
            b"" | b"ping" => {}
            b"error" => {
                self.progress.fail(event.data, event.start);
            }
            _ if event.len == 0 => {}
            b"message_start" => {
                if event.is_whole() {
                    self.answer.read_start(event.data);
                }
            }
            b"message_stop" => self.progress.finish(),
            name => {
                self.progress.begin();
                match name {
                    b"message_delta" if event.is_whole() => self.answer.read_delta(event.data),
                    b"content_block_delta" => self.progress.add_text(text_len(event)),
                    _ => {}
                }
            }
        }
    }
}

/// The bytes of text in a `content_block_delta`. Signatures and citations are not output of the model.
fn text_len(event: &Event<'_>) -> usize {
    if !event.is_whole() {
        return event.len;
    }
    // Found by its key: a step over what comes before it would cost more than all the rest.
    let Some(key) = memmem::find(event.data, DELTA) else {
        return 0;
    };
    let value = event.data[key + DELTA.len()..].trim_ascii_start();
    let Some(delta) = value.strip_prefix(b":") else {
        return 0;
    };
    json::members(delta)
        .map_while(Result::ok)
        .filter(|member| matches!(&*member.key, b"text" | b"thinking" | b"partial_json"))
        .map(|member| json::text_len(member.value))
        .sum()
}
