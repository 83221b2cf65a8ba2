/// Bytes of each value that are looked at, from either end.
const SAMPLE: usize = 4 * 1024;

/// Tells lists of texts from one another, the same on every machine and in every release.
///
/// Long texts are sampled at both ends: fit for deciding where a request goes, never for telling whether two are equal.
#[must_use]
pub fn fingerprint(texts: &[&[u8]]) -> u64 {
    let mut fingerprint = Fingerprint::new();
    for text in texts {
        fingerprint.add(text);
    }
    fingerprint.finish()
}

/// Tells texts from one another by their beginnings, ends and lengths: the same on every machine and in every release.
///
/// Long texts are sampled, since this is done for every request and decides nothing but where it goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) const fn new() -> Self {
        Self(0x51_7c_c1_b7_27_22_0a_95)
    }

    pub(crate) fn add(&mut self, value: &[u8]) {
        self.word(value.len() as u64);
        match (value.first_chunk::<SAMPLE>(), value.last_chunk::<SAMPLE>()) {
            (Some(start), Some(end)) if value.len() > 2 * SAMPLE => {
                self.bytes(start);
                self.bytes(end);
            }
            _ => self.bytes(value),
        }
    }

    /// Never zero, which would look like nothing.
    pub(crate) const fn finish(self) -> u64 {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (hash ^ (hash >> 31)) | 1
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
    }

    const fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29);
    }
}

#[cfg(test)]
mod tests {
    use super::fingerprint as of;

    #[test]
    fn texts_are_told_apart_and_the_same_text_never_changes() {
        let long = vec![b'a'; 100_000];
        let mut other_end = long.clone();
        other_end[99_999] = b'b';
        let all = [
            of(&[]),
            of(&[b""]),
            of(&[b"a"]),
            of(&[b"a", b""]),
            of(&[b"ab"]),
            of(&[b"a", b"b"]),
            of(&[&long]),
            of(&[&long[1..]]),
            of(&[&other_end]),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(!all[..place].contains(one), "{place}");
        }
        // Other instances, of other versions too, must come to the same.
        assert_eq!(of(&[b"Hello"]), 7_735_645_734_215_004_695);
    }
}
