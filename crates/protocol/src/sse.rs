//! Server-sent events, read in passing. Source: the HTML standard, section 9.2.6.

use memchr::{memchr, memchr2};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// No field that is read has a longer name, with a byte order mark before it.
const MAX_FIELD: usize = 8;

/// No event that is read has a longer name.
const MAX_NAME: usize = 64;

/// A data buffer that has grown beyond this is given back after its event: streams live long, and are many.
const MAX_IDLE_DATA: usize = 8 * 1024;

/// One event.
pub(crate) struct Event<'a> {
    /// Empty when the event has none.
    pub(crate) name: &'a [u8],
    /// As much from the start of the data as was to be kept.
    pub(crate) data: &'a [u8],
    /// How long the data was.
    pub(crate) len: usize,
    /// Where in the chunk it begins; 0 when that was in an earlier one.
    pub(crate) start: usize,
}

impl Event<'_> {
    /// Whether `data` is all of it.
    pub(crate) fn is_whole(&self) -> bool {
        self.data.len() == self.len
    }
}

/// Cuts a stream into its events, wherever the chunks end.
pub(crate) struct EventReader {
    /// How many bytes of data to keep of an event of this name; the name is empty while it has not come.
    keep: fn(name: &[u8]) -> usize,
    is_first_line: bool,
    is_after_cr: bool,
    line: Line,
    /// The current line, up to its colon.
    field: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    /// The length of all data, kept or not; `None` before the first data line.
    data_len: Option<usize>,
    /// Where in the chunk the event begins that is read.
    start: usize,
}

/// Where in a line we are.
enum Line {
    BeforeColon,
    /// Behind the colon, before a space that is not part of the value.
    AfterColon(Field),
    Value(Field),
}

#[derive(Clone, Copy)]
enum Field {
    Name,
    Data,
    Other,
}

impl EventReader {
    pub(crate) fn new(keep: fn(name: &[u8]) -> usize) -> Self {
        Self {
            keep,
            is_first_line: true,
            is_after_cr: false,
            line: Line::BeforeColon,
            field: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            data_len: None,
            start: 0,
        }
    }

    /// Reads the next bytes and shows every event that they end.
    pub(crate) fn push(&mut self, chunk: &[u8], on_event: impl FnMut(Event<'_>)) {
        self.start_chunk();
        self.push_piece(0, chunk, on_event);
    }

    /// Begins to count in the next chunk, which comes in pieces.
    pub(crate) fn start_chunk(&mut self) {
        self.start = 0;
    }

    /// Reads a piece of a chunk that begins at `offset` in it.
    pub(crate) fn push_piece(&mut self, offset: usize, piece: &[u8], mut on_event: impl FnMut(Event<'_>)) {
        let mut rest = piece;
        while let Some(first) = rest.first() {
            if std::mem::take(&mut self.is_after_cr) && *first == b'\n' {
                rest = &rest[1..];
                if !self.is_mid_event() {
                    self.start = offset + piece.len() - rest.len();
                }
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', rest) else {
                self.read_piece(rest);
                return;
            };
            self.read_piece(&rest[..end]);
            let is_over = self.ends_event();
            if is_over {
                self.end_event(&mut on_event);
            }
            self.end_line();
            self.is_after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if is_over {
                self.start = offset + piece.len() - rest.len();
            }
        }
    }

    /// Whether a line or an event has begun that has not ended.
    pub(crate) fn is_mid_event(&self) -> bool {
        let is_mid_line = !self.field.is_empty() || !matches!(self.line, Line::BeforeColon);
        is_mid_line || !self.name.is_empty() || self.data_len.is_some()
    }

    /// Where in the last chunk the event begins that it left unfinished, if it left one; 0 when that was in an earlier one.
    pub(crate) fn unfinished_from(&self) -> Option<usize> {
        self.is_mid_event().then_some(self.start)
    }

    /// Reads a part of one line.
    fn read_piece(&mut self, mut piece: &[u8]) {
        if let Line::BeforeColon = self.line {
            let colon = memchr(b':', piece);
            append(
                &mut self.field,
                &piece[..colon.unwrap_or(piece.len())],
                MAX_FIELD + 1,
            );
            let Some(colon) = colon else { return };
            self.start_value();
            piece = &piece[colon + 1..];
        }
        if let (Line::AfterColon(field), Some(first)) = (&self.line, piece.first()) {
            self.line = Line::Value(*field);
            piece = &piece[usize::from(*first == b' ')..];
        }
        match self.line {
            Line::Value(Field::Name) => append(&mut self.name, piece, MAX_NAME),
            Line::Value(Field::Data) => self.append_data(piece),
            _ => {}
        }
    }

    fn start_value(&mut self) {
        let mut field = self.field.as_slice();
        if self.is_first_line {
            field = field.strip_prefix(BOM).unwrap_or(field);
        }
        let field = match field {
            b"event" => Field::Name,
            b"data" => Field::Data,
            _ => Field::Other,
        };
        self.line = Line::AfterColon(field);
        match field {
            Field::Name => self.name.clear(),
            Field::Data if self.data_len.is_some() => self.append_data(b"\n"),
            Field::Data => self.data_len = Some(0),
            Field::Other => {}
        }
    }

    fn append_data(&mut self, piece: &[u8]) {
        append(&mut self.data, piece, (self.keep)(&self.name));
        let len = self.data_len.unwrap_or_default();
        self.data_len = Some(len.saturating_add(piece.len()));
    }

    /// Whether the line that ends here is blank.
    fn ends_event(&self) -> bool {
        matches!(self.line, Line::BeforeColon) && self.field.is_empty()
    }

    fn end_line(&mut self) {
        if let Line::BeforeColon = self.line
            && !self.field.is_empty()
        {
            // A field without a colon has an empty value.
            self.start_value();
        }
        self.line = Line::BeforeColon;
        self.field.clear();
        self.is_first_line = false;
    }

    fn end_event(&mut self, on_event: &mut impl FnMut(Event<'_>)) {
        if !self.name.is_empty() || self.data_len.is_some() {
            let len = self.data_len.unwrap_or_default();
            on_event(Event {
                name: &self.name,
                data: &self.data,
                len,
                start: self.start,
            });
        }
        self.name.clear();
        self.data_len = None;
        self.data.clear();
        self.data.shrink_to(MAX_IDLE_DATA);
    }
}

/// Appends as much of `piece` as `max` bytes leave room for.
fn append(to: &mut Vec<u8>, piece: &[u8], max: usize) {
    let room = max.saturating_sub(to.len());
    to.extend_from_slice(&piece[..piece.len().min(room)]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

    use super::EventReader;

    type Seen = Vec<(String, String, usize)>;

    fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Seen, bool) {
        let mut reader = EventReader::new(|name| if name == b"short" { 4 } else { 1000 });
        let mut seen = Vec::new();
        for chunk in chunks {
            reader.push(chunk, |event| {
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                seen.push((text(event.name), text(event.data), event.len));
            });
        }
        (seen, reader.is_mid_event())
    }

    #[track_caller]
    fn check(stream: &str, expected: &[(&str, &str)]) {
        let (seen, _) = read([stream.as_bytes()]);
        let seen: Vec<_> = seen
            .iter()
            .map(|(name, data, _)| (name.as_str(), data.as_str()))
            .collect();
        assert_eq!(seen, expected, "{stream:?}");
    }

    #[test]
    fn all_line_ends_are_alike() {
        for end in ["\n", "\r\n", "\r"] {
            check(
                &format!("event: a{end}data: 1{end}{end}event: b{end}data: 2{end}{end}"),
                &[("a", "1"), ("b", "2")],
            );
        }
    }

    #[test]
    fn one_space_after_the_colon_is_not_of_the_value() {
        check("event:a\ndata:  x \n\n", &[("a", " x ")]);
    }

    #[test]
    fn data_lines_are_joined() {
        check("data: 1\ndata\ndata:\ndata: 2\n\n", &[("", "1\n\n\n2")]);
    }

    #[test]
    fn comments_and_unknown_fields_are_passed_over() {
        check(
            ": hello\n\nid: 7\nretry: 1\nevent: a\n:data: 0\ndatax: 0\ndata: 1\n\n",
            &[("a", "1")],
        );
    }

    #[test]
    fn the_last_event_line_counts() {
        check("event: a\nevent: b\ndata: 1\n\n", &[("b", "1")]);
        check("event: a\nevent\ndata: 1\n\n", &[("", "1")]);
    }

    #[test]
    fn a_byte_order_mark_counts_only_at_the_start() {
        check("\u{feff}event: a\n\n\u{feff}event: b\n\n", &[("a", "")]);
    }

    #[test]
    fn an_event_without_its_blank_line_is_not_over() {
        let (seen, is_mid_event) = read([b"event: a\ndata: 1\n".as_slice()]);
        assert!(seen.is_empty());
        assert!(is_mid_event);
    }

    #[test]
    fn only_what_is_wanted_is_kept() {
        let (seen, _) = read([b"event: short\ndata: 123456789\ndata: x\n\n".as_slice()]);
        assert_eq!(seen, [("short".to_owned(), "1234".to_owned(), 11)]);
    }

    fn streams() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "event: a",
                "event: short",
                "data: x",
                "data",
                ": c",
                "\n",
                "\r",
                "\r\n",
                "\n\n",
                "\u{feff}",
                ":",
            ])
            .prop_map(|piece| piece.as_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..4),
        ];
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn chunk_borders_do_not_matter(stream in streams(), size in 1_usize..8) {
            assert_eq!(read(stream.chunks(size)), read([stream.as_slice()]));
        }
    }
}
