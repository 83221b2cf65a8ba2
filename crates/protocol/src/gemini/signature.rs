use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::translation::{Origin, Signature, decode_base64};

/// What Gemini documents in place of the signature of a call that none of its models has made.
pub(super) const SKIP: &str = "skip_thought_signature_validator";

/// [`SKIP`] as base64, in which clients take every signature to be.
pub(super) const FOREIGN: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// Reads a `thoughtSignature` that a client sends back: Gemini's own, or one that [`write()`] put there. `None` for
/// what is no base64 and for [`SKIP`], which stands for none.
///
/// The bytes count, not their spelling: Google's SDK writes them in the other alphabet.
pub(super) fn read(base64: &str) -> Option<Signature> {
    let bytes = decode_base64(base64).filter(|bytes| !bytes.is_empty())?;
    if is_skip(&bytes) {
        return None;
    }
    let foreign = str::from_utf8(&bytes)
        .ok()
        .map(|text| Signature::read(text, Origin::Gemini))
        .filter(|signature| signature.origin != Origin::Gemini);
    Some(foreign.unwrap_or_else(|| Signature::new(Origin::Gemini, STANDARD.encode(&bytes))))
}

/// Whether a signature stands for none. [`SKIP`] may have been taken for base64, or for bytes.
pub(super) fn is_skip(bytes: &[u8]) -> bool {
    bytes == SKIP.as_bytes() || decode_base64(SKIP).as_deref() == Some(bytes)
}

/// What to put into a `thoughtSignature` for a client.
pub(super) fn write(signature: &Signature) -> String {
    if signature.origin == Origin::Gemini {
        signature.value.clone()
    } else {
        STANDARD.encode(signature.marked_unless(Origin::Gemini))
    }
}

#[cfg(test)]
mod tests {
    use super::{FOREIGN, SKIP, read};

    #[test]
    fn what_stands_for_no_signature_is_none_in_every_spelling() {
        for spelling in [SKIP, FOREIGN, FOREIGN.trim_end_matches('=')] {
            assert_eq!(read(spelling), None, "{spelling}");
        }
    }
}
