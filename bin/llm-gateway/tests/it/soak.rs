//! How long the proofs take: short by themselves, as long as one likes with `cargo xtask soak`.

use std::env;

/// How often a proof repeats what it does, which is `few` times unless somebody wants more.
#[expect(clippy::disallowed_methods, reason = "who runs the tests says how long")]
pub(crate) fn rounds(few: usize) -> usize {
    match env::var("SOAK_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("SOAK_ROUNDS is a number"),
        Err(_) => few,
    }
}
