use crate::json;
use crate::sse::{Event, EventReader};
use crate::{AnswerSummary, StreamProgress, StreamReader};

use super::answer::Answer;

/// The longest event that is read as JSON. Real ones have a few kilobytes.
const MAX_EVENT: usize = 1024 * 1024;

/// Reads a stream of chunks.
pub(super) struct Reader {
    events: EventReader,
    seen: Seen,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            events: EventReader::new(|_| MAX_EVENT),
            seen: Seen {
                progress: StreamProgress::new(),
                answer: Answer::default(),
                choices: Choices::default(),
            },
        }
    }
}

impl StreamReader for Reader {
    fn push(&mut self, chunk: &[u8]) {
        self.events.push(chunk, |event| self.seen.read(&event));
    }

    fn end(&mut self) {
        self.seen.progress.end();
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

/// What the chunks so far have told.
struct Seen {
    progress: StreamProgress,
    answer: Answer,
    choices: Choices,
}

impl Seen {
    fn read(&mut self, event: &Event<'_>) {
        if self.progress.is_over() {
            return;
        }
        if event.name == b"error" {
            self.progress.fail(event.data, event.start);
        } else if event.data.starts_with(b"[DONE]") {
            self.progress.finish();
        } else if event.is_whole() {
            self.read_chunk(event.data, event.start);
        } else {
            self.progress.begin();
            self.progress.add_text(event.len);
        }
    }

    fn read_chunk(&mut self, chunk: &[u8], start: usize) {
        for member in json::members(chunk).map_while(Result::ok) {
            match &*member.key {
                b"error" if !json::is_null(member.value) => {
                    self.progress.fail(chunk, start);
                    return;
                }
                b"choices" => {
                    for choice in json::elements(member.value).map_while(Result::ok) {
                        self.read_choice(choice);
                    }
                }
                _ => self.answer.read_member(&member),
            }
        }
    }

    fn read_choice(&mut self, choice: &[u8]) {
        let mut index = 0;
        let mut is_finished = false;
        for member in json::members(choice).map_while(Result::ok) {
            match &*member.key {
                b"index" => index = json::count(member.value).unwrap_or_default(),
                b"delta" => {
                    let delta = Delta::read(member.value);
                    self.progress.add_text(delta.text_len);
                    if delta.has_content {
                        self.progress.begin();
                    }
                }
                b"finish_reason" => is_finished = json::text_len(member.value) > 0,
                b"usage" => self.answer.read_usage_in(choice),
                _ => {}
            }
        }
        self.choices.see(index, is_finished);
        if is_finished && self.choices.are_finished() {
            self.progress.complete();
        }
    }
}

/// Which of the choices have begun, and which have ended: the bits of their indices. OpenAI gives at most 128.
#[derive(Default)]
struct Choices {
    begun: u128,
    finished: u128,
}

impl Choices {
    fn see(&mut self, index: u32, is_finished: bool) {
        let bit = 1_u128.checked_shl(index).unwrap_or_default();
        self.begun |= bit;
        if is_finished {
            self.finished |= bit;
        }
    }

    const fn are_finished(&self) -> bool {
        self.begun == self.finished
    }
}

/// What a delta brings.
#[derive(Default)]
struct Delta {
    /// Whether it is more than the role, which precedes every answer.
    has_content: bool,
    /// The bytes of text that the model wrote.
    text_len: usize,
}

impl Delta {
    fn read(delta: &[u8]) -> Self {
        let mut read = Self::default();
        for member in json::members(delta).map_while(Result::ok) {
            match &*member.key {
                b"content" | b"reasoning_content" | b"reasoning" | b"refusal" => {
                    let len = json::text_len(member.value);
                    read.text_len += len;
                    read.has_content |= len > 0 || member.value.starts_with(b"[");
                }
                b"tool_calls" => {
                    for call in json::elements(member.value).map_while(Result::ok) {
                        read.has_content = true;
                        read.text_len += call_len(call);
                    }
                }
                b"function_call" => {
                    read.has_content |= !json::is_null(member.value);
                    read.text_len += text_len_in(member.value, b"arguments");
                }
                b"audio" => read.has_content |= !json::is_null(member.value),
                _ => {}
            }
        }
        read
    }
}

/// The bytes of a call's arguments.
fn call_len(call: &[u8]) -> usize {
    json::members(call)
        .map_while(Result::ok)
        .map(|member| match &*member.key {
            b"function" => text_len_in(member.value, b"arguments"),
            b"custom" => text_len_in(member.value, b"input"),
            _ => 0,
        })
        .sum()
}

fn text_len_in(object: &[u8], key: &[u8]) -> usize {
    json::member(object, key).map_or(0, json::text_len)
}
