use gateway_alerting::{Alert, BudgetPercents, BudgetStanding, BudgetThreshold, BudgetWatch};
use gateway_domain::{ApiKeyId, Budget, BudgetPeriod, Nanodollars, Spender, Timestamp};
use proptest::prelude::{any, proptest};

const DOLLAR: i64 = 1_000_000_000;

fn standing(subject: Spender, amount: i64, spent: i64) -> BudgetStanding {
    BudgetStanding {
        subject,
        name: "ci".to_owned(),
        budget: Budget {
            amount: Some(Nanodollars::from_nanos(amount)),
            period: BudgetPeriod::Day,
        },
        spent: Nanodollars::from_nanos(spent),
    }
}

fn key() -> Spender {
    Spender::Key(ApiKeyId::random())
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    time("2026-06-15T12:00:00Z")
}

/// Looks and notes what is due.
fn told(watch: &mut BudgetWatch, standings: &[BudgetStanding], now: Timestamp) -> Vec<BudgetThreshold> {
    let due = watch.due(standings, now);
    due.iter().for_each(|threshold| watch.note(threshold));
    due
}

#[test]
fn each_part_is_told_once_as_the_spending_passes_it() {
    let (subject, mut watch) = (key(), BudgetWatch::new(BudgetPercents::default()));
    let mut percents = Vec::new();
    for spent in [
        0,
        4_999_999_999,
        5 * DOLLAR,
        6 * DOLLAR,
        8 * DOLLAR,
        9_999_999_999,
        10 * DOLLAR,
        12 * DOLLAR,
    ] {
        let standings = [standing(subject, 10 * DOLLAR, spent)];
        let due = told(&mut watch, &standings, noon());
        percents.extend(due.iter().map(|threshold| (spent, threshold.percent)));
    }
    assert_eq!(percents, [(5 * DOLLAR, 50), (8 * DOLLAR, 80), (10 * DOLLAR, 100)]);
}

#[test]
fn of_several_parts_passed_at_once_the_highest_is_told() {
    let (subject, mut watch) = (key(), BudgetWatch::new(BudgetPercents::default()));
    let due = told(&mut watch, &[standing(subject, 10, 1_000)], noon());
    let expected = BudgetThreshold {
        subject,
        name: "ci".to_owned(),
        percent: 100,
        spent: Nanodollars::from_nanos(1_000),
        amount: Nanodollars::from_nanos(10),
        period: BudgetPeriod::Day,
        period_start: Some(time("2026-06-15T00:00:00Z")),
        period_end: Some(time("2026-06-16T00:00:00Z")),
    };
    assert_eq!(due, [expected]);
}

#[test]
fn what_could_not_be_kept_is_due_again() {
    let (subject, mut watch) = (key(), BudgetWatch::new(BudgetPercents::default()));
    let standings = [standing(subject, 10, 5)];
    assert_eq!(watch.due(&standings, noon()).len(), 1);
    assert_eq!(told(&mut watch, &standings, noon()).len(), 1);
    assert_eq!(watch.due(&standings, noon()), []);
}

#[test]
fn another_period_and_another_amount_are_other_occasions() {
    let (subject, mut watch) = (key(), BudgetWatch::new(BudgetPercents::default()));
    let looks = [
        (10, 5, noon()),
        (10, 6, time("2026-06-16T12:00:00Z")),
        (20, 10, time("2026-06-16T12:00:00Z")),
        (20, 16, time("2026-06-16T12:00:00Z")),
        (30, 16, time("2026-06-16T12:00:00Z")),
    ];
    let occasions: Vec<_> = looks
        .into_iter()
        .flat_map(|(amount, spent, now)| told(&mut watch, &[standing(subject, amount, spent)], now))
        .map(|threshold| Alert::BudgetThreshold(threshold).occasion().unwrap())
        .collect();
    assert_eq!(occasions.len(), looks.len());
    let distinct: std::collections::BTreeSet<_> = occasions.iter().collect();
    assert_eq!(distinct.len(), looks.len(), "{occasions:?}");
}

#[test]
fn the_same_budget_is_the_same_occasion_wherever_it_is_noticed() {
    let subject = key();
    let occasion = |spent| {
        let mut watch = BudgetWatch::new(BudgetPercents::default());
        let due = watch.due(&[standing(subject, 10, spent)], noon());
        Alert::BudgetThreshold(due[0].clone()).occasion()
    };
    assert_eq!(occasion(5), occasion(7));
    assert_ne!(occasion(5), occasion(8));
}

#[test]
fn no_budget_and_a_budget_of_nothing_are_no_news() {
    let mut watch = BudgetWatch::new(BudgetPercents::default());
    let mut without = standing(key(), 1, 100);
    without.budget.amount = None;
    let standings = [without, standing(key(), 0, 0), standing(key(), 0, 5)];
    assert_eq!(watch.due(&standings, noon()), []);
    let mut silent = BudgetWatch::new(BudgetPercents::try_from(Vec::new()).unwrap());
    assert_eq!(silent.due(&[standing(key(), 1, 100)], noon()), []);
}

proptest! {
    #[test]
    fn a_part_is_due_exactly_when_it_is_reached(amount in 1..=i64::MAX, spent in any::<i64>(), percent in 1..=100_u8) {
        let mut watch = BudgetWatch::new(BudgetPercents::try_from(vec![percent]).unwrap());
        let is_due = !watch.due(&[standing(key(), amount, spent)], noon()).is_empty();
        let is_reached = i128::from(spent) * 100 >= i128::from(amount) * i128::from(percent);
        assert_eq!(is_due, is_reached);
    }
}
