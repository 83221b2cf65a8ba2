use std::time::Duration;

use gateway_balancing::HealthStatus::{CoolingDown, Degraded, Disabled, Healthy, Unhealthy, Unknown};
use gateway_balancing::NoAccount;
use gateway_domain::{FaultClass, RateLimit, RateLimits, TokenCounts, UpstreamAccount};

use crate::support::{TestPool, account, fault, quota, rest_end, start};

fn alone() -> (TestPool, UpstreamAccount) {
    let account = account();
    (TestPool::of(std::slice::from_ref(&account)), account)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_clients_fault_leaves_no_trace() {
    let (test, account) = alone();
    for _ in 0..50 {
        test.fail(&fault(FaultClass::Client));
    }
    let health = test.health(&account);
    assert_eq!((health.status, health.success_rate), (Unknown, None));
}

#[test]
fn quota_rests_as_long_as_asked_within_bounds() {
    for (asked, rests) in [(0, 1), (1, 1), (90, 90), (3_600, 3_600), (1_000_000, 3_600)] {
        let (test, account) = alone();
        test.fail(&quota(asked));
        let health = test.health(&account);
        assert_eq!((health.status, rest_end(&health)), (CoolingDown, seconds(rests)));
        assert_eq!(health.reason.as_deref(), Some("quota: as told"));
        let refused = NoAccount::AllDown {
            class: FaultClass::Quota,
            retry_after: Some(seconds(rests)),
        };
        assert_eq!(test.lease().unwrap_err(), refused);
        test.pass(rests);
        assert_eq!(test.status(&account), Degraded);
        assert_eq!(test.serve(), account.id);
        assert_eq!(test.status(&account), Healthy);
    }
}

#[test]
fn bursts_rest_a_second_that_doubles_with_jitter() {
    let (test, account) = alone();
    let mut expected = 1.0_f64;
    for _ in 0..10 {
        test.fail(&fault(FaultClass::Burst));
        let health = test.health(&account);
        let rest = health.until.unwrap().since(test_now(&test)).as_secs_f64();
        assert!(
            (expected * 0.8..=expected * 1.2).contains(&rest),
            "{rest} for {expected}"
        );
        test.clock.advance(Duration::from_secs_f64(rest));
        expected = (expected * 2.0).min(60.0);
    }
    test.serve();
    test.fail(&fault(FaultClass::Burst));
    let rest = test.health(&account).until.unwrap().since(test_now(&test));
    assert!(rest < seconds(2), "an answer starts the doubling anew: {rest:?}");
}

#[test]
fn overload_rests_two_seconds_that_double_to_thirty() {
    let (test, account) = alone();
    for expected in [2, 4, 8, 16, 30, 30] {
        // The pool has nothing else, so the account is tried although it rests.
        test.fail(&fault(FaultClass::Overload));
        let health = test.health(&account);
        assert_eq!(health.status, CoolingDown);
        assert_eq!(health.until.unwrap().since(test_now(&test)), seconds(expected));
    }
}

#[test]
fn three_server_faults_in_a_row_take_an_account_out() {
    for class in [FaultClass::Server, FaultClass::Transport] {
        let (test, account) = alone();
        test.serve();
        test.fail(&fault(class));
        test.fail(&fault(class));
        test.serve();
        test.fail(&fault(class));
        test.fail(&fault(class));
        assert_eq!(test.status(&account), Healthy);
        test.fail(&fault(class));
        let health = test.health(&account);
        assert_eq!(health.status, CoolingDown);
        assert!((seconds(4)..=seconds(6)).contains(&rest_end(&health)));
    }
}

#[test]
fn half_of_twenty_take_an_account_out_and_a_fifth_of_ten_slows_it() {
    let (test, account) = alone();
    for round in 0..9 {
        test.serve();
        test.fail(&fault(FaultClass::Server));
        let expected = if round < 4 { Healthy } else { Degraded };
        assert_eq!(test.status(&account), expected, "round {round}");
    }
    test.serve();
    let health = test.health(&account);
    assert_eq!(health.reason.as_deref(), Some("9 of the last 19 requests failed"));
    assert_eq!(health.success_rate, Some(10.0 / 19.0));
    test.fail(&fault(FaultClass::Server));
    assert_eq!(test.status(&account), CoolingDown);
}

#[test]
fn a_degraded_account_gets_a_quarter_of_its_share() {
    let accounts = [account(), account()];
    let test = TestPool::of(&accounts);
    for _ in 0..5 {
        let lease = test.lease_after(&[accounts[1].id]).unwrap();
        lease.succeeded(&TokenCounts::default());
        let lease = test.lease_after(&[accounts[1].id]).unwrap();
        lease.failed(&fault(FaultClass::Server));
    }
    assert_eq!(test.status(&accounts[0]), Degraded);
    let leases: Vec<_> = (0..100).map(|_| test.lease().unwrap()).collect();
    let slow = leases
        .iter()
        .filter(|lease| lease.account().id == accounts[0].id)
        .count();
    assert_eq!(slow, 20);
    test.pass(60);
    assert_eq!(test.status(&accounts[0]), Healthy);
}

#[test]
fn the_stay_out_doubles_and_steps_back_once_a_healthy_minute() {
    let (test, account) = alone();
    let mut stays = Vec::new();
    let mut go_out = |test: &TestPool, after: u64| {
        test.pass(after);
        while test.status(&account) != CoolingDown {
            test.fail(&fault(FaultClass::Server));
        }
        let stay = test.health(&account).until.unwrap().since(test_now(test));
        test.clock.advance(stay);
        test.serve();
        stays.push(stay.as_secs_f64());
    };
    for after in [0, 0, 0, 120, 600] {
        go_out(&test, after);
    }
    for (stay, expected) in stays.iter().zip([5.0, 10.0, 20.0, 10.0, 5.0]) {
        assert!((expected * 0.8..=expected * 1.2).contains(stay), "{stays:?}");
    }
}

#[test]
fn a_refused_credential_is_probed_ever_more_rarely_and_never_tried() {
    let (test, account) = alone();
    test.fail(&fault(FaultClass::Credential));
    for expected in [10, 20, 40, 80, 160, 300, 300] {
        let health = test.health(&account);
        assert_eq!(health.status, Unhealthy);
        assert_eq!(health.until.unwrap().since(test_now(&test)), seconds(expected));
        let refused = NoAccount::AllDown {
            class: FaultClass::Credential,
            retry_after: Some(seconds(expected)),
        };
        assert_eq!(test.lease().unwrap_err(), refused);
        assert!(test.pool.due_for_probe().is_empty());
        test.pass(expected);
        assert!(test.lease().is_err());
        assert_eq!(test.pool.due_for_probe(), [account.id]);
        test.probe(&account, Err(fault(FaultClass::Credential)));
    }
    test.probe(&account, Ok(()));
    test.serve();
    assert_eq!(test.status(&account), Healthy);
}

#[test]
fn a_broken_trial_does_not_clear_a_refused_credential() {
    let (test, account) = alone();
    test.fail(&fault(FaultClass::Credential));
    test.probe(&account, Ok(()));
    test.fail(&fault(FaultClass::Credential));
    test.probe(&account, Ok(()));
    test.fail(&fault(FaultClass::Transport));
    let health = test.health(&account);
    assert_eq!(
        (health.status, health.reason.as_deref()),
        (Unhealthy, Some("credential: as told"))
    );
    assert!(test.lease().is_err());
}

#[test]
fn a_missing_model_rests_for_that_model_alone() {
    let accounts = [account(), account()];
    let test = TestPool::of(&accounts);
    assert_eq!(test.fail(&fault(FaultClass::ModelMissing)), accounts[0].id);
    assert!((0..4).all(|_| test.serve() == accounts[1].id));
    let other = gateway_balancing::Wanted {
        model: "claude-opus-4-1",
        tried: &[accounts[1].id],
        ..test.wanted()
    };
    assert_eq!(test.pool.lease(&other).unwrap().account().id, accounts[0].id);
    test.pass(600);
    assert!((0..2).any(|_| test.serve() == accounts[0].id));

    test.replace(&accounts[..1]);
    test.fail(&fault(FaultClass::ModelMissing));
    let refused = NoAccount::AllDown {
        class: FaultClass::ModelMissing,
        retry_after: Some(seconds(600)),
    };
    assert_eq!(test.lease().unwrap_err(), refused);
}

#[test]
fn when_all_rest_for_soft_reasons_the_first_to_return_is_tried() {
    let accounts = [account(), account(), account()];
    let test = TestPool::of(&accounts);
    test.fail(&fault(FaultClass::Credential));
    test.fail(&fault(FaultClass::Overload));
    test.pass(1);
    test.fail(&fault(FaultClass::Overload));
    assert_eq!(test.serve(), accounts[1].id);
    assert_eq!(test.status(&accounts[1]), Healthy);
    assert_eq!(test.status(&accounts[2]), CoolingDown);
}

#[test]
fn a_soft_rest_does_not_lift_the_concurrency_limit() {
    let limited = UpstreamAccount {
        max_concurrency: Some(1),
        ..account()
    };
    let test = TestPool::of(&[limited]);
    test.fail(&fault(FaultClass::Overload));
    let held = test.lease().unwrap();
    assert_eq!(test.lease().unwrap_err(), NoAccount::AllBusy);
    drop(held);
}

#[test]
fn faults_of_requests_that_were_open_already_do_not_double_the_rest() {
    let (test, account) = alone();
    let open: Vec<_> = (0..20).map(|_| test.lease().unwrap()).collect();
    for lease in &open {
        lease.failed(&fault(FaultClass::Overload));
    }
    assert_eq!(rest_end(&test.health(&account)), seconds(2));
    // Neither do their successes end it, nor does a harder reason go unheard.
    open[0].succeeded(&TokenCounts::default());
    assert_eq!(test.status(&account), CoolingDown);
    open[1].failed(&quota(60));
    assert_eq!(rest_end(&test.health(&account)), seconds(60));
    open[2].failed(&fault(FaultClass::Credential));
    assert_eq!(test.status(&account), Unhealthy);
}

#[test]
fn the_first_content_of_a_trial_ends_the_rest() {
    let (test, account) = alone();
    test.fail(&quota(5));
    test.pass(5);
    let stream = test.lease().unwrap();
    assert!(test.lease().is_err());
    stream.answering(None, RateLimits::default());
    assert_eq!(test.status(&account), Healthy);
    assert!(test.lease().is_ok());
}

#[test]
fn a_reset_forgets_faults_and_what_still_comes_of_open_requests() {
    let (test, account) = alone();
    let open = test.lease().unwrap();
    test.fail(&fault(FaultClass::Credential));
    test.pool.reset(account.id).unwrap();
    assert_eq!(test.status(&account), Unknown);
    // Sent with the credential from before the edit.
    open.failed(&fault(FaultClass::Credential));
    assert_eq!(test.status(&account), Unknown);
    assert_eq!(test.health(&account).in_flight, 1);
    assert_eq!(test.serve(), account.id);
}

#[test]
fn an_inactive_account_is_shown_as_disabled() {
    let off = UpstreamAccount {
        is_active: false,
        ..account()
    };
    let test = TestPool::of(std::slice::from_ref(&off));
    assert_eq!(test.status(&off), Disabled);
}

#[test]
fn health_tells_what_answers_said() {
    let (test, account) = alone();
    let limits = RateLimits {
        requests: Some(RateLimit {
            limit: Some(10),
            remaining: 7,
            resets_at: Some(start()),
        }),
        ..RateLimits::default()
    };
    let lease = test.lease().unwrap();
    lease.answering(Some(Duration::from_millis(400)), limits);
    lease.succeeded(&TokenCounts::default());
    drop(lease);
    let lease = test.lease().unwrap();
    lease.answering(Some(Duration::from_millis(480)), RateLimits::default());
    lease.succeeded(&TokenCounts::default());
    let health = test.health(&account);
    assert_eq!(health.rate_limits, limits);
    assert_eq!(health.ttft, Some(Duration::from_millis(410)));
    assert_eq!(health.success_rate, Some(1.0));
    assert_eq!(health.in_flight, 1);
}

fn test_now(test: &TestPool) -> gateway_domain::Timestamp {
    gateway_domain::Clock::now(&*test.clock)
}

#[test]
fn when_all_rest_softly_requests_are_spread() {
    let accounts = [account(), account(), account()];
    let test = TestPool::of(&accounts);
    for _ in 0..3 {
        let rested: Vec<_> = accounts
            .iter()
            .filter(|account| test.status(account) == CoolingDown)
            .map(|account| account.id)
            .collect();
        test.lease_after(&rested)
            .unwrap()
            .failed(&fault(FaultClass::Burst));
    }
    let leases: Vec<_> = (0..60).map(|_| test.lease().unwrap()).collect();
    for account in &accounts {
        let here = leases.iter().filter(|lease| lease.account().id == account.id);
        assert_eq!(here.count(), 20);
    }
}

#[test]
fn who_comes_while_the_only_account_is_on_trial_waits_for_the_outcome() {
    for class in [FaultClass::Overload, FaultClass::Burst, FaultClass::Quota] {
        let (test, _) = alone();
        test.fail(&fault(class));
        test.pass(3_600);
        let trial = test.lease().unwrap();
        assert_eq!(test.lease().unwrap_err(), NoAccount::AllBusy);
        trial.succeeded(&TokenCounts::default());
        assert!(test.lease().is_ok());
    }
}
