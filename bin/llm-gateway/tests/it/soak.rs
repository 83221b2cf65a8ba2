//! How long the proofs take: short by themselves, as long as one likes with `cargo xtask soak`.

use std::env;
use std::time::Instant;

/// How often a proof repeats what it does, which is `few` times unless somebody wants more.
#[expect(clippy::disallowed_methods, reason = "who runs the tests says how long")]
pub(crate) fn rounds(few: usize) -> usize {
    match env::var("SOAK_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("SOAK_ROUNDS is a number"),
        Err(_) => few,
    }
}

/// For what a proof tells of the time it took; nothing is asserted of that.
#[expect(clippy::disallowed_methods, reason = "it is this machine's time that is told")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
