use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::draw::{Draw, hash};

const KEY: u64 = 0x7c09_51f0_93ab_de44;
/// Half the bytes of a signature. The provider's have a kilobyte and more.
const HALF: usize = 384;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Another signature for every seed: whoever invents or changes one is caught.
pub(super) fn sign(seed: u64) -> String {
    let mut bytes = mark(seed);
    let proof = mark(hash(KEY, &bytes));
    bytes.extend_from_slice(&proof);
    BASE64.encode(bytes)
}

/// Whether this simulator, or one of its kind, has made a signature.
pub(super) fn is_own(bytes: &[u8]) -> bool {
    bytes.len() == 2 * HALF && bytes[HALF..] == mark(hash(KEY, &bytes[..HALF]))
}

/// Bytes in base64, of the standard alphabet or the one for URLs, as clients send both.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.contains(['-', '_']) {
        let standard = text.replace('-', "+").replace('_', "/");
        return BASE64.decode(standard).ok();
    }
    BASE64.decode(text).ok()
}

fn mark(seed: u64) -> Vec<u8> {
    let mut draw = Draw::new(seed);
    (0..HALF / 8).flat_map(|_| draw.next().to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::{decode, is_own, sign};

    #[test]
    fn a_signature_is_known_in_either_alphabet() {
        let signature = sign(7);
        let for_urls = signature.replace('+', "-").replace('/', "_");
        assert_ne!(signature, for_urls);
        for text in [&signature, &for_urls] {
            assert!(is_own(&decode(text).unwrap()));
        }
        assert_ne!(sign(8), signature);
    }

    #[test]
    fn a_changed_or_invented_signature_is_not_ours() {
        let mut bytes = decode(&sign(7)).unwrap();
        bytes[3] ^= 1;
        assert!(!is_own(&bytes));
        assert!(!is_own(b"made up"));
        assert!(decode("not base64!").is_none());
    }
}
