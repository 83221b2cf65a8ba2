use crate::draw::{Draw, hash};

const KEY: u64 = 0x005e_a1ed_0f71_4bad;
const HALF: usize = 88;

/// The signature of a thinking block: whoever changes the text or invents a signature is caught.
pub(crate) fn sign(thinking: &str) -> String {
    let mark = mark(thinking.as_bytes());
    format!("{mark}{}", self::mark(mark.as_bytes()))
}

/// Whether a signature belongs to this thinking. Text that was omitted from the answer comes back empty, so
/// that an empty text goes with every signature of ours.
pub(crate) fn is_signed(thinking: &str, signature: &str) -> bool {
    let Some((own, proof)) = signature.split_at_checked(HALF) else {
        return false;
    };
    proof == mark(own.as_bytes()) && (thinking.is_empty() || own == mark(thinking.as_bytes()))
}

fn mark(bytes: &[u8]) -> String {
    Draw::new(hash(KEY, bytes)).base62(HALF)
}

#[cfg(test)]
mod tests {
    use super::{is_signed, sign};

    #[test]
    fn only_the_own_text_goes_with_a_signature() {
        let signature = sign("Let me see.");
        assert!(is_signed("Let me see.", &signature));
        assert!(is_signed("", &signature));
        assert!(!is_signed("Let me see!", &signature));
        assert!(!is_signed("", "made up"));
        assert!(!is_signed("", &signature[1..]));
    }
}
