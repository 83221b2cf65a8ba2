use std::time::Duration;

use gateway_domain::{Nanodollars, Timestamp};

/// The longest time that the present rate of spending is taken from.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// The shortest: what was spent within minutes says nothing about hours.
const SHORTEST: Duration = Duration::from_secs(3_600);

/// 9999-12-31T23:59:59Z, the last second that RFC 3339 can write.
const LAST_SECOND: Timestamp = Timestamp::from_seconds(253_402_300_799);

/// What was spent within the time before a moment: the present rate of spending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// What was spent.
    pub spent: Nanodollars,
    /// Within which time.
    pub within: Duration,
}

/// The time before `now` that the present rate of spending is taken from: a day, or for as long as there has been
/// somebody to spend (`began`), but an hour at least.
#[must_use]
pub fn recent_span(began: Timestamp, now: Timestamp) -> Duration {
    now.since(began).clamp(SHORTEST, LONGEST)
}

/// When a budget of `amount` will be used up, if spending goes on at `pace`.
///
/// `now` if it is used up already. `None` if nothing was spent of late, if the period ends first, at `period_end`, and
/// if it will last beyond the year 9999. Whole microseconds, rounded up.
#[must_use]
pub fn exhausts_at(
    amount: Nanodollars,
    spent: Nanodollars,
    pace: Pace,
    period_end: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let left = i128::from(amount.as_nanos()) - i128::from(spent.as_nanos());
    if left <= 0 {
        return Some(now);
    }
    let spent_of_late = u128::try_from(pace.spent.as_nanos())
        .ok()
        .filter(|nanos| *nanos > 0)?;
    let micros = left.unsigned_abs().checked_mul(pace.within.as_micros())?;
    let micros = i64::try_from(micros.div_ceil(spent_of_late)).ok()?;
    let at = Timestamp::from_micros(now.as_micros().checked_add(micros)?);
    let is_in_time = at <= LAST_SECOND && period_end.is_none_or(|end| at < end);
    is_in_time.then_some(at)
}
