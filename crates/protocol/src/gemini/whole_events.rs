use memchr::memchr2;

use crate::ErrorAnswer;
use crate::Framing;
use crate::translation::Rewriter;

use super::error;
use super::framing::Framer;

/// The longest event that is held until it is whole.
const MAX_HELD: usize = 8 * 1024 * 1024;

/// What ends an event that has broken off.
pub(super) const ABANDONED: &[u8] = b"\r\n\r\n";

/// Passes a stream on event by event, each byte as it is.
///
/// Google's SDK breaks on half an event and does not get to the error that follows it, and there is nothing to put
/// behind one that makes it pass over it.
#[derive(Default)]
pub(super) struct WholeEvents {
    /// The bytes of the event that is not over yet.
    held: Vec<u8>,
    /// Whether some of that event has been passed on, since it is too long to be held.
    is_begun: bool,
    has_line: bool,
    is_after_cr: bool,
    is_over: bool,
}

impl WholeEvents {
    /// How much of `chunk` belongs to events that end in it.
    fn ended(&mut self, chunk: &[u8]) -> usize {
        let (mut ended, mut at) = (0, 0);
        if std::mem::take(&mut self.is_after_cr) && chunk.starts_with(b"\n") {
            // The other half of a line end, which belongs to the event if that is over.
            at = 1;
            ended = usize::from(self.held.is_empty() && !self.is_begun);
        }
        while let Some(found) = memchr2(b'\n', b'\r', &chunk[at..]) {
            let is_blank = !self.has_line && found == 0;
            at += found + 1;
            if chunk[at - 1] == b'\r' {
                match chunk.get(at) {
                    Some(b'\n') => at += 1,
                    Some(_) => {}
                    None => self.is_after_cr = true,
                }
            }
            self.has_line = false;
            if is_blank {
                ended = at;
            }
        }
        self.has_line |= at < chunk.len();
        ended
    }
}

impl Rewriter for WholeEvents {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let (over, rest) = chunk.split_at(self.ended(chunk));
        if !over.is_empty() {
            out.append(&mut self.held);
            out.extend_from_slice(over);
            self.is_begun = false;
        }
        if self.is_begun || self.held.len() + rest.len() > MAX_HELD {
            self.is_begun = true;
            out.append(&mut self.held);
            out.extend_from_slice(rest);
        } else {
            self.held.extend_from_slice(rest);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.is_over, true) {
            out.append(&mut self.held);
        }
    }

    fn fail(&mut self, error: &ErrorAnswer<'_>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        if self.is_begun {
            out.extend_from_slice(ABANDONED);
        }
        Framer::new(Framing::Events).part(&error::body(error), out);
    }
}
