use std::fmt;

use zeroize::Zeroizing;

use crate::random;

const PREFIX: &str = "sk-gw-";
const PUBLIC_ID_CHARS: usize = 12;
/// 62^43 is a little more than 2^256.
const SECRET_CHARS: usize = 43;

/// What a client presents, once it has the form of an API key: `sk-gw-<public id>-<secret>`.
///
/// Says nothing about whether there is such a key.
#[derive(Clone, Copy)]
pub struct PresentedKey<'a> {
    // Invariant: ASCII in the form above, so that every byte is a character.
    text: &'a str,
}

impl<'a> PresentedKey<'a> {
    /// Reads the text of a key; `None` for anything else.
    ///
    /// The public id has 12 and the secret 43 characters of `0-9A-Za-z`. Nothing is trimmed.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (public_id, secret) = text.strip_prefix(PREFIX)?.split_once('-')?;
        let is_key = is_base62(public_id, PUBLIC_ID_CHARS) && is_base62(secret, SECRET_CHARS);
        is_key.then_some(Self { text })
    }

    /// The part that names the key and may be shown.
    #[must_use]
    pub fn public_id(&self) -> &'a str {
        &self.text[PREFIX.len()..PREFIX.len() + PUBLIC_ID_CHARS]
    }

    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }
}

impl fmt::Debug for PresentedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentedKey({PREFIX}{}-..)", self.public_id())
    }
}

/// How a key is shown where it must not be: `sk-gw-3fK9…`.
#[must_use]
pub fn key_prefix(public_id: &str) -> String {
    format!("{PREFIX}{}…", public_id.chars().take(4).collect::<String>())
}

pub(super) fn new_public_id() -> String {
    random::base62(PUBLIC_ID_CHARS).to_string()
}

pub(super) fn new_text(public_id: &str) -> Zeroizing<String> {
    let secret = random::base62(SECRET_CHARS);
    Zeroizing::new(format!("{PREFIX}{public_id}-{}", *secret))
}

fn is_base62(text: &str, chars: usize) -> bool {
    text.len() == chars && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
