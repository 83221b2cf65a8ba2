use std::sync::mpsc::{Receiver, channel};

use gateway_balancing::{Lease, NoAccount, PoolSettings, Prompt, QueuePlace, Wanted};
use gateway_domain::{ApiKey, ApiKeyId, Fault, FaultClass, TokenCounts, UpstreamAccount};

use crate::support::{TestPool, account, key, limited_to};

type Turn = Receiver<Result<Lease, NoAccount>>;

fn wait(test: &TestPool, key: &ApiKey) -> (QueuePlace, Turn) {
    let (sender, turn) = channel();
    let wanted = Wanted {
        key,
        user_id: key.user_id,
        ..test.wanted()
    };
    let on_turn = move |lease| drop(sender.send(lease));
    (test.pool.wait(&wanted, on_turn).expect("room"), turn)
}

fn keys() -> (ApiKey, ApiKey) {
    let heavy = key();
    let light = ApiKey {
        id: ApiKeyId::random(),
        ..key()
    };
    (heavy, light)
}

#[test]
fn a_place_that_comes_free_goes_to_the_first_that_waits() {
    let test = TestPool::of(&[limited_to(1)]);
    let held = test.lease().unwrap();
    let (_first_place, first) = wait(&test, &test.key);
    let (_second_place, second) = wait(&test, &test.key);
    assert!(first.try_recv().is_err());
    drop(held);
    let lease = first.try_recv().unwrap().unwrap();
    assert!(second.try_recv().is_err());
    // Who comes later does not get past who waits.
    assert_eq!(test.lease().unwrap_err(), NoAccount::AllBusy);
    drop(lease);
    assert!(second.try_recv().unwrap().is_ok());
    assert_eq!(test.pool.waiting(), 0);
}

#[test]
fn one_heavy_key_cannot_starve_the_others() {
    let test = TestPool::of(&[limited_to(1)]);
    let (heavy, light) = keys();
    let held = test.lease().unwrap();
    let heavy_turns: Vec<_> = (0..10).map(|_| wait(&test, &heavy)).collect();
    let (_place, light_turn) = wait(&test, &light);
    drop(held);
    // One of the heavy key's is served, and then the light one.
    drop(heavy_turns[0].1.try_recv().unwrap());
    assert!(light_turn.try_recv().unwrap().is_ok());
}

#[test]
fn who_leaves_the_queue_is_not_served_and_leaves_no_trace() {
    let limited = limited_to(1);
    let test = TestPool::of(std::slice::from_ref(&limited));
    let held = test.lease().unwrap();
    let (place, turn) = wait(&test, &test.key);
    drop(place);
    assert_eq!(test.pool.waiting(), 0);
    let (kept, gone) = wait(&test, &test.key);
    // It is served and does not take what it is given.
    drop(gone);
    drop(held);
    drop(kept);
    assert!(turn.try_recv().is_err());
    assert_eq!(test.health(&limited).in_flight, 0);
}

#[test]
fn a_place_that_is_free_already_is_given_at_once() {
    let test = TestPool::of(&[limited_to(1)]);
    let (_place, turn) = wait(&test, &test.key);
    assert!(turn.try_recv().unwrap().is_ok());
}

#[test]
fn the_queue_is_bounded() {
    let settings = PoolSettings {
        max_waiting: 2,
        ..PoolSettings::default()
    };
    let test = TestPool::with_settings(settings, &[limited_to(1)]);
    let _held = test.lease().unwrap();
    let _waiting = (wait(&test, &test.key), wait(&test, &test.key));
    let refused = test.pool.wait(&test.wanted(), |_| {});
    assert_eq!(refused.unwrap_err(), NoAccount::QueueFull);
}

#[test]
fn who_has_nothing_left_to_wait_for_is_told() {
    let test = TestPool::of(&[limited_to(1)]);
    let held = test.lease().unwrap();
    let (_place, turn) = wait(&test, &test.key);
    held.failed(&Fault::new(FaultClass::Credential, "refused"));
    drop(held);
    let NoAccount::AllDown { class, .. } = turn.try_recv().unwrap().unwrap_err() else {
        panic!("all are down");
    };
    assert_eq!(class, FaultClass::Credential);
}

#[test]
fn a_new_account_serves_those_that_wait() {
    let limited = limited_to(1);
    let test = TestPool::of(std::slice::from_ref(&limited));
    let _held = test.lease().unwrap();
    let (_place, turn) = wait(&test, &test.key);
    let new = account();
    test.replace(&[limited, new.clone()]);
    assert_eq!(turn.try_recv().unwrap().unwrap().account().id, new.id);
}

#[test]
fn a_healthy_account_that_is_full_is_waited_for_rather_than_a_broken_one_tried() {
    let broken = account();
    let full = UpstreamAccount {
        priority: 60,
        ..limited_to(1)
    };
    let test = TestPool::of(&[broken.clone(), full.clone()]);
    for _ in 0..3 {
        assert_eq!(test.fail(&Fault::new(FaultClass::Server, "broken")), broken.id);
    }
    let _held = test.lease().unwrap();
    assert_eq!(test.lease().unwrap_err(), NoAccount::AllBusy);
}

#[test]
fn who_has_waited_may_be_served_above_the_standard_concurrency() {
    let settings = PoolSettings {
        burst_percent: 50,
        ..PoolSettings::default()
    };
    let test = TestPool::with_settings(settings, &[limited_to(2)]);
    let _held = (test.lease().unwrap(), test.lease().unwrap());
    let (_place, turn) = wait(&test, &test.key);
    let (_other_place, other_turn) = wait(&test, &test.key);
    test.pool.serve_waiting();
    assert!(turn.try_recv().is_err(), "not at once");
    test.pass(1);
    test.pool.serve_waiting();
    let _burst = turn.try_recv().unwrap().unwrap();
    assert!(other_turn.try_recv().is_err(), "and only so far");
}

#[test]
fn requests_for_different_models_do_not_block_each_other() {
    let sonnet_only = UpstreamAccount {
        models: vec!["claude-sonnet-*".parse().unwrap()],
        ..limited_to(1)
    };
    let opus_only = UpstreamAccount {
        models: vec!["claude-opus-*".parse().unwrap()],
        ..limited_to(1)
    };
    let test = TestPool::of(&[sonnet_only, opus_only]);
    let _sonnet = test.lease().unwrap();
    let opus_wanted = Wanted {
        model: "claude-opus-4-1",
        prompt: Prompt::default(),
        ..test.wanted()
    };
    let opus = test.pool.lease(&opus_wanted).unwrap();
    let (_first_place, first) = wait(&test, &test.key);
    let (sender, second) = channel();
    let _second_place = test
        .pool
        .wait(&opus_wanted, move |lease| drop(sender.send(lease)))
        .unwrap();
    drop(opus);
    assert!(first.try_recv().is_err());
    assert!(second.try_recv().unwrap().is_ok());
}

#[test]
fn one_that_must_wait_for_its_account_keeps_no_other_waiting() {
    let accounts = [limited_to(1), limited_to(1)];
    let test = TestPool::of(&accounts);
    let pinned = Prompt {
        pin: Some(7),
        ..Prompt::default()
    };
    let pinned = Wanted {
        prompt: pinned,
        ..test.wanted()
    };
    let home = test.pool.lease(&pinned).unwrap();
    home.succeeded(&TokenCounts::default());
    let other = test.lease().unwrap();
    let _place = test.pool.wait(&pinned, |_| {}).unwrap();
    let (_plain_place, plain) = wait(&test, &test.key);
    drop(other);
    assert!(plain.try_recv().unwrap().is_ok());
}
