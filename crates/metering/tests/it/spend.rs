use std::sync::Arc;

use gateway_domain::{ApiKeyId, Budget, BudgetPeriod, Nanodollars, Spender, Timestamp, UserId};
use gateway_metering::{Hold, NoHold, SpendBook, Spending};

const fn nanos(amount: i64) -> Nanodollars {
    Nanodollars::from_nanos(amount)
}

const fn budget(amount: i64, period: BudgetPeriod) -> Budget {
    Budget {
        amount: Some(nanos(amount)),
        period,
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

struct Desk {
    book: Arc<SpendBook>,
    key: Spender,
    budget: Budget,
    now: Timestamp,
}

impl Desk {
    /// A key that has spent nothing of 100 nano-dollars a day.
    fn new() -> Self {
        let desk = Self {
            book: Arc::default(),
            key: Spender::Key(ApiKeyId::random()),
            budget: budget(100, BudgetPeriod::Day),
            now: time("2026-03-01T23:59:59Z"),
        };
        assert!(
            desk.book
                .open(desk.key, &desk.budget, desk.now, Nanodollars::ZERO)
        );
        desk
    }

    fn hold(&self, amount: i64) -> Result<Hold, NoHold> {
        self.book
            .hold(&[(self.key, self.budget)], nanos(amount), self.now)
    }

    fn spending(&self) -> Option<(i64, i64)> {
        let Spending { spent, held } = self.book.spending(self.key, &self.budget, self.now)?;
        Some((spent.as_nanos(), held.as_nanos()))
    }
}

#[test]
fn counts_from_what_was_spent_before_until_the_period_turns() {
    let mut desk = Desk::new();
    let other = Spender::Key(ApiKeyId::random());
    desk.book.add(other, desk.now, nanos(1));
    assert_eq!(desk.book.spending(other, &desk.budget, desk.now), None);
    assert!(matches!(
        desk.book.hold(&[(other, desk.budget)], nanos(1), desk.now),
        Err(NoHold::Unknown(unknown)) if unknown == other
    ));
    desk.book.add(desk.key, desk.now, nanos(42));
    assert_eq!(desk.spending(), Some((42, 0)));
    // What is known is newer than what is told.
    assert!(desk.book.open(desk.key, &desk.budget, desk.now, nanos(7)));
    assert_eq!(desk.spending(), Some((42, 0)));
    desk.now = time("2026-03-02T00:00:00Z");
    assert_eq!(desk.spending(), None);
}

#[test]
fn a_hold_keeps_money_from_others_until_it_is_dropped() {
    let desk = Desk::new();
    let first = desk.hold(60).unwrap();
    assert_eq!(first.amount(), nanos(60));
    let Err(NoHold::OverBudget(over)) = desk.hold(41) else {
        panic!("it does not fit");
    };
    assert!(over.may_fit_later());
    assert_eq!(
        over.to_string(),
        "this API key has $0.0000001 left of its budget of $0.0000001 for this day, \
         and this request may cost $0.000000041 beside the $0.00000006 that open requests may cost"
    );
    let second = desk.hold(40).unwrap();
    assert_eq!(desk.spending(), Some((0, 100)));
    desk.book.add(desk.key, desk.now, nanos(30));
    drop(first);
    drop(second);
    assert_eq!(desk.spending(), Some((30, 0)));
    assert!(desk.hold(70).is_ok());
    let Err(NoHold::OverBudget(over)) = desk.hold(71) else {
        panic!("it does not fit");
    };
    assert!(!over.may_fit_later());
    desk.book.add(desk.key, desk.now, nanos(70));
    assert_eq!(
        desk.hold(0).unwrap_err().to_string(),
        "this API key has spent its budget of $0.0000001 for this day"
    );
}

#[test]
fn money_is_held_in_all_budgets_or_in_none() {
    let desk = Desk::new();
    let user = Spender::User(UserId::random());
    let of_user = budget(10, BudgetPeriod::Total);
    let all = [
        (desk.key, desk.budget),
        (user, of_user),
        (Spender::User(UserId::random()), Budget::unlimited()),
    ];
    assert!(desk.book.open(user, &of_user, desk.now, Nanodollars::ZERO));
    let held = desk.book.hold(&all, nanos(10), desk.now).unwrap();
    assert!(desk.book.hold(&all, nanos(1), desk.now).is_err());
    assert_eq!(desk.spending(), Some((0, 10)));
    drop(held);
    assert_eq!(desk.spending(), Some((0, 0)));
}

#[test]
fn a_request_costs_the_period_in_which_it_began() {
    let mut desk = Desk::new();
    let began_at = desk.now;
    let hold = desk.hold(100).unwrap();
    desk.now = time("2026-03-02T00:00:01Z");
    assert!(desk.book.open(desk.key, &desk.budget, desk.now, nanos(5)));
    desk.book.add(desk.key, began_at, nanos(90));
    drop(hold);
    assert_eq!(desk.spending(), Some((5, 0)));
}

#[test]
fn another_period_set_meanwhile_counts_what_is_still_open() {
    let mut desk = Desk::new();
    let began_at = desk.now;
    let hold = desk.hold(50).unwrap();
    desk.budget = budget(1000, BudgetPeriod::Week);
    assert!(desk.book.open(desk.key, &desk.budget, desk.now, nanos(400)));
    assert_eq!(desk.spending(), Some((400, 50)));
    // Back and forth, nothing is given back twice.
    let day = budget(100, BudgetPeriod::Day);
    assert!(desk.book.open(desk.key, &day, desk.now, Nanodollars::ZERO));
    assert!(desk.book.open(desk.key, &desk.budget, desk.now, nanos(400)));
    desk.book.add(desk.key, began_at, nanos(30));
    drop(hold);
    assert_eq!(desk.spending(), Some((430, 0)));
}

#[test]
fn what_is_added_while_it_is_looked_up_has_it_looked_up_again() {
    let desk = Desk::new();
    let other = Spender::User(UserId::random());
    desk.book.prepare(other);
    desk.book.add(other, desk.now, nanos(5));
    assert!(!desk.book.open(other, &desk.budget, desk.now, Nanodollars::ZERO));
    assert_eq!(desk.book.spending(other, &desk.budget, desk.now), None);
    desk.book.prepare(other);
    assert!(desk.book.open(other, &desk.budget, desk.now, nanos(5)));
}

#[test]
fn two_hundred_at_once_never_spend_more_than_there_is() {
    let desk = Desk::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..200 {
                    if let Ok(hold) = desk.hold(7) {
                        desk.book.add(desk.key, desk.now, nanos(6));
                        drop(hold);
                    }
                }
            });
        }
    });
    // Beyond 93 the next one that may cost 7 does not fit.
    assert_eq!(desk.spending(), Some((96, 0)));
}
