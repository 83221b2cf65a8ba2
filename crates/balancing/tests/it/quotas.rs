use std::time::Duration;

use gateway_balancing::HealthStatus::{CoolingDown, Degraded, Healthy};
use gateway_balancing::{Delivery, NoAccount, Prompt, Wanted};
use gateway_domain::{Fault, FaultClass, FaultReach, QuotaWindow, TokenCounts, UpstreamAccount};

use crate::support::{TestPool, account, quota, rest_end, start};

const OPUS: &str = "claude-opus-4-1";
const DAY: u64 = 24 * 3_600;

fn alone() -> (TestPool, UpstreamAccount) {
    let account = account();
    (TestPool::of(std::slice::from_ref(&account)), account)
}

fn of_family(seconds: u64) -> Fault {
    Fault {
        reach: FaultReach::ModelFamily,
        ..quota(seconds)
    }
}

fn of_subscription(seconds: u64) -> Fault {
    Fault {
        window: QuotaWindow::Subscription,
        ..quota(seconds)
    }
}

fn for_opus(test: &TestPool) -> Wanted<'_> {
    Wanted {
        model: OPUS,
        ..test.wanted()
    }
}

#[test]
fn a_family_that_is_used_up_rests_alone() {
    let (test, account) = alone();
    test.fail(&of_family(90));
    let health = test.health(&account);
    assert_eq!(
        (health.status, rest_end(&health)),
        (CoolingDown, Duration::from_secs(90))
    );
    assert_eq!(health.reason.as_deref(), Some("claude-sonnet: quota: as told"));
    let refused = NoAccount::AllDown {
        class: FaultClass::Quota,
        retry_after: Some(Duration::from_secs(90)),
    };
    assert_eq!(test.lease().unwrap_err(), refused);
    // Another version of the same class of models has the same limit.
    let sister = Wanted {
        model: "claude-3-7-sonnet-20250219",
        ..test.wanted()
    };
    assert_eq!(test.pool.lease(&sister).unwrap_err(), refused);
    // Other classes go on, and their answers do not end the rest.
    let opus = test.pool.lease(&for_opus(&test)).unwrap();
    opus.succeeded(&TokenCounts::default());
    assert_eq!(test.lease().unwrap_err(), refused);

    test.pass(90);
    assert_eq!(test.status(&account), Degraded);
    let trial = test.lease().unwrap();
    assert!(test.lease().is_err(), "one trial at a time");
    trial.succeeded(&TokenCounts::default());
    assert_eq!(test.status(&account), Healthy);
}

#[test]
fn many_faults_of_one_moment_are_one_rest_of_the_longest_wait() {
    let (test, account) = alone();
    let open: Vec<_> = (0..5).map(|_| test.lease().unwrap()).collect();
    for (lease, seconds) in open.iter().zip([10, 30, 20, 5, 1]) {
        lease.failed(&of_family(seconds));
    }
    assert_eq!(rest_end(&test.health(&account)), Duration::from_secs(30));
}

#[test]
fn a_day_of_an_api_key_is_believed_for_an_hour_and_its_reason_shown() {
    let (test, account) = alone();
    test.fail(&of_family(DAY));
    let health = test.health(&account);
    assert_eq!(rest_end(&health), Duration::from_secs(3_600));
    assert!(health.reason.is_some());
}

#[test]
fn a_subscription_rests_to_its_end_with_a_trial_now_and_then() {
    let (test, account) = alone();
    test.fail(&of_subscription(5 * DAY));
    let end = Duration::from_secs(5 * DAY);
    for _ in 0..3 {
        let health = test.health(&account);
        assert_eq!((health.status, rest_end(&health)), (CoolingDown, end));
        test.pass(599);
        assert!(test.lease().is_err());
        test.pass(1);
        let trial = test.lease().unwrap();
        let left = end.saturating_sub(test_time(&test));
        trial.failed(&of_subscription(left.as_secs()));
    }
    test.pass(600);
    test.serve();
    assert_eq!(test.status(&account), Healthy);
}

#[test]
fn no_window_is_longer_than_a_week() {
    let (test, account) = alone();
    test.fail(&of_subscription(365 * DAY));
    assert_eq!(rest_end(&test.health(&account)), Duration::from_secs(7 * DAY));
}

#[test]
fn a_spending_limit_lasts_until_the_month_ends_or_somebody_acts() {
    let (test, account) = alone();
    let spent = Fault {
        window: QuotaWindow::Spending,
        ..Fault::new(FaultClass::Quota, "as told")
    };
    test.fail(&spent);
    // It is noon of 31 January.
    assert_eq!(rest_end(&test.health(&account)), Duration::from_secs(DAY / 2));
    assert!(test.lease().is_err());
    test.pool.reset(account.id).unwrap();
    assert!(test.lease().is_ok());
}

fn test_time(test: &TestPool) -> Duration {
    gateway_domain::Clock::now(&*test.clock).since(start())
}

#[test]
fn a_used_up_family_is_not_tried_because_the_account_rests_softly() {
    let (test, account) = alone();
    let opus = test.pool.lease(&for_opus(&test)).unwrap();
    opus.failed(&of_family(300));
    drop(opus);
    test.fail(&Fault::new(FaultClass::Overload, "as told"));
    let NoAccount::AllDown { class, .. } = test.pool.lease(&for_opus(&test)).unwrap_err() else {
        panic!("all are down");
    };
    assert_eq!(class, FaultClass::Quota);
    assert_eq!(test.lease().unwrap().account().id, account.id);
}

#[test]
fn invented_models_do_not_use_up_the_families_of_real_ones() {
    let (test, account) = alone();
    for number in 0..100 {
        let model = format!("claude-{}", "x".repeat(number + 1));
        let invented = Wanted {
            model: &model,
            ..test.wanted()
        };
        drop(test.pool.lease(&invented).unwrap());
    }
    // Without prices every model is one that nobody knows: they share what is left.
    test.fail(&of_family(60));
    assert_eq!(
        test.health(&account).reason.as_deref(),
        Some("other models: quota: as told")
    );
}

#[test]
fn counting_tokens_ends_no_rest_takes_no_place_and_is_kept_by_no_limit() {
    let limited = UpstreamAccount {
        max_concurrency: Some(1),
        ..account()
    };
    let test = TestPool::of(std::slice::from_ref(&limited));
    let counted = Wanted {
        prompt: Prompt {
            delivery: Delivery::Counted,
            input_tokens: 1_000,
            ..Prompt::default()
        },
        ..test.wanted()
    };
    test.fail(&of_family(30));
    let count = test.pool.lease(&counted).unwrap();
    count.succeeded(&TokenCounts::default());
    assert_eq!(test.status(&limited), CoolingDown);
    count.failed(&of_family(600));
    assert_eq!(rest_end(&test.health(&limited)), Duration::from_secs(30));
    test.pass(30);
    let trial = test.lease().unwrap();
    assert!(
        test.pool.lease(&counted).is_ok(),
        "beside a trial, and in a full account"
    );
    assert_eq!(test.health(&limited).in_flight, 1);
    drop(trial);
}
