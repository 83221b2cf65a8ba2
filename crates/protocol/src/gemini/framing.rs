use crate::Framing;

/// Puts the parts of a stream one after the other, as the client wants them told apart.
///
/// Events are lines of `data: ` and a blank one, with CRLF and nothing else: Google's SDK takes any other line for JSON.
pub(super) struct Framer {
    framing: Framing,
    is_begun: bool,
}

impl Framer {
    pub(super) const fn new(framing: Framing) -> Self {
        Self {
            framing,
            is_begun: false,
        }
    }

    /// Adds one part, which is a JSON object.
    pub(super) fn part(&mut self, json: &[u8], out: &mut Vec<u8>) {
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        let (start, end): (&[u8], &[u8]) = match self.framing {
            Framing::Events => (b"data: ", b"\r\n\r\n"),
            Framing::Array if is_first => (b"[", b""),
            Framing::Array => (b",\r\n", b""),
        };
        out.extend_from_slice(start);
        let from = out.len();
        out.extend_from_slice(json);
        if self.framing == Framing::Events {
            // Within JSON a line end is never more than space, but it would end the event's line.
            for byte in &mut out[from..] {
                if matches!(byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
        }
        out.extend_from_slice(end);
    }

    /// Ends the stream.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        if self.framing == Framing::Array {
            out.extend_from_slice(if self.is_begun { b"]" } else { b"[]" });
        }
    }
}
