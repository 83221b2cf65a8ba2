use crate::Result;
use crate::cli::Soak;
use crate::test;

/// Repeats what the tests of the binary do a few times.
pub(crate) fn run(soak: Soak, rounds: Option<u32>, release: bool) -> Result<()> {
    let (proof, usual) = match soak {
        Soak::Crash => ("killing::whatever_was_answered", 50),
        Soak::Database => ("outage::", 20),
        Soak::Disk => ("full_disk::", 5),
        // Every byte of an entry.
        Soak::Damage => ("torn::a_torn", 10_000),
    };
    test::repeat(proof, rounds.unwrap_or(usual), release)
}
