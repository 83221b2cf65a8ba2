use std::time::Duration;

use gateway_balancing::HealthStatus::{CoolingDown, Unhealthy};
use gateway_balancing::{NoAccount, PoolSettings, Prompt, StrategyGroup, Wanted};
use gateway_domain::{Fault, FaultClass, FaultReach, TokenCounts, UpstreamAccount};

use crate::support::{TestPool, account, fault, in_tier, quota, rest_end};

#[test]
fn rests_survive_a_restart() {
    let accounts = [account(), account(), account()];
    let test = TestPool::of(&accounts);
    test.fail(&quota(90));
    test.fail(&Fault {
        reach: FaultReach::ModelFamily,
        ..quota(120)
    });
    test.fail(&fault(FaultClass::Credential));
    let rests = test.pool.rests();
    assert_eq!(rests.len(), 3);

    let again = TestPool::of(&accounts);
    again.pool.resume(&rests);
    for (account, seconds) in accounts.iter().zip([90, 120, 10]) {
        assert_eq!(rest_end(&again.health(account)), Duration::from_secs(seconds));
    }
    assert_eq!(again.status(&accounts[1]), CoolingDown);
    assert_eq!(again.status(&accounts[2]), Unhealthy);
    assert_eq!(again.pool.rests(), rests);
    let opus = Wanted {
        model: "claude-opus-4-1",
        ..again.wanted()
    };
    assert_eq!(again.pool.lease(&opus).unwrap().account().id, accounts[1].id);
    assert!(matches!(
        again.lease().unwrap_err(),
        NoAccount::AllDown {
            class: FaultClass::Quota,
            ..
        }
    ));
    again.pass(90);
    assert!(again.lease().is_ok());
}

#[test]
fn a_rest_that_ended_meanwhile_is_not_resumed() {
    let alone = account();
    let test = TestPool::of(std::slice::from_ref(&alone));
    test.fail(&quota(60));
    let rests = test.pool.rests();
    let again = TestPool::of(std::slice::from_ref(&alone));
    again.pass(60);
    again.pool.resume(&rests);
    assert!(again.lease().is_ok());
    test.pass(60);
    assert!(test.pool.rests().is_empty());
}

#[test]
fn what_one_account_holds_is_asked_of_no_other() {
    let accounts = [account(), account(), account()];
    let test = TestPool::of(&accounts);
    let pinned = |test: &TestPool| {
        test.pool.lease(&Wanted {
            prompt: Prompt {
                pin: Some(7),
                ..Prompt::default()
            },
            ..test.wanted()
        })
    };
    let first = pinned(&test).unwrap();
    first.succeeded(&TokenCounts::default());
    let home = first.account().id;
    drop(first);
    for _ in 0..6 {
        assert_eq!(pinned(&test).unwrap().account().id, home);
    }
    let lease = pinned(&test).unwrap();
    lease.failed(&quota(30));
    drop(lease);
    // It has no other place to go to, while others do not notice.
    assert!(matches!(pinned(&test).unwrap_err(), NoAccount::AllDown { .. }));
    assert!(test.lease().is_ok());

    // Also where the answer, not the request, names it.
    let lease = test.lease().unwrap();
    lease.holds(7);
    assert_eq!(pinned(&test).unwrap().account().id, lease.account().id);
}

#[test]
fn an_account_that_is_back_begins_with_less_than_its_share() {
    let accounts = [account(), account()];
    let test = TestPool::of(&accounts);
    let first = test.fail(&quota(10));
    test.pass(10);
    // The trial comes first.
    assert_eq!(test.serve(), first);
    let share = |test: &TestPool| {
        let leases: Vec<_> = (0..90).map(|_| test.lease().unwrap()).collect();
        leases.iter().filter(|lease| lease.account().id == first).count()
    };
    assert!((8..=12).contains(&share(&test)), "an eighth of its share");
    test.pass(15);
    assert!((28..=32).contains(&share(&test)), "half of it");
    test.pass(15);
    assert!((43..=47).contains(&share(&test)), "all of it");
}

#[test]
fn an_overloaded_provider_is_avoided_as_a_whole_and_never_empties_the_pool() {
    let elsewhere = UpstreamAccount {
        base_url: "https://elsewhere.example".to_owned(),
        ..in_tier(90)
    };
    let accounts = [account(), account(), account(), elsewhere.clone()];
    let test = TestPool::of(&accounts);
    for _ in 0..3 {
        let lease = test.lease_after(&[elsewhere.id]).unwrap();
        lease.failed(&fault(FaultClass::Overload));
    }
    test.pool.reset(accounts[0].id);
    assert_eq!(
        test.serve(),
        elsewhere.id,
        "the first is well, its provider is not"
    );
    assert_eq!(
        test.explain(&accounts[0]).as_deref(),
        Some("its provider is overloaded")
    );
    // Where there is nothing else it serves all the same.
    let lease = test.lease_after(&[elsewhere.id]).unwrap();
    assert_ne!(lease.account().id, elsewhere.id);
    for _ in 0..50 {
        let lease = test.lease_after(&[elsewhere.id]).unwrap();
        lease.failed(&fault(FaultClass::Overload));
    }
}

#[test]
fn a_single_overload_says_nothing_about_the_provider() {
    let elsewhere = UpstreamAccount {
        base_url: "https://elsewhere.example".to_owned(),
        ..in_tier(90)
    };
    let accounts = [account(), account(), elsewhere];
    let test = TestPool::of(&accounts);
    test.fail(&fault(FaultClass::Overload));
    assert_eq!(test.serve(), accounts[1].id);
}

#[test]
fn groups_of_requests_have_strategies_of_their_own() {
    let mut settings = PoolSettings::default();
    settings.groups.insert(
        "batch".to_owned(),
        StrategyGroup {
            strategy: "least_in_flight".to_owned(),
            models: vec!["claude-haiku-*".parse().unwrap()],
            key_tags: [("team".to_owned(), "batch".to_owned())].into(),
        },
    );
    let mut test = TestPool::with_settings(settings.clone(), &[account()]);
    let strategy_for = |test: &TestPool, model| {
        let wanted = Wanted {
            model,
            ..test.wanted()
        };
        test.pool.decide(&wanted).1.strategy
    };
    assert_eq!(strategy_for(&test, "claude-haiku-4-5"), "smart");
    test.key.tags.insert("team".to_owned(), "batch".to_owned());
    assert_eq!(strategy_for(&test, "claude-haiku-4-5"), "least_in_flight");
    assert_eq!(strategy_for(&test, "claude-opus-4-1"), "smart");

    if let Some(group) = settings.groups.get_mut("batch") {
        group.strategy = "random".to_owned();
    }
    let clock = std::sync::Arc::clone(&test.clock);
    let refused =
        gateway_balancing::Pool::new(clock, settings, std::sync::Arc::new(gateway_balancing::NoRates));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "there is no strategy \"random\""
    );
}

#[test]
fn a_rest_from_another_time_is_no_longer_than_any_could_be() {
    let alone = account();
    let test = TestPool::of(std::slice::from_ref(&alone));
    test.fail(&quota(60));
    let mut rests = test.pool.rests();
    rests[0].ends_at = "9999-01-01T00:00:00Z".parse().unwrap();
    let again = TestPool::of(std::slice::from_ref(&alone));
    again.pool.resume(&rests);
    assert_eq!(rest_end(&again.health(&alone)), Duration::from_secs(3_600));
}

#[test]
fn what_was_held_by_an_account_that_is_gone_may_be_asked_of_any() {
    let accounts = [account(), account()];
    let test = TestPool::of(&accounts);
    let pinned = Wanted {
        prompt: Prompt {
            pin: Some(7),
            ..Prompt::default()
        },
        ..test.wanted()
    };
    let lease = test.pool.lease(&pinned).unwrap();
    lease.succeeded(&TokenCounts::default());
    let left: Vec<_> = accounts
        .iter()
        .filter(|account| account.id != lease.account().id)
        .cloned()
        .collect();
    test.replace(&left);
    assert_eq!(test.pool.lease(&pinned).unwrap().account().id, left[0].id);
}
