use crate::json;
use crate::sse::{Event, EventReader};
use crate::translation::Rewriter;
use crate::{ErrorAnswer, ErrorKind, Framing};

use super::error;
use super::framing::Framer;

/// The longest event that is passed on. A picture in its highest resolution comes in one.
const MAX_EVENT: usize = 32 * 1024 * 1024;

/// Makes one JSON array of a stream of events, element by element.
///
/// An element goes on only when all of it has come, so that the array can be ended properly at any time.
pub(super) struct ArrayRewriter {
    events: EventReader,
    framer: Framer,
    is_over: bool,
}

impl ArrayRewriter {
    pub(super) fn new() -> Self {
        Self {
            events: EventReader::new(|_| MAX_EVENT),
            framer: Framer::new(Framing::Array),
            is_over: false,
        }
    }
}

impl Rewriter for ArrayRewriter {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let Self {
            events,
            framer,
            is_over,
        } = self;
        events.push(chunk, |event| {
            if !*is_over {
                *is_over = pass(&event, framer, out);
            }
        });
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.framer.end(out);
        }
    }

    fn fail(&mut self, error: &ErrorAnswer<'_>, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.framer.part(&error::body(error), out);
            self.framer.end(out);
        }
    }
}

/// Passes one event on, and tells whether it was the last one.
fn pass(event: &Event<'_>, framer: &mut Framer, out: &mut Vec<u8>) -> bool {
    if !event.is_whole() {
        let error = ErrorAnswer {
            kind: ErrorKind::BadGateway,
            message: "The provider's answer has a part that is too long",
            request_id: "",
            code: None,
            retry_after: None,
        };
        framer.part(&error::body(&error), out);
        framer.end(out);
        return true;
    }
    let mut is_error = false;
    for member in json::members(event.data) {
        // No element can be made of what is no JSON.
        let Ok(member) = member else { return false };
        is_error |= *member.key == *b"error";
    }
    framer.part(event.data, out);
    if is_error {
        framer.end(out);
    }
    is_error
}
