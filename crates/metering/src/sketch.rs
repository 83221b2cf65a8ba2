use std::time::Duration;

/// Leading bits of a value that its bucket is known by, after the first.
const MANTISSA_BITS: u32 = 5;

/// Buckets of each power of two.
const STEPS: u64 = 1 << MANTISSA_BITS;

/// Bits of an entry that are the bucket; those below are the count, or how many bytes of it follow.
const COUNT_BITS: u16 = 5;

/// The largest count that an entry holds itself; the rest of its five bits' values say how many bytes of it follow.
const LARGEST_INLINE: u16 = 23;

/// How many durations there were of each length, as far as percentiles need it.
///
/// Lengths are kept as buckets, 32 for each power of two of microseconds: whatever is read from a sketch is within
/// 1/64, some 1.6 %, of the exact value, and exact below 64 µs. Counts are exact.
///
/// The encoding is a list of entries in any order, so that encodings are merged by writing one after the other: no
/// order of merging gives another result. Source: the buckets are those of HdrHistogram.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use gateway_metering::Sketch;
///
/// let (mut one, mut other) = (Sketch::default(), Sketch::default());
/// one.add(Duration::from_millis(400));
/// other.add(Duration::from_millis(900));
/// let both = Sketch::decode(&[one.encode(), other.encode()].concat())?;
/// assert_eq!(both.count(), 2);
/// let slowest = both.percentile(95).unwrap_or_default();
/// assert!(slowest.abs_diff(Duration::from_millis(900)) < Duration::from_millis(15));
/// # Ok::<(), gateway_metering::InvalidSketch>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {
    /// The bucket of the first of `counts`.
    first: u16,
    // Invariant: neither the first nor the last is zero.
    counts: Vec<u64>,
}

/// The bytes are no encoding of a [`Sketch`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a sketch of durations")]
pub struct InvalidSketch;

impl Sketch {
    /// Counts one more duration; fractions of a microsecond are cut off.
    pub fn add(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.add_to(bucket(micros), 1);
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in other.entries() {
            self.add_to(bucket, count);
        }
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The duration that so many in a hundred do not exceed, by nearest rank; `None` if nothing was counted.
    #[must_use]
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let (percent, count) = (u128::from(percent.min(100)), u128::from(self.count()));
        let rank = (count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        self.entries()
            .find(|(_, count)| {
                seen += u128::from(*count);
                seen >= rank
            })
            .map(|(bucket, _)| Duration::from_micros(middle(bucket)))
    }

    /// The counts as bytes: two for a bucket with few durations in it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 * self.counts.len());
        for (bucket, count) in self.entries() {
            let bucket = bucket << COUNT_BITS;
            match u16::try_from(count) {
                Ok(count) if count <= LARGEST_INLINE => {
                    bytes.extend_from_slice(&(bucket | count).to_be_bytes());
                }
                _ => {
                    let count = count.to_be_bytes();
                    let zeros = count.iter().take_while(|byte| **byte == 0).count();
                    let digits = &count[zeros..];
                    let length = LARGEST_INLINE + digits.len() as u16;
                    bytes.extend_from_slice(&(bucket | length).to_be_bytes());
                    bytes.extend_from_slice(digits);
                }
            }
        }
        bytes
    }

    /// Reads one or more encodings, one after the other, as the sketch of all that they counted.
    ///
    /// # Errors
    ///
    /// [`InvalidSketch`] if the bytes were not made by [`encode`](Self::encode).
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidSketch> {
        let mut sketch = Self::default();
        let mut rest = bytes;
        while let Some((entry, after)) = rest.split_first_chunk() {
            let entry = u16::from_be_bytes(*entry);
            let (bucket, count) = (entry >> COUNT_BITS, entry & ((1 << COUNT_BITS) - 1));
            let following = usize::from(count.saturating_sub(LARGEST_INLINE));
            let (more, after) = after.split_at_checked(following).ok_or(InvalidSketch)?;
            let count = match more {
                [] => u64::from(count),
                more => more.iter().fold(0, |count, byte| count << 8 | u64::from(*byte)),
            };
            if bucket > LAST_BUCKET || count == 0 {
                return Err(InvalidSketch);
            }
            sketch.add_to(bucket, count);
            rest = after;
        }
        if rest.is_empty() {
            Ok(sketch)
        } else {
            Err(InvalidSketch)
        }
    }

    fn add_to(&mut self, bucket: u16, count: u64) {
        if self.counts.is_empty() {
            self.first = bucket;
        }
        if bucket < self.first {
            let before = usize::from(self.first - bucket);
            self.counts.splice(..0, std::iter::repeat_n(0, before));
            self.first = bucket;
        }
        let place = usize::from(bucket - self.first);
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] = self.counts[place].saturating_add(count);
    }

    /// The buckets that have counted something, the shortest durations first.
    fn entries(&self) -> impl Iterator<Item = (u16, u64)> {
        let counted = (self.first..).zip(self.counts.iter().copied());
        counted.filter(|(_, count)| *count > 0)
    }
}

/// The bucket of the longest duration.
const LAST_BUCKET: u16 = 1919;

/// Values below 64 have a bucket each; above, a bucket is known by the highest six bits.
fn bucket(micros: u64) -> u16 {
    let exponent = micros.checked_ilog2().unwrap_or(0).saturating_sub(MANTISSA_BITS);
    let bucket = u64::from(exponent) * STEPS + (micros >> exponent);
    u16::try_from(bucket).expect("there are less than 2,048 buckets")
}

/// The value in the middle of a bucket.
fn middle(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    let exponent = (bucket / STEPS).saturating_sub(1);
    let lowest = (bucket - exponent * STEPS) << exponent;
    lowest + (1 << exponent) / 2
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

    use super::{InvalidSketch, LAST_BUCKET, Sketch, bucket, middle};

    fn of(micros: &[u64]) -> Sketch {
        let mut sketch = Sketch::default();
        for micros in micros {
            sketch.add(Duration::from_micros(*micros));
        }
        sketch
    }

    fn nearest_rank(mut micros: Vec<u64>, percent: usize) -> Option<u64> {
        micros.sort_unstable();
        micros
            .get((micros.len() * percent).div_ceil(100).saturating_sub(1))
            .copied()
    }

    fn lengths() -> impl Strategy<Value = u64> {
        prop_oneof![0..100_u64, 0..60_000_000_u64, any::<u64>()]
    }

    #[test]
    fn short_durations_are_exact_and_the_longest_has_the_last_bucket() {
        for micros in 0..64 {
            assert_eq!(middle(bucket(micros)), micros);
        }
        assert_eq!(bucket(u64::MAX), LAST_BUCKET);
    }

    #[test]
    fn nothing_counted_has_no_percentile() {
        assert_eq!(Sketch::default().percentile(50), None);
        assert!(Sketch::default().encode().is_empty());
    }

    #[test]
    fn other_bytes_are_refused() {
        for bytes in [
            &[0][..],
            &[0, 0],
            &[0, 24],
            &[0, 24, 0],
            &[0xff, 0xe1],
            &[0, 31, 1, 2, 3, 4],
        ] {
            assert_eq!(Sketch::decode(bytes), Err(InvalidSketch), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn a_bucket_is_within_a_sixty_fourth_of_its_values(micros in lengths()) {
            let found = middle(bucket(micros));
            prop_assert!(found.abs_diff(micros) <= micros / 64, "{micros} became {found}");
        }

        #[test]
        fn longer_durations_are_never_in_an_earlier_bucket(one in lengths(), other in lengths()) {
            prop_assert_eq!(bucket(one.min(other)), bucket(one).min(bucket(other)));
        }

        #[test]
        fn percentiles_are_within_a_sixty_fourth(micros in vec(lengths(), 1..200), percent in 1..=100_u8) {
            let exact = nearest_rank(micros.clone(), usize::from(percent)).unwrap_or_default();
            let found = of(&micros).percentile(percent).unwrap_or_default();
            prop_assert_eq!(found, Duration::from_micros(middle(bucket(exact))));
        }

        #[test]
        fn merging_and_joining_bytes_are_the_same_as_counting_all(
            one in vec(lengths(), 0..100),
            other in vec(lengths(), 0..100),
            times in 1..70_000_u64,
        ) {
            let (mut merged, other) = (of(&one), of(&other));
            merged.merge(&other);
            prop_assert_eq!(merged.count(), one.len() as u64 + other.count());
            prop_assert_eq!(&Sketch::decode(&merged.encode()), &Ok(merged.clone()));
            let joined = [other.encode(), of(&one).encode()].concat();
            prop_assert_eq!(Sketch::decode(&joined), Ok(merged));
            let mut many = Sketch::default();
            many.add_to(7, times);
            prop_assert_eq!(Sketch::decode(&many.encode()), Ok(many));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..64)) {
            if let Ok(sketch) = Sketch::decode(&bytes) {
                prop_assert_eq!(Sketch::decode(&sketch.encode()), Ok(sketch));
            }
        }
    }
}
