use std::time::Duration;

use gateway_alerting::retry_after;
use gateway_domain::AlertId;

#[test]
fn waits_grow_over_about_a_day_and_end() {
    for _ in 0..200 {
        let id = AlertId::random();
        let waits: Vec<Duration> = (1..=20).map_while(|attempts| retry_after(id, attempts)).collect();
        assert_eq!(waits.len(), 8);
        for (wait, step) in waits.iter().zip([5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200]) {
            let step = Duration::from_secs(step);
            assert!(
                (step * 4 / 5..=step * 6 / 5).contains(wait),
                "{wait:?} for {step:?}"
            );
        }
        let all: Duration = waits.iter().sum();
        assert!((17..=27).contains(&(all.as_secs() / 3_600)), "{all:?}");
    }
    assert_eq!(retry_after(AlertId::random(), 0), None);
    assert_eq!(retry_after(AlertId::random(), u32::MAX), None);
}

#[test]
fn alerts_that_were_raised_together_do_not_come_again_together() {
    let waits: std::collections::BTreeSet<_> = (0..100)
        .filter_map(|_| retry_after(AlertId::random(), 3))
        .collect();
    assert!(waits.len() > 50, "{waits:?}");
}
