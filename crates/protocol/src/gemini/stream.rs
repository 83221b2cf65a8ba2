use crate::json;
use crate::sse::{Event, EventReader};
use crate::{AnswerSummary, StreamPhase, StreamReader};

use super::answer::Answer;
use super::finish::Finish;

/// The longest event that is read. Only pictures are longer than a few kilobytes, and these are cut off.
const MAX_EVENT: usize = 8 * 1024 * 1024;

/// Bytes of UTF-8 text a token. Close to 4 in English prose, 3 in code; Chinese has 3 bytes a character.
const BYTES_PER_TOKEN: u64 = 4;

/// Reads a stream of Gemini's events: `data:` lines, and nothing else of what the standard has.
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

/// What the events so far have told.
struct Seen {
    phase: StreamPhase,
    answer: Answer,
    text_len: u64,
    error: Vec<u8>,
}

impl Seen {
    fn read(&mut self, event: &Event<'_>) {
        if let StreamPhase::Finished | StreamPhase::Failed = self.phase {
            return;
        }
        if !event.is_whole() {
            // Nothing but content is that long.
            self.begin();
            return;
        }
        // One that broke off says nothing, wherever it did.
        if !json::members(event.data).all(|member| member.is_ok()) {
            return;
        }
        let said = self.answer.read(event.data);
        self.text_len += said.text_len as u64;
        if said.has_content {
            self.begin();
        }
        let is_lost = said.finish == Some(Finish::Failed) && self.phase == StreamPhase::Head;
        if said.is_error || is_lost {
            self.phase = StreamPhase::Failed;
            self.error = event.data.to_vec();
        } else if said.finish.is_some() || said.is_blocked {
            self.phase = StreamPhase::Complete;
        }
    }

    fn begin(&mut self) {
        if self.phase == StreamPhase::Head {
            self.phase = StreamPhase::Content;
        }
    }
}
