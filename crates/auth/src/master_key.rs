use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hkdf;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

const MIN_BYTES: usize = 32;

/// The one secret that seals credentials and keys the hashes of API keys.
///
/// Never used itself: each use has a key of its own, derived by HKDF-SHA-256 with a label. Wiped from memory
/// when dropped.
pub struct MasterKey {
    // Invariant: at least `MIN_BYTES` long.
    bytes: Zeroizing<Vec<u8>>,
}

impl MasterKey {
    /// The key with these bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidMasterKey::TooShort`] below 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidMasterKey> {
        if bytes.len() < MIN_BYTES {
            return Err(InvalidMasterKey::TooShort { bytes: bytes.len() });
        }
        Ok(Self {
            bytes: Zeroizing::new(bytes.to_vec()),
        })
    }

    /// The key that API keys are hashed with as long as none is kept of its own.
    #[must_use]
    pub fn api_key_hash_key(&self) -> Zeroizing<[u8; 32]> {
        self.derive("api key hash v1")
    }

    /// A key for one use, which tells nothing about the others.
    pub(crate) fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"llm-gateway master key v1")
            .extract(&self.bytes)
            .expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|output| output.fill(derived.as_mut()))
            .expect("HKDF-SHA-256 gives up to 8160 bytes, and 32 are asked for");
        derived
    }
}

impl FromStr for MasterKey {
    type Err = InvalidMasterKey;

    /// Reads hexadecimal digits, or base64 in either alphabet with or without padding; white space around
    /// it, such as a file's last line end, is ignored.
    fn from_str(text: &str) -> Result<Self, InvalidMasterKey> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidMasterKey::TooShort { bytes: 0 });
        }
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Hexadecimal digits are base64 too. Read as such, half of a hexadecimal key would pass for a whole one.
        let bytes = if is_hex {
            decode_hex(text)
        } else {
            decode_base64(text)
        };
        Self::from_bytes(&bytes.ok_or(InvalidMasterKey::Malformed)?)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// The text or the bytes cannot be a master key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMasterKey {
    /// Few enough bytes to be guessed.
    #[error(
        "the master key has {bytes} bytes and must have at least {MIN_BYTES}: make one with `openssl rand -base64 32`"
    )]
    TooShort {
        /// How many there are.
        bytes: usize,
    },
    /// Neither hexadecimal nor base64.
    #[error(
        "the master key is neither base64 nor an even number of hexadecimal digits: make one with `openssl rand -base64 32`"
    )]
    Malformed,
}

fn decode_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks_exact(2) {
        bytes.push(value(pair[0])? << 4 | value(pair[1])?);
    }
    Some(bytes)
}

fn decode_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    [&alphabet::STANDARD, &alphabet::URL_SAFE]
        .into_iter()
        .find_map(|alphabet| {
            bytes.clear();
            GeneralPurpose::new(alphabet, config)
                .decode_vec(text, &mut bytes)
                .ok()
        })?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{InvalidMasterKey, MasterKey};

    fn bytes_of(text: &str) -> Result<Vec<u8>, InvalidMasterKey> {
        text.parse::<MasterKey>().map(|key| key.bytes.to_vec())
    }

    #[test]
    fn reads_hexadecimal_and_both_kinds_of_base64() {
        let bytes: Vec<u8> = (0..32).map(|index| 255 - index).collect();
        let hex = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0";
        let standard = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=";
        for text in [
            hex,
            &hex.to_uppercase(),
            standard,
            standard.trim_end_matches('='),
            &standard.replace('/', "_").replace('+', "-"),
            &format!("\t{standard}\r\n"),
        ] {
            assert_eq!(bytes_of(text).as_ref(), Ok(&bytes), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_short_or_not_a_key() {
        let short = |bytes| Err(InvalidMasterKey::TooShort { bytes });
        assert_eq!(bytes_of(""), short(0));
        assert_eq!(bytes_of(" \n"), short(0));
        assert_eq!(bytes_of("c2hvcnQh"), short(6));
        assert_eq!(bytes_of(&"0f".repeat(31)), short(31));
        assert_eq!(bytes_of(&"f".repeat(63)), Err(InvalidMasterKey::Malformed));
        assert_eq!(
            bytes_of(&"not a key! ".repeat(9)),
            Err(InvalidMasterKey::Malformed)
        );
        assert_eq!(
            MasterKey::from_bytes(&[1; 31]).map(|_| ()),
            Err(InvalidMasterKey::TooShort { bytes: 31 })
        );
    }

    #[test]
    fn each_use_has_a_key_of_its_own() {
        let key = MasterKey::from_bytes(&[7; 32]).unwrap();
        let other = MasterKey::from_bytes(&[8; 32]).unwrap();
        assert_eq!(key.derive("a"), key.derive("a"));
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_ne!(key.derive("a"), other.derive("a"));
        assert_eq!(format!("{key:?}"), "MasterKey(..)");
    }
}
