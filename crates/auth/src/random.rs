use aws_lc_rs::rand;
use zeroize::Zeroizing;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Bytes that nobody can guess.
///
/// Not from a source that is passed in: what makes secrets must not be something that a caller can fix.
pub(crate) fn bytes<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::fill(bytes.as_mut()).expect("AWS-LC stops the process itself when the system has no randomness");
    bytes
}

/// Digits and letters that nobody can guess, each as likely as any other.
pub(crate) fn base62(length: usize) -> Zeroizing<String> {
    // The largest multiple of 62 that fits into a byte; bytes beyond would favour the first digits.
    const FAIR: u8 = 248;
    let mut text = Zeroizing::new(String::with_capacity(length));
    while text.len() < length {
        let drawn = bytes::<64>();
        let fair = drawn.iter().filter(|byte| **byte < FAIR);
        for byte in fair.take(length - text.len()) {
            text.push(char::from(BASE62[usize::from(byte % 62)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{BASE62, base62};

    #[test]
    fn every_digit_turns_up_and_no_text_twice() {
        let texts: HashSet<String> = (0..200).map(|_| base62(43).to_string()).collect();
        assert_eq!(texts.len(), 200);
        assert!(texts.iter().all(|text| text.len() == 43));
        let digits: HashSet<u8> = texts.iter().flat_map(|text| text.bytes()).collect();
        assert_eq!(digits, BASE62.iter().copied().collect());
    }
}
