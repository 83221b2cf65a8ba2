//! Ids of tool calls, in which a provider's signature rides through clients that echo nothing else.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use base64::{alphabet, engine};
use memchr::memmem;

use super::{Origin, Signature};
use crate::fingerprint;
use crate::json::{self, Edits, Located};

/// What stands between an id and the signature that rides in it.
pub(crate) const MARK: &str = "_gs1_";

/// Reads both alphabets' base64 with or without padding, as proto3 JSON does.
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const LENIENT: GeneralPurposeConfig = engine::GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// The id under which a client shall know a call: with Gemini's signature in it, as characters of
/// `[A-Za-z0-9_-]` only.
///
/// Other signatures need no carrying in ids, since they stand in thinking blocks.
pub(super) fn with_signature(id: &str, signature: Option<&Signature>) -> String {
    let bytes = signature
        .filter(|signature| signature.origin == Origin::Gemini)
        .and_then(|signature| decode(&signature.value));
    match bytes {
        Some(bytes) => {
            let text = general_purpose::URL_SAFE_NO_PAD.encode(bytes);
            format!("{id}{MARK}{text}")
        }
        None => id.to_owned(),
    }
}

/// The id as the provider knows it, and the signature that rode in it.
pub(super) fn split(id: &str) -> (&str, Option<Signature>) {
    let Some((own, text)) = id.split_once(MARK) else {
        return (id, None);
    };
    match general_purpose::URL_SAFE_NO_PAD.decode(text) {
        Ok(bytes) => {
            let value = general_purpose::STANDARD.encode(bytes);
            (own, Some(Signature::new(Origin::Gemini, value)))
        }
        // It only looks like one of ours.
        Err(_) => (id, None),
    }
}

/// Puts the id that the provider gave in the place of one that a signature rides in, [fitted](fit) where it is too long.
pub(crate) fn unload(id: Located<'_>, max_length: usize, edits: &mut Edits) {
    // Nobody escapes what needs no escape, and most ids carry nothing.
    if memmem::find(id.value, MARK.as_bytes()).is_none() {
        return;
    }
    if let Some(text) = json::text(id.value)
        && let (own, Some(_)) = split(&text)
    {
        edits.replace(id.span(), json::to_bytes(&fit(own, max_length)));
    }
}

/// `id` if it has `1..=max_length` characters of `[A-Za-z0-9_-]`, else one that has and that is the same for equal ids.
pub(crate) fn fit(id: &str, max_length: usize) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=max_length).contains(&id.len()) && id.bytes().all(is_plain) {
        Cow::Borrowed(id)
    } else {
        Cow::Owned(format!("call_{:016x}", fingerprint(&[id.as_bytes()])))
    }
}

/// Base64 of either alphabet, with or without padding.
pub(crate) fn decode(base64: &str) -> Option<Vec<u8>> {
    let standard: String = base64
        .chars()
        .map(|char| match char {
            '-' => '+',
            '_' => '/',
            char => char,
        })
        .collect();
    STANDARD.decode(standard).ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::{any, proptest};

    use super::{decode, fit, split, with_signature};
    use crate::translation::{Origin, Signature};

    proptest! {
        #[test]
        fn a_signature_rides_in_an_id(id in "[a-zA-Z0-9]{1,30}", bytes in proptest::collection::vec(any::<u8>(), 1..2_000)) {
            let signature = Signature::new(Origin::Gemini, STANDARD.encode(&bytes));
            let ridden = with_signature(&id, Some(&signature));
            assert!(ridden.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)));
            assert_eq!(split(&ridden), (id.as_str(), Some(signature)));
        }

        #[test]
        fn both_alphabets_are_read(bytes: Vec<u8>) {
            assert_eq!(decode(&STANDARD.encode(&bytes)).as_deref(), Some(bytes.as_slice()));
            assert_eq!(decode(&URL_SAFE.encode(&bytes)).as_deref(), Some(bytes.as_slice()));
        }

        #[test]
        fn a_fitted_id_fits(id: String) {
            let fitted = fit(&id, 40);
            assert!((1..=40).contains(&fitted.len()));
            assert!(fitted.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)));
            assert_eq!(fit(&id, 40), fitted);
        }
    }

    #[test]
    fn an_id_without_a_signature_stays_as_it_is() {
        assert_eq!(with_signature("toolu_1", None), "toolu_1");
        let anthropic = Signature::new(Origin::Anthropic, "abc");
        assert_eq!(with_signature("toolu_1", Some(&anthropic)), "toolu_1");
        assert_eq!(split("toolu_1"), ("toolu_1", None));
        assert_eq!(split("a_gs1_!"), ("a_gs1_!", None));
    }
}
