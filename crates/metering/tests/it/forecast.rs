use std::time::Duration;

use gateway_domain::{Nanodollars, Timestamp};
use gateway_metering::{Pace, exhausts_at, recent_span};
use proptest::prelude::{any, proptest};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    time("2026-06-15T12:00:00Z")
}

fn usd(text: &str) -> Nanodollars {
    text.parse().unwrap()
}

fn pace(spent: &str, within: Duration) -> Pace {
    Pace {
        spent: usd(spent),
        within,
    }
}

fn forecast(amount: &str, spent: &str, pace: Pace, period_end: Option<&str>) -> Option<String> {
    let at = exhausts_at(usd(amount), usd(spent), pace, period_end.map(time), noon());
    at.map(|at| at.to_string())
}

fn at(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn what_is_left_lasts_as_long_as_the_present_rate_says() {
    // Two dollars a day, three are left.
    let end = Some("2026-07-01T00:00:00Z");
    assert_eq!(
        forecast("10", "7", pace("2", DAY), end),
        at("2026-06-17T00:00:00Z")
    );
    assert_eq!(
        forecast("10", "7", pace("2", DAY), None),
        at("2026-06-17T00:00:00Z")
    );
    assert_eq!(
        forecast("10", "7", pace("2", HOUR), None),
        at("2026-06-15T13:30:00Z")
    );
    // A third of a microsecond is another one.
    let nanos = |nanos| Nanodollars::from_nanos(nanos);
    let third = Pace {
        spent: nanos(3),
        within: Duration::from_micros(1),
    };
    assert_eq!(
        exhausts_at(nanos(1), nanos(0), third, None, noon()),
        Some(noon() + Duration::from_micros(1))
    );
}

#[test]
fn a_budget_that_outlasts_its_period_is_not_used_up() {
    let pace = pace("2", DAY);
    assert_eq!(forecast("10", "7", pace, Some("2026-06-17T00:00:00Z")), None);
    let later = Some("2026-06-17T00:00:00.000001Z");
    assert_eq!(forecast("10", "7", pace, later), at("2026-06-17T00:00:00Z"));
}

#[test]
fn a_budget_that_is_used_up_is_so_now() {
    for (amount, spent) in [("10", "10"), ("10", "12.5"), ("0", "0")] {
        assert_eq!(
            forecast(amount, spent, pace("0", DAY), None),
            at("2026-06-15T12:00:00Z")
        );
    }
}

#[test]
fn without_spending_of_late_nothing_is_foreseen() {
    assert_eq!(forecast("10", "7", pace("0", DAY), None), None);
    assert_eq!(forecast("10", "7", pace("-1", DAY), None), None);
}

#[test]
fn what_no_calendar_can_write_is_not_foreseen() {
    assert_eq!(forecast("9000000000", "0", pace("0.000000001", DAY), None), None);
    assert_eq!(forecast("3000000", "0", pace("1", DAY), None), None);
    assert!(forecast("2900000", "0", pace("1", DAY), None).is_some());
}

#[test]
fn the_rate_is_that_of_a_day_or_since_there_was_somebody_to_spend_but_of_an_hour_at_least() {
    for (began, span) in [
        ("2026-01-01T00:00:00Z", DAY),
        ("2026-06-14T12:00:00Z", DAY),
        ("2026-06-15T05:00:00Z", 7 * HOUR),
        ("2026-06-15T11:59:59Z", HOUR),
        ("2026-06-15T13:00:00Z", HOUR),
    ] {
        assert_eq!(recent_span(time(began), noon()), span, "{began}");
    }
}

proptest! {
    #[test]
    fn a_forecast_is_neither_early_nor_late(
        amount in any::<i64>(), spent in any::<i64>(), of_late in any::<i64>(), seconds in 1..=86_400_u64,
        end in proptest::option::of(any::<i64>()),
    ) {
        let (now, within) = (noon(), Duration::from_secs(seconds));
        let (amount_of, nanos) = (i128::from(amount) - i128::from(spent), Nanodollars::from_nanos);
        let pace = Pace { spent: nanos(of_late), within };
        let end = end.map(Timestamp::from_micros);
        match exhausts_at(nanos(amount), nanos(spent), pace, end, now) {
            Some(at) if amount_of <= 0 => assert_eq!(at, now),
            Some(at) => {
                assert!(at > now && end.is_none_or(|end| at < end));
                // At the rate, all is spent then, and was not a microsecond before.
                let spent_by = |micros: u128| micros * u128::try_from(of_late).unwrap();
                let (micros, needed) = (at.since(now).as_micros(), amount_of.unsigned_abs() * within.as_micros());
                assert!(spent_by(micros) >= needed && spent_by(micros - 1) < needed);
            }
            None => assert!(amount_of > 0),
        }
    }
}
