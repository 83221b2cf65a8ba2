//! How entries lie in the bytes of a segment.
//!
//! A segment begins with [`HEADER`]. Behind it come frames, one for each entry, and then zeros up to the file's end.
//! A frame is [`MARK`], the length of the entry and a CRC-32 of length and entry (both `u32`, little-endian), and the
//! entry itself.

use std::ops::Range;

use memchr::memmem;

/// What a segment begins with; the number is the format's.
pub(super) const HEADER: [u8; 8] = *b"LEDGER1\n";

/// What an entry begins with. No UTF-8 text has it within.
const MARK: [u8; 4] = [0xff, b'E', 0xfe, b'\n'];

const FRAME_HEAD: usize = 12;

/// The longest that an entry may be.
pub(super) const MAX_ENTRY_BYTES: usize = 1 << 20;

/// Writes the frame of an entry, which is no longer than [`MAX_ENTRY_BYTES`].
pub(super) fn write(entry: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(entry.len()).unwrap_or(u32::MAX).to_le_bytes();
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum(length, entry).to_le_bytes());
    out.extend_from_slice(entry);
}

/// How long the frame of an entry of so many bytes is.
pub(super) const fn length(entry_bytes: usize) -> usize {
    FRAME_HEAD + entry_bytes
}

/// Where the frame of an entry begins.
pub(super) const fn start(entry: &Range<usize>) -> usize {
    entry.start - FRAME_HEAD
}

/// The entry of a frame, if nothing of it is damaged or missing.
pub(super) fn entry(frame: &[u8]) -> Option<&[u8]> {
    frame.get(entry_at(frame, 0)?)
}

/// Where everything is in a segment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// The entries that can be read, in order.
    pub(super) entries: Vec<Range<usize>>,
    /// What cannot be read, though it was once written in full.
    pub(super) damaged: Vec<Range<usize>>,
    /// The beginning of an entry whose end was never written.
    pub(super) torn: Option<Range<usize>>,
}

/// Reads a segment, however damaged.
pub(super) fn read(segment: &[u8]) -> Contents {
    let mut contents = Contents::default();
    let mut at = if segment.starts_with(&HEADER) {
        HEADER.len()
    } else {
        0
    };
    loop {
        if let Some(entry) = entry_at(segment, at) {
            at = entry.end;
            contents.entries.push(entry);
        } else if let Some(next) = next_entry(segment, at) {
            contents.damaged.push(at..next);
            at = next;
        } else {
            let written = segment
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1);
            if at < written {
                let rest = at..written;
                if is_beginning(&segment[rest.clone()]) {
                    contents.torn = Some(rest);
                } else {
                    contents.damaged.push(rest);
                }
            }
            return contents;
        }
    }
}

/// The entry whose frame begins at `at`.
fn entry_at(segment: &[u8], at: usize) -> Option<Range<usize>> {
    let frame = segment.get(at..)?;
    let head: &[u8; FRAME_HEAD] = frame.first_chunk()?;
    let [a, b, c, d, l0, l1, l2, l3, sum @ ..] = *head;
    let length = [l0, l1, l2, l3];
    let entry_length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    if [a, b, c, d] != MARK || entry_length > MAX_ENTRY_BYTES {
        return None;
    }
    let end = FRAME_HEAD + entry_length;
    let entry = frame.get(FRAME_HEAD..end)?;
    (checksum(length, entry) == u32::from_le_bytes(sum)).then(|| at + FRAME_HEAD..at + end)
}

/// Where the next frame begins that can be read.
fn next_entry(segment: &[u8], from: usize) -> Option<usize> {
    let rest = segment.get(from..)?;
    memmem::find_iter(rest, &MARK)
        .map(|offset| from + offset)
        .find(|at| entry_at(segment, *at).is_some())
}

/// Whether this, the last that was written, is less than the frame that it begins as.
fn is_beginning(rest: &[u8]) -> bool {
    if rest.len() < FRAME_HEAD {
        let mark = rest.len().min(MARK.len());
        return rest[..mark] == MARK[..mark];
    }
    let length = [rest[4], rest[5], rest[6], rest[7]];
    let whole = usize::try_from(u32::from_le_bytes(length)).map_or(usize::MAX, |entry| entry + FRAME_HEAD);
    rest.starts_with(&MARK) && rest.len() < whole && whole <= MAX_ENTRY_BYTES + FRAME_HEAD
}

fn checksum(length: [u8; 4], entry: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(entry);
    hasher.finalize()
}
