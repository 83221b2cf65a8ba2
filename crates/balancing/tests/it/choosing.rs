use std::collections::{BTreeMap, HashMap};

use gateway_balancing::{NoAccount, STRATEGIES, Wanted, strategy};
use gateway_domain::{AccountId, FaultClass, ProviderKind, TokenCounts, UpstreamAccount, UserId};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use proptest::{prop_assert, prop_assert_eq};

use crate::support::{MODEL, TestPool, account, fault, in_tier, limited_to, quota, weighing};

fn names(accounts: &[UpstreamAccount], picks: &[AccountId]) -> String {
    let letter = |id: &AccountId| {
        let index = accounts.iter().position(|account| account.id == *id);
        char::from(b'a' + u8::try_from(index.expect("known")).expect("few"))
    };
    picks.iter().map(letter).collect()
}

#[test]
fn turns_are_taken_smoothly_by_weight() {
    let accounts = [weighing(5), weighing(1), weighing(1)];
    let test = TestPool::of(&accounts);
    let picks: Vec<AccountId> = (0..14).map(|_| test.serve()).collect();
    assert_eq!(names(&accounts, &picks), "aabacaaaabacaa");
}

#[test]
fn weight_zero_takes_no_requests_even_alone() {
    let accounts = [weighing(0), weighing(1)];
    let test = TestPool::of(&accounts);
    assert!((0..10).all(|_| test.serve() == accounts[1].id));
    test.replace(&accounts[..1]);
    assert_eq!(test.lease().unwrap_err(), NoAccount::NotServed);
}

#[test]
fn a_lower_number_is_tried_first_and_the_next_when_it_is_down_or_full() {
    let first = UpstreamAccount {
        max_concurrency: Some(1),
        ..in_tier(10)
    };
    let second = in_tier(20);
    let test = TestPool::of(&[second.clone(), first.clone()]);
    let held = test.lease().unwrap();
    assert_eq!(held.account().id, first.id);
    assert_eq!(test.serve(), second.id);
    held.failed(&quota(30));
    drop(held);
    assert_eq!(test.serve(), second.id);
    test.pass(30);
    assert_eq!(test.serve(), first.id);
}

#[test]
fn a_full_account_is_no_candidate_until_a_lease_is_dropped() {
    let limited = limited_to(2);
    let test = TestPool::of(std::slice::from_ref(&limited));
    let held = (test.lease().unwrap(), test.lease().unwrap());
    assert_eq!(test.lease().unwrap_err(), NoAccount::AllBusy);
    assert_eq!(test.health(&limited).in_flight, 2);
    drop(held.0);
    assert!(test.lease().is_ok());
    assert_eq!(test.health(&limited).in_flight, 1);
}

#[test]
fn the_model_is_served_by_its_own_name_or_through_the_map() {
    let mapped = UpstreamAccount {
        model_map: BTreeMap::from([(MODEL.to_owned(), "big-model".to_owned())]),
        ..account()
    };
    let patterned = UpstreamAccount {
        models: vec!["claude-s*".parse().unwrap()],
        ..account()
    };
    let other = UpstreamAccount {
        models: vec!["claude-opus-*".parse().unwrap()],
        ..account()
    };
    let test = TestPool::of(&[mapped.clone(), patterned.clone(), other.clone()]);
    let mut served = HashMap::new();
    for _ in 0..6 {
        let lease = test.lease().unwrap();
        served.insert(lease.account().id, lease.upstream_model().to_owned());
    }
    let expected = HashMap::from([
        (mapped.id, "big-model".to_owned()),
        (patterned.id, MODEL.to_owned()),
    ]);
    assert_eq!(served, expected);
}

#[test]
fn each_refusal_says_why() {
    let test = TestPool::of(&[]);
    assert_eq!(test.lease().unwrap_err(), NoAccount::NotServed);

    let shared = account();
    let mut test = TestPool::of(std::slice::from_ref(&shared));
    let foreign_model = Wanted {
        model: "gpt-6",
        ..test.wanted()
    };
    assert_eq!(test.pool.lease(&foreign_model).unwrap_err(), NoAccount::NotServed);
    let endless_model = "claude-".repeat(100_000);
    let endless_model = Wanted {
        model: &endless_model,
        ..test.wanted()
    };
    assert_eq!(test.pool.lease(&endless_model).unwrap_err(), NoAccount::NotServed);
    let foreign_dialect = Wanted {
        providers: &[ProviderKind::Gemini],
        ..test.wanted()
    };
    assert_eq!(
        test.pool.lease(&foreign_dialect).unwrap_err(),
        NoAccount::NotServed
    );
    assert_eq!(test.lease_after(&[shared.id]).unwrap_err(), NoAccount::AllTried);

    test.key.allowed_accounts = vec![AccountId::random()];
    assert_eq!(test.lease().unwrap_err(), NoAccount::NotAllowed);
    test.key.allowed_accounts.clear();
    test.key.allowed_models = vec!["claude-opus-*".parse().unwrap()];
    assert_eq!(test.lease().unwrap_err(), NoAccount::NotAllowed);
}

#[test]
fn a_users_own_account_serves_only_that_user() {
    let mut test = TestPool::of(&[]);
    let own = UpstreamAccount {
        owner_id: Some(test.key.user_id),
        ..account()
    };
    test.replace(std::slice::from_ref(&own));
    assert_eq!(test.serve(), own.id);
    test.key.user_id = UserId::random();
    // Somebody else's account is not even hinted at.
    assert_eq!(test.lease().unwrap_err(), NoAccount::NotServed);
}

#[test]
fn an_inactive_account_is_passed_over() {
    let off = UpstreamAccount {
        is_active: false,
        ..account()
    };
    let test = TestPool::of(&[off]);
    assert_eq!(test.lease().unwrap_err(), NoAccount::NotServed);
}

#[test]
fn of_several_reasons_the_most_hopeful_is_told() {
    let accounts = [account(), account(), account()];
    let test = TestPool::of(&accounts);
    test.fail(&fault(FaultClass::Credential));
    test.fail(&quota(40));
    test.fail(&quota(20));
    let NoAccount::AllDown { class, retry_after } = test.lease().unwrap_err() else {
        panic!("all are down");
    };
    assert_eq!(class, FaultClass::Quota);
    assert_eq!(retry_after.map(|wait| wait.as_secs()), Some(20));
}

#[test]
fn what_is_known_stays_with_the_id_when_the_accounts_are_replaced() {
    let accounts = [account(), account()];
    let test = TestPool::of(&accounts);
    let resting = test.fail(&quota(60));
    let held = test.lease().unwrap();
    let renamed: Vec<UpstreamAccount> = accounts
        .iter()
        .rev()
        .map(|account| UpstreamAccount {
            name: "renamed".to_owned(),
            ..account.clone()
        })
        .collect();
    test.replace(&renamed);
    let rested = test.pool.health(resting).unwrap();
    assert_eq!(rested.status.as_str(), "cooling_down");
    assert_eq!(test.pool.health(held.account().id).unwrap().in_flight, 1);
    assert!(
        test.pool
            .accounts()
            .iter()
            .all(|account| account.name == "renamed")
    );
}

#[test]
fn a_lease_outlives_its_account() {
    let limited = limited_to(1);
    let test = TestPool::of(std::slice::from_ref(&limited));
    let held = test.lease().unwrap();
    test.replace(&[]);
    held.succeeded(&TokenCounts::default());
    assert!(test.pool.health(limited.id).is_none());
    // The same id again is another account: the old lease neither fills nor frees its places.
    test.replace(std::slice::from_ref(&limited));
    let new = test.lease().unwrap();
    drop(held);
    assert_eq!(test.health(&limited).in_flight, 1);
    drop(new);
    assert_eq!(test.health(&limited).in_flight, 0);
}

#[test]
fn a_new_weight_counts_at_once() {
    let heavy = weighing(1000);
    let light = weighing(1);
    let test = TestPool::of(&[heavy.clone(), light.clone()]);
    for _ in 0..501 {
        test.serve();
    }
    test.replace(&[
        UpstreamAccount {
            weight: 1,
            ..heavy.clone()
        },
        light.clone(),
    ]);
    let picks: Vec<AccountId> = (0..4).map(|_| test.serve()).collect();
    assert_eq!(picks, [heavy.id, light.id, heavy.id, light.id]);
}

#[test]
fn strategies_are_found_by_name() {
    for known in STRATEGIES {
        assert_eq!(
            strategy(known.name()).map(gateway_balancing::Strategy::name),
            Some(known.name())
        );
    }
    assert!(strategy("random").is_none());
}

proptest! {
    #[test]
    fn weights_are_honoured_over_many_picks(weights in vec(0_u16..=1000, 1..12)) {
        let accounts: Vec<UpstreamAccount> = weights.iter().copied().map(weighing).collect();
        let test = TestPool::of(&accounts);
        let sum: u32 = weights.iter().copied().map(u32::from).sum();
        let mut turns: HashMap<AccountId, u32> = HashMap::new();
        for _ in 0..sum.min(3_000) {
            *turns.entry(test.serve()).or_default() += 1;
        }
        for account in &accounts {
            let had = f64::from(turns.get(&account.id).copied().unwrap_or(0));
            let due = f64::from(sum.min(3_000)) * f64::from(account.weight) / f64::from(sum.max(1));
            // Smooth round robin is never a whole round behind; with few accounts it is within a turn or two.
            prop_assert!((had - due).abs() <= f64::from(u32::try_from(weights.len()).unwrap()), "{had} of {due}");
        }
    }

    #[test]
    fn leases_never_leak_nor_exceed_the_limit(
        limits in vec(0_u32..4, 1..4),
        steps in vec((any::<bool>(), any::<usize>()), 0..200),
    ) {
        let accounts: Vec<UpstreamAccount> = limits.iter().copied().map(limited_to).collect();
        let test = TestPool::of(&accounts);
        let mut held = Vec::new();
        for (opens, which) in steps {
            if opens {
                held.extend(test.lease().ok());
            } else if !held.is_empty() {
                drop(held.swap_remove(which % held.len()));
            }
            for account in &accounts {
                let open = held.iter().filter(|lease| lease.account().id == account.id).count();
                prop_assert_eq!(test.health(account).in_flight as usize, open);
                prop_assert!(open <= account.max_concurrency.unwrap() as usize);
            }
        }
    }
}
