/// Characters of a provider's message that are kept.
const MAX_CHARS: usize = 200;
/// Characters that are looked at: what is cut off is not worth cleaning.
const MAX_READ: usize = 2_000;
/// Letters and digits in a row that are no word of any language.
const SECRET_LENGTH: usize = 32;
/// How keys begin, in small letters.
const SECRET_PREFIXES: [&str; 9] = [
    "sk-", "sk_", "pk-", "aiza", "ya29.", "eyj", "gsk_", "xai-", "akia",
];
const REDACTED: &str = "[redacted]";

/// A provider's own words in one line that can be stored and shown: short, printable, without what looks like a
/// key.
pub(crate) fn one_line(text: &str) -> String {
    let printable: String = text
        .chars()
        .take(MAX_READ)
        .map(|letter| if is_printable(letter) { letter } else { ' ' })
        .collect();
    let words: Vec<&str> = printable.split_whitespace().collect();
    let mut line = String::new();
    let mut follows_bearer = false;
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        if follows_bearer && word.len() >= 16 {
            line.push_str(REDACTED);
        } else {
            push_redacted(&mut line, word);
        }
        follows_bearer = word.trim_matches(['"', '\'', '`']).eq_ignore_ascii_case("bearer");
    }
    clipped(line)
}

/// An error's type as providers write it, or nothing if it is not such a word.
pub(crate) fn word(text: &str) -> Option<&str> {
    let is_word = (1..=60).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    (is_word && !is_secret(text)).then_some(text)
}

/// Control characters break lines and terminals; those that set the direction of writing deceive readers.
fn is_printable(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn push_redacted(line: &mut String, word: &str) {
    let mut rest = word;
    while !rest.is_empty() {
        let length = rest.find(|letter| !is_of_token(letter)).unwrap_or(rest.len());
        let (token, after) = rest.split_at(length);
        line.push_str(if is_secret(token) { REDACTED } else { token });
        let separator = after.chars().next().map_or(0, char::len_utf8);
        line.push_str(&after[..separator]);
        rest = &after[separator..];
    }
}

const fn is_of_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '/' | '+' | '~')
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

fn clipped(line: String) -> String {
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use rstest::rstest;

    use super::{MAX_CHARS, one_line, word};

    #[rstest]
    #[case("Overloaded", "Overloaded")]
    #[case("  two\r\nlines\t\u{1b}[31mred\u{7}", "two lines [31mred")]
    #[case("invalid x-api-key", "invalid x-api-key")]
    #[case(
        "messages.0.content.1.tool_use.input: Input should be valid",
        "messages.0.content.1.tool_use.input: Input should be valid"
    )]
    #[case("model: claude-sonnet-4-5-20250929", "model: claude-sonnet-4-5-20250929")]
    #[case(
        "Incorrect API key provided: sk-ant-api03-abc.",
        "Incorrect API key provided: [redacted]"
    )]
    #[case(
        "see https://a.example/v1?key=AIzaSyA1234567",
        "see https://a.example/v1?key=[redacted]"
    )]
    #[case(
        "token \"Bearer abcdefghijklmnop\" is bad",
        "token \"Bearer [redacted] is bad"
    )]
    #[case("Bearer token is missing", "Bearer token is missing")]
    #[case("jwt eyJhbGciOiJIUzI1NiJ9.e30.abc refused", "jwt [redacted] refused")]
    #[case("key 0123456789abcdef0123456789abcdef!", "key [redacted]!")]
    #[case("key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "key [redacted]")]
    fn provider_messages_become_one_safe_line(#[case] message: &str, #[case] expected: &str) {
        assert_eq!(one_line(message), expected);
    }

    #[test]
    fn a_type_is_a_word_or_nothing() {
        assert_eq!(word("rate_limit_error"), Some("rate_limit_error"));
        for text in [
            "",
            "two words",
            "line\nbreak",
            "sk-ant-0123456789",
            &"x".repeat(61),
        ] {
            assert_eq!(word(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_line_is_short_and_printable_whatever_comes(text in "\\PC{0,400}|[\\x00-\\x7f]{0,400}") {
            let line = one_line(&text);
            assert!(line.chars().count() <= MAX_CHARS + 1);
            assert!(!line.chars().any(char::is_control));
        }

        #[test]
        fn a_key_is_found_wherever_it_stands(
            before in "[ a-z:=\"(]{0,20}[ :=\"(]",
            key in "sk-[A-Za-z0-9_-]{10,60}",
            after in "[ ,)\"][ a-z]{0,20}",
        ) {
            assert!(!one_line(&format!("{before}{key}{after}")).contains(&key));
        }
    }
}
