use crate::draw::{Draw, hash};

const KEY: u64 = 0x0e4c_0ded_7e50_4b1d;
/// How sealed reasoning starts and ends, as at the provider.
const START: &str = "gAAAAA";
const END: &str = "==";
const HALF: usize = 64;

/// Reasoning that only the simulator can read, as `encrypted_content`.
pub(super) fn seal(draw: &mut Draw) -> String {
    let inside = draw.base62(HALF);
    format!("{START}{inside}{}{END}", proof(&inside))
}

/// Whether the simulator has sealed this.
pub(super) fn is_sealed(text: &str) -> bool {
    text.strip_prefix(START)
        .and_then(|rest| rest.strip_suffix(END))
        .and_then(|rest| rest.split_at_checked(HALF))
        .is_some_and(|(inside, own)| own == proof(inside))
}

fn proof(inside: &str) -> String {
    Draw::new(hash(KEY, inside.as_bytes())).base62(HALF)
}

#[cfg(test)]
mod tests {
    use super::{is_sealed, seal};
    use crate::draw::Draw;

    #[test]
    fn only_what_was_sealed_here_is_taken() {
        let sealed = seal(&mut Draw::new(1));
        assert!(is_sealed(&sealed));
        assert!(!is_sealed(&sealed.replace("==", "=")));
        assert!(!is_sealed(&sealed.replacen("gAAAAA", "gAAAAAx", 1)));
        assert!(!is_sealed("made up"));
    }
}
