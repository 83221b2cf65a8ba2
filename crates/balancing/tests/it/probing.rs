use std::time::Duration;

use gateway_balancing::HealthStatus::{CoolingDown, Degraded, Healthy, Unhealthy, Unknown};
use gateway_domain::{Fault, FaultClass, TokenCounts};

use crate::support::{TestPool, account, fault, quota, start};

fn refused() -> Fault {
    fault(FaultClass::Credential)
}

#[test]
fn an_account_is_unknown_until_it_is_used_or_probed() {
    let accounts = [account(), account()];
    let test = TestPool::of(&accounts);
    assert_eq!(test.status(&accounts[0]), Unknown);
    assert_eq!(test.serve(), accounts[0].id);
    assert_eq!(test.status(&accounts[0]), Healthy);
    let probed = test.probe(&accounts[1], Ok(()));
    assert_eq!(probed.status, Healthy);
    assert_eq!(probed.checked_at, Some(start()));
    assert_eq!(probed.latency, Some(Duration::from_millis(12)));
    assert_eq!(probed.http_status, Some(200));
}

#[test]
fn a_good_probe_ends_the_rest_after_a_refused_credential() {
    let alone = account();
    let test = TestPool::of(std::slice::from_ref(&alone));
    test.fail(&refused());
    assert_eq!(test.status(&alone), Unhealthy);
    assert_eq!(test.probe(&alone, Ok(())).status, Healthy);
    assert_eq!(test.serve(), alone.id);
}

#[test]
fn a_probe_that_requests_belie_only_makes_half_open() {
    let alone = account();
    let test = TestPool::of(std::slice::from_ref(&alone));
    test.fail(&refused());
    test.probe(&alone, Ok(()));
    // Without credit a key lists models and answers nothing.
    test.fail(&refused());
    let health = test.probe(&alone, Ok(()));
    assert_eq!((health.status, health.until), (Unhealthy, None));
    let trial = test.lease().unwrap();
    assert!(test.lease().is_err());
    trial.succeeded(&TokenCounts::default());
    assert_eq!(test.status(&alone), Healthy);
}

#[test]
fn a_good_probe_makes_an_outlier_half_open_never_healthy() {
    let accounts = [account(), account()];
    let test = TestPool::of(&accounts);
    test.probe(&accounts[1], Ok(()));
    test.probe(&accounts[0], Err(fault(FaultClass::Transport)));
    assert_eq!(test.status(&accounts[0]), CoolingDown);
    let health = test.probe(&accounts[0], Ok(()));
    assert_eq!((health.status, health.until), (Degraded, None));
    let leases: Vec<_> = (0..10).map(|_| test.lease().unwrap()).collect();
    let trials = leases
        .iter()
        .filter(|lease| lease.account().id == accounts[0].id)
        .count();
    assert_eq!(trials, 1);
}

#[test]
fn a_good_probe_says_nothing_about_quota() {
    let alone = account();
    let test = TestPool::of(std::slice::from_ref(&alone));
    test.fail(&quota(60));
    let health = test.probe(&alone, Ok(()));
    assert_eq!(health.status, CoolingDown);
    assert!(test.lease().is_err());
}

#[test]
fn a_failed_probe_weighs_little_against_requests_that_succeed() {
    let alone = account();
    let test = TestPool::of(std::slice::from_ref(&alone));
    test.serve();
    let health = test.probe(&alone, Err(fault(FaultClass::Server)));
    assert_eq!(health.status, Healthy);
    assert_eq!(
        health.reason.as_deref(),
        Some("the last probe failed: server: as told")
    );
    test.pass(120);
    let health = test.probe(&alone, Err(fault(FaultClass::Server)));
    assert_eq!(health.status, CoolingDown);
}

#[test]
fn a_refused_probe_makes_unhealthy_at_once() {
    let alone = account();
    let test = TestPool::of(std::slice::from_ref(&alone));
    test.serve();
    assert_eq!(test.probe(&alone, Err(refused())).status, Unhealthy);
}

#[test]
fn a_provider_without_a_list_of_models_gets_a_trial_after_a_refused_credential() {
    let alone = account();
    let test = TestPool::of(std::slice::from_ref(&alone));
    test.fail(&refused());
    test.pass(10);
    let health = test.probe(&alone, Err(fault(FaultClass::Client)));
    assert_eq!((health.status, health.until), (Unhealthy, None));
    // That the probe was answered is no reason to ask again and again.
    assert!(test.pool.due_for_probe().is_empty());
    let trial = test.lease().unwrap();
    assert!(test.lease().is_err());
    trial.succeeded(&TokenCounts::default());
    assert_eq!(test.status(&alone), Healthy);
}
