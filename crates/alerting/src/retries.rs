use std::time::Duration;

use gateway_domain::AlertId;

/// Seconds between an attempt that failed and the next: nine attempts within about a day.
const WAITS: [u64; 8] = [5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200];

/// How far a wait may be from its step, in thousandths.
const JITTER: u128 = 200;

/// How long to wait after the last of `attempts` attempts has failed; `None` if there shall be no other.
///
/// Each wait is up to a fifth shorter or longer, by the alert's own id, so that alerts that were raised together do not
/// come again together.
#[must_use]
pub fn retry_after(id: AlertId, attempts: u32) -> Option<Duration> {
    let step = WAITS.get(usize::try_from(attempts.checked_sub(1)?).ok()?)?;
    // The last bits of a UUIDv7 are random.
    let dice = id.as_uuid().as_u128().rotate_right(attempts * 7) & 0xffff;
    let thousandths = 1_000 - JITTER + dice * 2 * JITTER / 0xffff;
    let millis = u128::from(*step) * thousandths;
    Some(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
}
