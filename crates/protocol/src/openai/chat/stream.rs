use crate::json;
use crate::sse::{Event, EventReader};
use crate::{AnswerSummary, StreamPhase, StreamReader};

use super::answer::Answer;

/// The longest event that is read as JSON. Real ones have a few kilobytes.
const MAX_EVENT: usize = 1024 * 1024;

/// Bytes of UTF-8 text a token. Close to 4 in English prose, 3 in code; Chinese has 3 bytes a character.
const BYTES_PER_TOKEN: u64 = 4;

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
                phase: StreamPhase::Head,
                answer: Answer::default(),
                choices: Choices::default(),
                text_len: 0,
                error: Vec::new(),
            },
        }
    }
}

impl StreamReader for Reader {
    fn push(&mut self, chunk: &[u8]) {
        self.events.push(chunk, |event| self.seen.read(&event));
    }

    fn end(&mut self) {
        if self.seen.phase == StreamPhase::Complete {
            self.seen.phase = StreamPhase::Finished;
        }
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

/// What the chunks so far have told.
struct Seen {
    phase: StreamPhase,
    answer: Answer,
    choices: Choices,
    text_len: u64,
    error: Vec<u8>,
}

impl Seen {
    fn read(&mut self, event: &Event<'_>) {
        if let StreamPhase::Finished | StreamPhase::Failed = self.phase {
            return;
        }
        if event.name == b"error" {
            self.fail(event.data);
        } else if event.data.starts_with(b"[DONE]") {
            self.phase = StreamPhase::Finished;
        } else if event.is_whole() {
            self.read_chunk(event.data);
        } else {
            self.begin();
            self.text_len += event.len as u64;
        }
    }

    fn read_chunk(&mut self, chunk: &[u8]) {
        for member in json::members(chunk).map_while(Result::ok) {
            match &*member.key {
                b"error" if !json::is_null(member.value) => {
                    self.fail(chunk);
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
                    self.text_len += delta.text_len as u64;
                    if delta.has_content {
                        self.begin();
                    }
                }
                b"finish_reason" => is_finished = json::text_len(member.value) > 0,
                b"usage" => self.answer.read_usage_in(choice),
                _ => {}
            }
        }
        self.choices.see(index, is_finished);
        if is_finished && self.choices.are_finished() {
            self.phase = StreamPhase::Complete;
        }
    }

    fn begin(&mut self) {
        if self.phase == StreamPhase::Head {
            self.phase = StreamPhase::Content;
        }
    }

    fn fail(&mut self, error: &[u8]) {
        self.phase = StreamPhase::Failed;
        self.error = error.to_vec();
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
