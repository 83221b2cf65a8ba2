use std::time::Duration;

/// A small source of randomness, for jitter and for drawing lots; never for secrets.
///
/// Source: Vigna's xorshift64*.
#[derive(Debug, Clone)]
pub(crate) struct Chance(
    // Invariant: not zero, which xorshift never leaves.
    u64,
);

impl Chance {
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number that cannot be told from the ones before.
    pub(crate) const fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// `wait`, up to 20 % shorter or longer, so that accounts that went out together do not return together.
    pub(crate) fn around(&mut self, wait: Duration) -> Duration {
        let percent = 80 + u32::try_from(self.draw() % 41).unwrap_or(20);
        wait.saturating_mul(percent) / 100
    }
}

/// Spreads a number over all 64 bits: numbers that are close come to lie far apart.
///
/// Source: splitmix64's finalizer.
pub(crate) const fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Chance;

    #[test]
    fn jitter_stays_within_a_fifth() {
        for seed in 0..1_000 {
            let wait = Chance::seeded(seed).around(Duration::from_secs(10));
            assert!(
                (Duration::from_secs(8)..=Duration::from_secs(12)).contains(&wait),
                "{wait:?}"
            );
        }
    }
}
