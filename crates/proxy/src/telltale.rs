use memchr::memmem;
use percent_encoding::percent_decode;

/// What is shorter is no credential of any provider but a word that stands for none, and is found everywhere.
const SHORTEST: usize = 8;

/// Of a longer one three quarters are enough.
const LONG: usize = 32;

/// Whether `text` has `secret` in it as it is: for what is short, and read with every answer.
pub(crate) fn names(text: &[u8], secret: &str) -> bool {
    secret.len() >= SHORTEST && memmem::find(text, secret.as_bytes()).is_some()
}

/// Whether `text` tells `secret`, in any of the ways that a program writes it down: as it is, within JSON or an address, in
/// hexadecimal digits or base64.
pub(crate) fn tells(text: &[u8], secret: &str) -> bool {
    if secret.len() < SHORTEST {
        return false;
    }
    // Most of a long one is as good as all of it.
    let told = if secret.len() < LONG {
        secret.len()
    } else {
        secret.len() / 4 * 3
    };
    let secret = &secret.as_bytes()[..told];
    // What is quoted within JSON within JSON is escaped twice.
    let once = unescaped(text);
    let twice = unescaped(&once);
    let decoded: Vec<u8> = percent_decode(&twice).collect();
    let texts = [text, &once, &twice, &decoded].map(<[u8]>::to_ascii_lowercase);
    let coded = [hexadecimal(secret)].into_iter().chain(base64(secret));
    [secret.to_vec()]
        .into_iter()
        .chain(coded.filter(|coded| coded.len() >= SHORTEST))
        .map(|spelling| memmem::Finder::new(&spelling.to_ascii_lowercase()).into_owned())
        .any(|finder| texts.iter().any(|text| finder.find(text).is_some()))
}

/// The text with what a backslash stands for in JSON strings.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        plain.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.get(1..5).and_then(|digits| std::str::from_utf8(digits).ok());
        let character = match rest.first() {
            Some(b'u') => digits
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .and_then(char::from_u32)
                .inspect(|_| rest = &rest[4..]),
            Some(byte) => Some(char::from(*byte)),
            None => None,
        };
        if let Some(character) = character {
            plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    plain
}

fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| format!("{byte:02x}").into_bytes())
        .collect()
}

/// In base64 of both alphabets, wherever in it the bytes begin: what does not depend on those around them.
fn base64(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

    (0..3).flat_map(move |before| {
        let first = (3 - before) % 3;
        let whole = bytes.get(first..).unwrap_or_default();
        let whole = &whole[..whole.len() - whole.len() % 3];
        [STANDARD_NO_PAD.encode(whole), URL_SAFE_NO_PAD.encode(whole)].map(String::into_bytes)
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::{names, tells};

    const SECRET: &str = "sk-ant-api03-a/b+c_d=e?f~g>h";

    #[test]
    fn a_credential_is_found_however_it_is_written() {
        let hexadecimal: String = SECRET.bytes().map(|byte| format!("{byte:02X}")).collect();
        let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let escaped: String = SECRET
            .chars()
            .map(|char| format!("\\u{:04x}", u32::from(char)))
            .collect();
        for said in [
            SECRET.to_owned(),
            SECRET.to_uppercase(),
            SECRET.replace('/', "\\/"),
            SECRET.replace('-', "\\u002d"),
            SECRET.replace('/', "%2F").replace('+', "%2B"),
            SECRET.replace('-', "\\u0025\\u0032d"),
            SECRET.replace('-', "\\\\u002d"),
            hexadecimal,
            percent,
            escaped,
            STANDARD.encode(SECRET),
            STANDARD.encode(format!("Bearer {SECRET}")),
            STANDARD.encode(format!("x:{SECRET}, again")),
            URL_SAFE_NO_PAD.encode(format!("user:{SECRET}")),
        ] {
            let body = format!(r#"{{"error":{{"message":"no such key: {said}."}}}}"#);
            assert!(tells(body.as_bytes(), SECRET), "{said}");
        }
    }

    #[test]
    fn most_of_a_long_credential_tells_it() {
        let long = "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz";
        let body = format!("key {}… is wrong", &long[..40]);
        assert!(tells(body.as_bytes(), long));
        assert!(!tells(body.replace(&long[..20], "sk-ant-…").as_bytes(), long));
        assert!(names(format!("req_{long}").as_bytes(), long) && !names(b"req_1", long));
    }

    #[test]
    fn what_resembles_a_credential_is_none() {
        for said in [
            "sk-ant-api03-",
            "\\",
            "\\u",
            "\\u12",
            "\\ud800",
            "%",
            "%2",
            "",
            "your API key is wrong",
        ] {
            assert!(!tells(said.as_bytes(), SECRET), "{said}");
            assert!(!tells(said.as_bytes(), "wrong"), "{said}");
        }
        assert!(tells(b"key sk-12345 is wrong", "sk-12345"));
    }
}
