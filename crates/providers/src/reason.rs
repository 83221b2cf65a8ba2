use http::StatusCode;

/// Letters and digits in a row that are no word of any language.
const SECRET_LENGTH: usize = 32;
/// How keys begin, in small letters.
const SECRET_PREFIXES: [&str; 9] = [
    "sk-", "sk_", "pk-", "aiza", "ya29.", "eyj", "gsk_", "xai-", "akia",
];

/// The reason of a fault: its status, and those of the texts that are words, each once.
pub(crate) fn of<'a>(status: Option<StatusCode>, texts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in texts.into_iter().flatten().filter_map(word) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let status = status.as_ref().map(StatusCode::as_str);
    let parts: Vec<&str> = status.into_iter().chain(words).collect();
    if parts.is_empty() {
        "an error that cannot be read".to_owned()
    } else {
        parts.join(" ")
    }
}

/// An error's type as providers write it, or nothing if it is not such a word.
fn word(text: &str) -> Option<&str> {
    let is_word = (1..=60).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    (is_word && !is_secret(text)).then_some(text)
}

fn is_secret(token: &str) -> bool {
    let has_prefix = SECRET_PREFIXES.iter().any(|prefix| {
        token
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    });
    let has = |test: fn(&u8) -> bool| token.as_bytes().iter().any(test);
    // Dots and slashes part the words of a path; base64 has slashes too, but no dots, and letters of both cases.
    let is_base64 = token.len() >= SECRET_LENGTH
        && !token.contains('.')
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase);
    (has_prefix && token.len() >= 8) || is_base64 || token.split(['.', '/']).any(is_random)
}

fn is_random(part: &str) -> bool {
    part.len() >= SECRET_LENGTH
        && part.bytes().any(|byte| byte.is_ascii_digit())
        && part.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn a_type_is_a_word_or_nothing() {
        assert_eq!(word("rate_limit_error"), Some("rate_limit_error"));
        for text in [
            "",
            "two words",
            "line\nbreak",
            "sk-ant-api03-0123456789",
            "key 0123456789abcdef0123456789abcdef",
            &"x".repeat(61),
        ] {
            assert_eq!(word(text), None, "{text}");
        }
    }
}
