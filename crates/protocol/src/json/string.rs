//! The way over a string: most bytes of a request lie within one.

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGH_BITS: u64 = ONES << 7;

/// Words that are looked at one by one before the wide steps begin: most strings and most stretches between two
/// escapes are shorter.
const SHORT: usize = 4;

/// The place behind the closing quote of the string whose inside begins at `at`.
///
/// # Errors
///
/// What is wrong, and where.
pub(super) fn end_of_string(text: &[u8], mut at: usize) -> Result<usize, (&'static str, usize)> {
    loop {
        at = skip_plain(text, at);
        match text.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => match escape_len(&text[at + 1..]) {
                Some(len) => at += 1 + len,
                None => return Err(("invalid escape", at)),
            },
            Some(_) => return Err(("control character in a string", at)),
            None => return Err(("string without an end", at)),
        }
    }
}

/// The length of the escape at the start of `text`, its backslash not counted.
fn escape_len(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(1),
        b'u' => text.get(1..5)?.iter().all(u8::is_ascii_hexdigit).then_some(5),
        _ => None,
    }
}

/// The first place from `at` on that means something inside a string: a quote, a backslash, a control character,
/// or the end of the text.
#[inline]
fn skip_plain(text: &[u8], mut at: usize) -> usize {
    let mut words = 0;
    while let Some(word) = text[at..].first_chunk() {
        if let Some(found) = first_special(*word) {
            return at + found;
        }
        at += 8;
        words += 1;
        if words == SHORT {
            at = skip_wide(text, at);
            words = 0;
        }
    }
    at + text[at..].iter().take_while(|byte| !is_special(**byte)).count()
}

fn skip_wide(text: &[u8], mut at: usize) -> usize {
    while let Some(block) = text[at..].first_chunk::<{ 8 * SHORT }>() {
        // Without an early exit, so that the compiler makes vector instructions of it.
        if block.iter().fold(false, |found, &byte| found | is_special(byte)) {
            break;
        }
        at += block.len();
    }
    at
}

fn is_special(byte: u8) -> bool {
    // Without branches, for the sake of `skip_wide`.
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

/// Source: "Bit Twiddling Hacks", `haszero` and `hasless`. A borrow can mark only bytes after the first hit.
#[inline]
fn first_special(word: [u8; 8]) -> Option<usize> {
    let word = u64::from_le_bytes(word);
    let quotes = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslashes = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    let controls = word.wrapping_sub(ONES * 0x20);
    let hits = (quotes | backslashes | controls) & !word & HIGH_BITS;
    (hits != 0).then(|| hits.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{is_special, skip_plain};

    #[test]
    fn every_byte_is_judged_alike_at_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..80 {
                let mut text = [b'a'; 80];
                text[place] = byte;
                let expected = if is_special(byte) { place } else { 80 };
                assert_eq!(skip_plain(&text, 0), expected, "byte {byte:#x} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_slow_way(text: Vec<u8>, tail in any::<[u8; 3]>()) {
            let text = [text.as_slice(), &tail].concat();
            let slow = text.iter().take_while(|byte| !is_special(**byte)).count();
            assert_eq!(skip_plain(&text, 0), slow);
        }
    }
}
