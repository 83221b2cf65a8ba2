use gateway_balancing::Wanted;
use gateway_domain::{AccountId, FaultClass, ProviderKind, UpstreamAccount, UserId};

use crate::support::{MODEL, TestPool, account, fault, in_tier, limited_to, quota};

#[test]
fn every_reason_is_told_in_words() {
    let off = UpstreamAccount {
        is_active: false,
        ..account()
    };
    let weightless = UpstreamAccount {
        weight: 0,
        ..account()
    };
    let other_model = UpstreamAccount {
        models: vec!["claude-opus-*".parse().unwrap()],
        ..account()
    };
    let foreign_dialect = UpstreamAccount {
        provider: ProviderKind::OpenAi,
        models: vec!["*".parse().unwrap()],
        ..account()
    };
    let foreign = UpstreamAccount {
        owner_id: Some(UserId::random()),
        ..account()
    };
    let fallback = in_tier(90);
    let good = account();
    let accounts = [
        off,
        weightless,
        other_model,
        foreign_dialect,
        foreign,
        fallback,
        good,
    ];
    let test = TestPool::of(&accounts);
    let told: Vec<Option<String>> = accounts.iter().map(|account| test.explain(account)).collect();
    let told: Vec<Option<&str>> = told.iter().map(Option::as_deref).collect();
    assert_eq!(
        told,
        [
            Some("switched off"),
            Some("weight 0: takes no requests"),
            Some("does not serve the model"),
            Some("openai does not answer in the client's dialect"),
            Some("belongs to another user"),
            Some("lower priority"),
            None,
        ]
    );
}

#[test]
fn what_changes_from_one_moment_to_the_next_is_told() {
    let accounts = [limited_to(1), account(), account()];
    let mut test = TestPool::of(&accounts);
    let busy = test.lease().unwrap();
    assert_eq!(
        test.explain(&accounts[0]).as_deref(),
        Some("busy: 1 of 1 in flight")
    );
    drop(busy);

    let tried = [accounts[0].id];
    let wanted = Wanted {
        tried: &tried,
        ..test.wanted()
    };
    assert_eq!(
        test.explain_for(&accounts[0], &wanted).as_deref(),
        Some("already tried")
    );

    test.fail(&quota(90));
    assert_eq!(
        test.explain(&accounts[1]).as_deref(),
        Some("cooling down until 2026-01-31T12:01:30Z: quota: as told")
    );
    test.fail(&fault(FaultClass::Credential));
    assert_eq!(
        test.explain(&accounts[2]).as_deref(),
        Some("unhealthy, asked again after 2026-01-31T12:00:10Z: credential: as told")
    );
    test.pass(90);
    assert_eq!(
        test.explain(&accounts[2]).as_deref(),
        Some("unhealthy, until a probe succeeds: credential: as told")
    );
    let trial = test.lease_after(&[accounts[0].id]).unwrap();
    assert_eq!(trial.account().id, accounts[1].id);
    assert_eq!(
        test.explain(&accounts[1]).as_deref(),
        Some("half-open, and its one trial is under way: quota: as told")
    );

    test.key.allowed_accounts = vec![AccountId::random()];
    assert_eq!(
        test.explain(&accounts[0]).as_deref(),
        Some("not allowed to this key")
    );
    test.key.allowed_models = vec!["claude-opus-*".parse().unwrap()];
    assert_eq!(
        test.explain(&accounts[0]).as_deref(),
        Some("the key may not use the model")
    );
}

#[test]
fn a_missing_model_is_told_with_its_end() {
    let alone = account();
    let test = TestPool::of(std::slice::from_ref(&alone));
    test.fail(&fault(FaultClass::ModelMissing));
    let expected = "did not have the model when last asked; asked again after 2026-01-31T12:10:00Z";
    assert_eq!(test.explain(&alone).as_deref(), Some(expected));
    let other = Wanted {
        model: "claude-opus-4-1",
        ..test.wanted()
    };
    assert_eq!(test.explain_for(&alone, &other), None);
    assert_ne!(other.model, MODEL);
}

#[test]
fn the_least_bad_account_is_told_from_others_that_rest() {
    let accounts = [account(), account()];
    let test = TestPool::of(&accounts);
    test.fail(&fault(FaultClass::Overload));
    test.pass(1);
    test.fail(&fault(FaultClass::Overload));
    let tried = "tried for want of a better one: cooling down until ";
    let told = test.explain(&accounts[0]).unwrap();
    assert!(told.starts_with(tried), "{told}");
    let told = test.explain(&accounts[1]).unwrap();
    assert!(told.starts_with("cooling down until "), "{told}");

    let (lease, decision) = test.pool.lease_explained(&test.wanted());
    assert_eq!(lease.unwrap().account().id, accounts[0].id);
    let recorded = &decision.considered[0];
    assert!(recorded.is_picked && recorded.score.is_none());
    let told = recorded.reason.as_deref().unwrap();
    assert!(told.starts_with(tried), "{told}");
}

#[test]
fn of_many_the_accounts_that_the_key_may_not_use_are_recorded_last() {
    let mut accounts: Vec<UpstreamAccount> = (0..12).map(|_| account()).collect();
    accounts.push(limited_to(1));
    let mut test = TestPool::of(&accounts);
    test.key.allowed_accounts = vec![accounts[12].id];
    let _busy = test.lease().unwrap();
    let (lease, decision) = test.pool.lease_explained(&test.wanted());
    assert!(lease.is_err());
    let told: Vec<Option<&str>> = decision
        .considered
        .iter()
        .map(|considered| considered.reason.as_deref())
        .collect();
    assert_eq!(told[0], Some("busy: 1 of 1 in flight"));
    assert_eq!(told[1..], [Some("not allowed to this key"); 7]);
}
