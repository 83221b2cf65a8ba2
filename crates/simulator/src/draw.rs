/// A small deterministic source of choices: the same seed draws the same things on every machine.
///
/// Source: splitmix64 (Steele, Lea, Flood, 2014).
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `end`, which must not be zero.
    pub(crate) const fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Whether a thing of this probability, from 0 to 1, happens.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        // 53 bits are what an f64 holds exactly.
        ((self.next() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// Letters and digits, as in the provider's ids.
    pub(crate) fn base62(&mut self, length: usize) -> String {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        (0..length).map(|_| char::from(DIGITS[self.below(62)])).collect()
    }

    /// Prose of at least `bytes` ASCII characters, cut there.
    pub(crate) fn prose(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        let mut words_left = 0;
        while text.len() < bytes {
            let word = WORDS[self.below(WORDS.len())];
            if words_left == 0 {
                words_left = 5 + self.below(9);
                if !text.is_empty() {
                    text.push_str(". ");
                }
                text.push_str(&word[..1].to_ascii_uppercase());
                text.push_str(&word[1..]);
            } else {
                text.push(' ');
                text.push_str(word);
            }
            words_left -= 1;
        }
        text.truncate(bytes.saturating_sub(1));
        if bytes > 0 {
            text.push('.');
        }
        text
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A hash that never changes from one release of Rust to the next, for answers that follow from the request.
pub(crate) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(8);
    let mut state = mix(seed ^ bytes.len() as u64);
    for word in &mut words {
        let mut own = [0; 8];
        own.copy_from_slice(word);
        // One multiplication a word: a long prompt is hashed for every request.
        state = (state ^ u64::from_le_bytes(own))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29);
    }
    let mut last = [0; 8];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    mix(state ^ u64::from_le_bytes(last))
}

const WORDS: &[&str] = &[
    "a",
    "about",
    "after",
    "again",
    "all",
    "answer",
    "any",
    "because",
    "before",
    "between",
    "both",
    "but",
    "change",
    "clear",
    "could",
    "different",
    "each",
    "enough",
    "even",
    "every",
    "example",
    "few",
    "first",
    "follows",
    "for",
    "from",
    "given",
    "good",
    "has",
    "here",
    "how",
    "if",
    "in",
    "into",
    "is",
    "it",
    "just",
    "kind",
    "last",
    "less",
    "like",
    "list",
    "long",
    "may",
    "means",
    "more",
    "most",
    "need",
    "next",
    "not",
    "of",
    "often",
    "on",
    "one",
    "only",
    "or",
    "order",
    "other",
    "part",
    "place",
    "point",
    "question",
    "reads",
    "reason",
    "result",
    "same",
    "second",
    "short",
    "should",
    "simple",
    "since",
    "small",
    "so",
    "some",
    "step",
    "still",
    "such",
    "takes",
    "than",
    "that",
    "the",
    "then",
    "there",
    "these",
    "this",
    "though",
    "to",
    "true",
    "two",
    "under",
    "use",
    "value",
    "way",
    "well",
    "what",
    "when",
    "where",
    "which",
    "while",
    "with",
    "work",
    "would",
    "write",
    "yet",
];

#[cfg(test)]
mod tests {
    use super::{Draw, hash};

    #[test]
    fn the_same_seed_draws_the_same() {
        assert_eq!(Draw::new(7).prose(200), Draw::new(7).prose(200));
        assert_ne!(Draw::new(7).prose(200), Draw::new(8).prose(200));
        assert_eq!(Draw::new(1).prose(57).len(), 57);
    }

    #[test]
    fn a_chance_is_taken_as_often_as_it_says() {
        let mut draw = Draw::new(3);
        let taken = (0..10_000).filter(|_| draw.chance(0.1)).count();
        assert!((900..1100).contains(&taken), "{taken}");
        assert!(!draw.chance(0.0));
        assert!(draw.chance(1.0));
    }

    #[test]
    fn every_byte_counts_in_a_hash() {
        assert_ne!(hash(0, b"12345678"), hash(0, b"12345679"));
        assert_ne!(hash(0, b"123456789"), hash(0, b"12345678"));
        assert_ne!(hash(0, b"a\0"), hash(0, b"a"));
        assert_ne!(hash(0, b"a"), hash(1, b"a"));
    }
}
