use crate::json;
use crate::sse::{Event, EventReader};
use crate::{AnswerSummary, StreamPhase, StreamProgress, StreamReader};

use super::answer::Answer;
use super::finish::Finish;

/// The longest event that is read. Only pictures are longer than a few kilobytes, and these are cut off.
const MAX_EVENT: usize = 8 * 1024 * 1024;

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
        if !event.is_whole() {
            // Nothing but content is that long.
            self.progress.begin();
            return;
        }
        // One that broke off says nothing, wherever it did.
        if !json::members(event.data).all(|member| member.is_ok()) {
            return;
        }
        let said = self.answer.read(event.data);
        self.progress.add_text(said.text_len);
        if said.has_content {
            self.progress.begin();
        }
        let is_lost = said.finish == Some(Finish::Failed) && self.progress.phase() == StreamPhase::Head;
        if said.is_error || is_lost {
            self.progress.fail(event.data, event.start);
        } else if said.finish.is_some() || said.is_blocked {
            self.progress.complete();
        }
    }
}
