//! The day of Google's quotas, which ends at midnight in California.

use chrono::{Datelike, NaiveDate, Weekday};
use gateway_domain::Timestamp;

/// The end of the day that this moment lies in.
pub(super) fn end(moment: Timestamp) -> Option<Timestamp> {
    let today = moment.to_chrono().date_naive();
    // Midnight there is in the morning of the same day in UTC, which may have passed.
    [Some(today), today.succ_opt()]
        .into_iter()
        .flatten()
        .filter_map(midnight)
        .find(|midnight| *midnight > moment)
}

/// When this day begins in California.
fn midnight(day: NaiveDate) -> Option<Timestamp> {
    let hours_behind = if begins_in_summer_time(day)? { 7 } else { 8 };
    Some(Timestamp::from(day.and_hms_opt(hours_behind, 0, 0)?.and_utc()))
}

/// Summer time is from the second Sunday of March to the first of November, from two o'clock in the night each.
fn begins_in_summer_time(day: NaiveDate) -> Option<bool> {
    let from = NaiveDate::from_weekday_of_month_opt(day.year(), 3, Weekday::Sun, 2)?;
    let until = NaiveDate::from_weekday_of_month_opt(day.year(), 11, Weekday::Sun, 1)?;
    Some(from < day && day <= until)
}

#[cfg(test)]
mod tests {
    use gateway_domain::Timestamp;

    use super::end;

    #[test]
    fn a_day_ends_at_midnight_in_california() {
        for (moment, expected) in [
            ("2026-11-22T12:00:00Z", "2026-11-23T08:00:00Z"),
            ("2026-11-22T07:59:59Z", "2026-11-22T08:00:00Z"),
            ("2026-11-22T08:00:00Z", "2026-11-23T08:00:00Z"),
            ("2026-07-01T06:59:59Z", "2026-07-01T07:00:00Z"),
            ("2026-07-01T07:00:00Z", "2026-07-02T07:00:00Z"),
            // The day on which summer time begins has 23 hours,
            ("2026-03-07T12:00:00Z", "2026-03-08T08:00:00Z"),
            ("2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z"),
            // and the one on which it ends has 25.
            ("2026-10-31T12:00:00Z", "2026-11-01T07:00:00Z"),
            ("2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z"),
            ("2026-12-31T23:00:00Z", "2027-01-01T08:00:00Z"),
            ("2028-03-12T08:00:00Z", "2028-03-13T07:00:00Z"),
        ] {
            let moment: Timestamp = moment.parse().unwrap();
            assert_eq!(end(moment), expected.parse().ok(), "{moment}");
        }
    }

    #[test]
    fn a_moment_beyond_all_calendars_has_no_end_of_day() {
        assert_eq!(end(Timestamp::from_micros(i64::MAX)), None);
    }
}
