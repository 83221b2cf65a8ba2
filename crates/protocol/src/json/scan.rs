use std::borrow::Cow;
use std::ops::Range;

use super::string::end_of_string;
use super::value;

/// Arrays and objects within each other, the outermost included.
const MAX_DEPTH: u32 = 128;

/// The text is not what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub(crate) struct SyntaxError {
    problem: &'static str,
    at: usize,
}

/// One `"key": value` of an object.
pub(crate) struct Member<'a> {
    /// Without its quotes; escapes are resolved where they can be.
    pub(crate) key: Cow<'a, [u8]>,
    pub(crate) value: &'a [u8],
    /// Where `value` stands in the text.
    pub(crate) span: Range<usize>,
    /// Where the key stands, its quotes included.
    pub(super) key_span: Range<usize>,
}

/// The members of the object that `text` is, and nothing but it.
///
/// Each is checked strictly as it is passed over; the last item is the error when there is one. Takes time
/// linear in the text and no stack or heap that grows with it. UTF-8 is for the caller to check.
pub(crate) fn members(text: &[u8]) -> Members<'_> {
    Members(List::new(text, *b"{}", "expected `{`"))
}

/// The elements of the array that `text` is, otherwise as [`members`].
pub(crate) fn elements(text: &[u8]) -> Elements<'_> {
    Elements(List::new(text, *b"[]", "expected `[`"))
}

/// The value of the first member called `key`, if `text` is an object that has one.
pub(crate) fn member<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    members(text)
        .flatten()
        .find(|member| *member.key == *key)
        .map(|member| member.value)
}

/// See [`members`].
pub(crate) struct Members<'a>(List<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Result<Member<'a>, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(|scanner| {
            let key = scanner.key()?;
            let span = scanner.value()?;
            let value = &scanner.text[span.clone()];
            Ok(Member {
                key: value::key(&scanner.text[key.clone()]),
                value,
                span,
                key_span: key,
            })
        })
    }
}

/// See [`elements`].
pub(crate) struct Elements<'a>(List<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Result<&'a [u8], SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0
            .next(|scanner| scanner.value().map(|span| &scanner.text[span]))
    }
}

impl<'a> Elements<'a> {
    /// Where the elements stand in the text.
    pub(super) fn spans(mut self) -> impl Iterator<Item = Result<Range<usize>, SyntaxError>> + use<'a> {
        std::iter::from_fn(move || self.0.next(Scanner::value))
    }
}

/// What objects and arrays have in common.
struct List<'a> {
    scanner: Scanner<'a>,
    brackets: [u8; 2],
    /// What is wrong when the text is no such list.
    otherwise: &'static str,
    place: Place,
}

enum Place {
    Before,
    Inside,
    After,
}

impl<'a> List<'a> {
    fn new(text: &'a [u8], brackets: [u8; 2], otherwise: &'static str) -> Self {
        Self {
            scanner: Scanner { text, at: 0 },
            brackets,
            otherwise,
            place: Place::Before,
        }
    }

    fn next<T>(
        &mut self,
        item: impl FnOnce(&mut Scanner<'a>) -> Result<T, SyntaxError>,
    ) -> Option<Result<T, SyntaxError>> {
        let next = self
            .advance()
            .and_then(|more| more.then(|| item(&mut self.scanner)).transpose());
        if next.is_err() {
            self.place = Place::After;
        }
        next.transpose()
    }

    /// Goes to the start of the next item, or behind the end when there is none.
    fn advance(&mut self) -> Result<bool, SyntaxError> {
        let scanner = &mut self.scanner;
        let [open, close] = self.brackets;
        let ends = match self.place {
            Place::After => return Ok(false),
            Place::Before => {
                scanner.skip_space();
                scanner.expect(open, self.otherwise)?;
                scanner.skip_space();
                scanner.take(close)
            }
            Place::Inside => {
                scanner.skip_space();
                let ends = scanner.take(close);
                if !ends {
                    scanner.expect(b',', "expected `,` or a closing bracket")?;
                    scanner.skip_space();
                }
                ends
            }
        };
        if !ends {
            self.place = Place::Inside;
            return Ok(true);
        }
        self.place = Place::After;
        scanner.skip_space();
        match scanner.peek() {
            None => Ok(false),
            Some(_) => Err(scanner.error("trailing characters")),
        }
    }
}

/// A place in a JSON text, from which whole values are passed over.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    /// Passes over one value inside a list. Not recursive: what is open is kept in the bits of one integer.
    fn value(&mut self) -> Result<Range<usize>, SyntaxError> {
        let start = self.at;
        let mut open = Open::default();
        loop {
            match self.peek() {
                Some(b'"') => self.string().map(drop)?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(bracket @ (b'{' | b'[')) => {
                    open.push(bracket == b'{')
                        .map_err(|problem| self.error(problem))?;
                    self.at += 1;
                    self.skip_space();
                    if !self.take(open.close()) {
                        self.start_item(&open)?;
                        continue;
                    }
                    open.pop();
                }
                _ => return Err(self.error("expected a value")),
            }
            while !open.is_empty() {
                self.skip_space();
                if self.take(b',') {
                    self.skip_space();
                    self.start_item(&open)?;
                    break;
                }
                self.expect(open.close(), "expected `,` or a closing bracket")?;
                open.pop();
            }
            if open.is_empty() {
                return Ok(start..self.at);
            }
        }
    }

    fn start_item(&mut self, open: &Open) -> Result<(), SyntaxError> {
        if open.is_object() {
            self.key()?;
        }
        Ok(())
    }

    /// Passes over a key and its colon, up to the value.
    fn key(&mut self) -> Result<Range<usize>, SyntaxError> {
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a key in double quotes"));
        }
        let key = self.string()?;
        self.skip_space();
        self.expect(b':', "expected `:`")?;
        self.skip_space();
        Ok(key)
    }

    /// Passes over a string; we stand at its opening quote.
    fn string(&mut self) -> Result<Range<usize>, SyntaxError> {
        let start = self.at;
        match end_of_string(self.text, start + 1) {
            Ok(end) => {
                self.at = end;
                Ok(start..end)
            }
            Err((problem, at)) => Err(SyntaxError { problem, at }),
        }
    }

    fn number(&mut self) -> Result<(), SyntaxError> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        let count = self.text[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if count == 0 {
            return Err(self.error("expected a digit"));
        }
        self.at += count;
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Result<(), SyntaxError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, problem: &'static str) -> Result<(), SyntaxError> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.error(problem))
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn error(&self, problem: &'static str) -> SyntaxError {
        SyntaxError { problem, at: self.at }
    }
}

/// The arrays and objects that are open within a list's item.
#[derive(Default)]
struct Open {
    depth: u32,
    /// The lowest bit is the innermost: 1 for an object.
    kinds: u128,
}

impl Open {
    fn push(&mut self, is_object: bool) -> Result<(), &'static str> {
        // The list around the item counts too.
        if self.depth + 1 >= MAX_DEPTH {
            return Err("more than 128 levels of nesting");
        }
        self.depth += 1;
        self.kinds = (self.kinds << 1) | u128::from(is_object);
        Ok(())
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.kinds >>= 1;
    }

    fn is_empty(&self) -> bool {
        self.depth == 0
    }

    fn is_object(&self) -> bool {
        self.kinds & 1 == 1
    }

    fn close(&self) -> u8 {
        if self.is_object() { b'}' } else { b']' }
    }
}
