use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr2, memmem};

use crate::json::{self, Edits};
use crate::sse::EventReader;
use crate::translation::Rewriter;
use crate::{ErrorAnswer, Passing, Peek};

use super::super::error;
use super::{event, foreign};

/// The longest event that is held until it is whole. Real ones have a few kilobytes.
const MAX_HELD: usize = 1024 * 1024;

/// See [`Codec::pass`](crate::Codec::pass).
pub(super) fn pass(body: &Bytes, peek: &Peek) -> Passing {
    let mut edits = Edits::default();
    foreign::take_marks_out(body, &mut edits);
    let rewriter: Option<fn() -> Box<dyn Rewriter + Send>> = if !peek.stream {
        None
    } else if let Some(wish) = usage_wish(body) {
        edits.replace(wish.span, wish.text);
        Some(|| Box::new(WholeEvents::new(true)))
    } else {
        Some(|| Box::new(WholeEvents::new(false)))
    };
    Passing {
        body: edits.apply(body),
        rewriter,
    }
}

/// What makes a request ask for its usage.
struct UsageWish {
    span: Range<usize>,
    text: &'static [u8],
}

/// How a streamed request that does not ask for its usage is made to; `None` if it does, or if there is no telling.
fn usage_wish(body: &[u8]) -> Option<UsageWish> {
    let options = json::members(body)
        .map_while(Result::ok)
        .find(|member| *member.key == *b"stream_options");
    let Some(options) = options else {
        let start = body.iter().position(|byte| *byte == b'{')? + 1;
        return Some(UsageWish {
            span: start..start,
            text: b"\"stream_options\":{\"include_usage\":true},",
        });
    };
    if json::is_null(options.value) {
        return Some(UsageWish {
            span: options.span,
            text: b"{\"include_usage\":true}",
        });
    }
    let start = options.span.start;
    let mut members = json::members(options.value).map_while(Result::ok).peekable();
    let is_empty = members.peek().is_none();
    // Of two the last counts, for those who take two at all.
    match members.filter(|member| *member.key == *b"include_usage").last() {
        Some(wish) if matches!(wish.value, b"false" | b"null") => Some(UsageWish {
            span: start + wish.span.start..start + wish.span.end,
            text: b"true",
        }),
        Some(_) => None,
        None => Some(UsageWish {
            span: start + 1..start + 1,
            text: if is_empty {
                b"\"include_usage\":true"
            } else {
                b"\"include_usage\":true,"
            },
        }),
    }
}

/// Passes a stream on event by event, each as it is: the SDKs break on half of one, and do not get to the error that
/// follows it. The usage that only the gateway asked for is left out.
struct WholeEvents {
    hides_usage: bool,
    /// The bytes of the event that is not over yet.
    held: Vec<u8>,
    /// Whether that event is too long to be held: what there is of it has been passed on.
    is_too_long: bool,
    is_line_empty: bool,
    is_after_cr: bool,
    /// Whether the last event was left out, and with it what is left of its line end.
    is_hidden: bool,
    /// Whether the stream has said that it is over.
    is_over: bool,
}

impl WholeEvents {
    const fn new(hides_usage: bool) -> Self {
        Self {
            hides_usage,
            held: Vec::new(),
            is_too_long: false,
            is_line_empty: true,
            is_after_cr: false,
            is_hidden: false,
            is_over: false,
        }
    }

    /// Where the event that is not over yet ends in `bytes`.
    fn end_of_event(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            if let Some(next) = bytes.get(at)
                && std::mem::take(&mut self.is_after_cr)
                && *next == b'\n'
            {
                at += 1;
            }
            let Some(found) = memchr2(b'\n', b'\r', &bytes[at..]) else {
                self.is_line_empty &= at == bytes.len();
                return None;
            };
            let is_blank = self.is_line_empty && found == 0;
            at += found + 1;
            self.is_line_empty = true;
            self.is_after_cr = bytes[at - 1] == b'\r';
            if is_blank {
                return Some(at);
            }
        }
    }

    /// Passes an event on that ends with `last`.
    fn end_event(&mut self, last: &[u8], out: &mut Vec<u8>) {
        if std::mem::take(&mut self.is_too_long) {
            out.extend_from_slice(last);
            return;
        }
        let held = std::mem::take(&mut self.held);
        let joined;
        let event = if held.is_empty() {
            last
        } else {
            joined = [held.as_slice(), last].concat();
            &joined
        };
        match Meaning::of(event) {
            Meaning::Usage if self.hides_usage => self.is_hidden = true,
            Meaning::End => {
                self.is_over = true;
                out.extend_from_slice(event);
            }
            Meaning::Usage | Meaning::Content => out.extend_from_slice(event),
        }
    }

    fn hold(&mut self, rest: &[u8], out: &mut Vec<u8>) {
        if self.held.len() + rest.len() > MAX_HELD {
            self.is_too_long = true;
            out.append(&mut self.held);
            self.held = Vec::new();
        }
        if self.is_too_long {
            out.extend_from_slice(rest);
        } else {
            self.held.extend_from_slice(rest);
        }
    }
}

impl Rewriter for WholeEvents {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut rest = chunk;
        // The second half of the line end of an event that is over.
        let is_between = self.is_line_empty && self.held.is_empty() && !self.is_too_long;
        if self.is_after_cr
            && is_between
            && let Some(after) = rest.strip_prefix(b"\n")
        {
            self.is_after_cr = false;
            if !self.is_hidden {
                out.push(b'\n');
            }
            rest = after;
        }
        while let Some(end) = self.end_of_event(rest) {
            self.is_hidden = false;
            let has_second_half = self.is_after_cr && rest.get(end) == Some(&b'\n');
            let end = end + usize::from(has_second_half);
            self.is_after_cr &= !has_second_half;
            self.end_event(&rest[..end], out);
            rest = &rest[end..];
        }
        if !rest.is_empty() {
            self.hold(rest, out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
        self.is_over = true;
    }

    fn fail(&mut self, error: &ErrorAnswer<'_>, out: &mut Vec<u8>) {
        self.held = Vec::new();
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        if std::mem::take(&mut self.is_too_long) {
            out.extend_from_slice(b"\n\n");
        }
        out.extend_from_slice(&event(&error::error_body(error)));
    }
}

/// What an event is for.
#[derive(PartialEq, Eq)]
enum Meaning {
    Content,
    /// The chunk behind the last choice that tells the usage, and nothing else.
    Usage,
    /// `[DONE]`, or an error.
    End,
}

impl Meaning {
    fn of(event: &[u8]) -> Self {
        let has = |word: &[u8]| memmem::find(event, word).is_some();
        if !has(b"\"usage\"") && !has(b"\"error\"") && !has(b"[DONE]") {
            return Self::Content;
        }
        let mut meaning = Self::Content;
        let mut reader = EventReader::new(|_| MAX_HELD);
        reader.push(event, |event| meaning = Self::of_data(event.data));
        meaning
    }

    fn of_data(data: &[u8]) -> Self {
        if data.starts_with(b"[DONE]") {
            return Self::End;
        }
        let mut has_usage = false;
        let mut has_choices = false;
        for member in json::members(data) {
            let Ok(member) = member else {
                return Self::Content;
            };
            match &*member.key {
                b"error" if !json::is_null(member.value) => return Self::End,
                b"usage" => has_usage = member.value.starts_with(b"{"),
                b"choices" if !json::is_null(member.value) => {
                    has_choices = json::elements(member.value).next().is_some();
                }
                _ => {}
            }
        }
        if has_usage && !has_choices {
            Self::Usage
        } else {
            Self::Content
        }
    }
}
