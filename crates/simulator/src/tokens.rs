/// How many tokens a text has: one for four bytes of ASCII, one for every other character.
///
/// Not the provider's tokenizer, but near it, additive enough and the same on every run.
pub(crate) fn tokens(text: &str) -> u64 {
    let bytes = text.len();
    // Continuation bytes are not characters; ASCII has none, and is the common case.
    let continuations = if text.is_ascii() {
        0
    } else {
        text.bytes().filter(|byte| byte & 0xc0 == 0x80).count()
    };
    let characters = bytes - continuations;
    let ascii = if continuations == 0 {
        bytes
    } else {
        text.bytes().filter(u8::is_ascii).count()
    };
    (ascii.div_ceil(4) + (characters - ascii)) as u64
}

/// The end of the longest start of `text` that has at most `limit` tokens.
pub(crate) fn end_of_tokens(text: &str, limit: u64) -> usize {
    let mut ascii = 0_u64;
    let mut other = 0_u64;
    for (at, character) in text.char_indices() {
        if character.is_ascii() {
            ascii += 1;
        } else {
            other += 1;
        }
        if ascii.div_ceil(4) + other > limit {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{end_of_tokens, tokens};

    #[test]
    fn text_is_counted_by_its_letters() {
        assert_eq!(tokens(""), 0);
        assert_eq!(tokens("a"), 1);
        assert_eq!(tokens("Hello, world"), 3);
        assert_eq!(tokens("你好世界"), 4);
        assert_eq!(tokens("né"), 2);
    }

    #[test]
    fn a_cut_has_as_many_tokens_as_allowed() {
        for text in ["Hello, world of tokens", "你好, 世界 and more", "né"] {
            for limit in 0..10 {
                let end = end_of_tokens(text, limit);
                assert!(tokens(&text[..end]) <= limit);
                assert!(end == text.len() || tokens(&text[..end]) == limit);
            }
        }
    }
}
