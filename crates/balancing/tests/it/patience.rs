use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use gateway_balancing::{Delivery, Lease, NoAccount, PoolSettings, Prompt, QueuePlace, Wanted};
use gateway_domain::{FaultClass, RateLimit, RateLimits, TokenCounts, UpstreamAccount};

use crate::support::{TestPool, account, in_tier, limited_to, quota, start};

type Turn = Receiver<Result<Lease, NoAccount>>;

/// A turn of a conversation whose prompt is worth $ 0.17 in a cache: more than the longest wait.
fn turn_of(conversation: u64) -> Prompt {
    Prompt {
        input_tokens: 50_000,
        output_tokens: 300,
        delivery: Delivery::Streamed,
        conversation: Some(conversation),
        preamble: None,
        cache_lifetime: Some(Duration::from_secs(300)),
        pin: None,
    }
}

fn asking<'a>(test: &'a TestPool, prompt: Prompt) -> Wanted<'a> {
    Wanted {
        prompt,
        ..test.wanted()
    }
}

/// Serves the first turn of a conversation, and says where.
fn begin(test: &TestPool, accounts: &[UpstreamAccount], conversation: u64) -> usize {
    let lease = test
        .pool
        .lease(&asking(test, turn_of(conversation)))
        .expect("an account");
    lease.succeeded(&TokenCounts {
        cache_write_5m: 50_000,
        ..TokenCounts::default()
    });
    let is_it = |account: &UpstreamAccount| account.id == lease.account().id;
    accounts.iter().position(is_it).expect("an account of the pool")
}

fn wait(test: &TestPool, prompt: Prompt) -> (QueuePlace, Turn) {
    let (sender, turn) = channel();
    let send = move |turn| sender.send(turn).expect("a receiver");
    let place = test.pool.wait(&asking(test, prompt), send);
    (place.expect("room in the queue"), turn)
}

#[test]
fn a_conversation_waits_for_its_account_while_that_is_cheaper_than_another() {
    let accounts = [limited_to(1), limited_to(1)];
    let test = TestPool::with_strategy("smart", &accounts);
    let home = begin(&test, &accounts, 7);
    let held = test.pool.lease(&asking(&test, turn_of(7))).unwrap();
    assert_eq!(held.account().id, accounts[home].id);
    let next = test.pool.lease(&asking(&test, turn_of(7)));
    assert_eq!(next.unwrap_err(), NoAccount::AllBusy);
    // One that has no home does not wait.
    assert_eq!(
        test.pool.lease(&asking(&test, turn_of(8))).unwrap().account().id,
        accounts[1 - home].id
    );

    let (_place, turn) = wait(&test, turn_of(7));
    assert!(turn.try_recv().is_err());
    drop(held);
    assert_eq!(turn.try_recv().unwrap().unwrap().account().id, accounts[home].id);
}

#[test]
fn a_conversation_that_waited_too_long_goes_elsewhere() {
    let accounts = [limited_to(1), limited_to(1)];
    let test = TestPool::with_strategy("smart", &accounts);
    let home = begin(&test, &accounts, 7);
    let _held = test.pool.lease(&asking(&test, turn_of(7))).unwrap();
    let (_place, turn) = wait(&test, turn_of(7));
    test.pass(28);
    test.pool.serve_waiting();
    assert!(turn.try_recv().is_err());
    test.pass(1);
    test.pool.serve_waiting();
    assert_eq!(
        turn.try_recv().unwrap().unwrap().account().id,
        accounts[1 - home].id
    );
}

#[test]
fn a_conversation_waits_out_a_short_rest_of_its_account_and_not_a_long_one() {
    let accounts = [account(), account()];
    for (seconds, waits) in [(10, true), (60, false)] {
        let test = TestPool::with_strategy("smart", &accounts);
        begin(&test, &accounts, 7);
        let lease = test.pool.lease(&asking(&test, turn_of(7))).unwrap();
        lease.failed(&quota(seconds));
        drop(lease);
        let next = test.pool.lease(&asking(&test, turn_of(7)));
        assert_eq!(next.err(), waits.then_some(NoAccount::AllBusy), "{seconds}");
    }
}

#[test]
fn nobody_waits_for_a_worse_tier_or_where_nobody_may_wait() {
    let accounts = [in_tier(10), in_tier(20)];
    let test = TestPool::with_strategy("smart", &accounts);
    let trouble = test.pool.lease(&test.wanted()).unwrap();
    trouble.failed(&quota(1));
    drop(trouble);
    assert_eq!(begin(&test, &accounts, 7), 1);
    test.pass(1);
    test.serve();
    let lease = test.pool.lease(&asking(&test, turn_of(7))).unwrap();
    assert_eq!(lease.account().id, accounts[0].id);

    let accounts = [limited_to(1), limited_to(1)];
    let settings = PoolSettings {
        max_waiting: 0,
        ..PoolSettings::default()
    };
    let test = TestPool::with_settings(settings, &accounts);
    begin(&test, &accounts, 7);
    let _held = test.pool.lease(&asking(&test, turn_of(7))).unwrap();
    assert!(test.pool.lease(&asking(&test, turn_of(7))).is_ok());
}

#[test]
fn who_comes_during_a_trial_waits_for_its_outcome() {
    let alone = account();
    let test = TestPool::of(std::slice::from_ref(&alone));
    test.fail(&quota(30));
    test.pass(30);
    let trial = test.lease().unwrap();
    assert_eq!(test.lease().unwrap_err(), NoAccount::AllBusy);
    let (_place, turn) = wait(&test, Prompt::default());
    assert!(turn.try_recv().is_err());
    trial.answering(Some(Duration::from_secs(1)), RateLimits::default());
    assert_eq!(turn.try_recv().unwrap().unwrap().account().id, alone.id);

    test.fail(&quota(30));
    test.pass(30);
    let trial = test.lease().unwrap();
    let (_place, turn) = wait(&test, Prompt::default());
    trial.failed(&quota(30));
    drop(trial);
    let outcome = turn.try_recv().unwrap().unwrap_err();
    assert!(
        matches!(
            outcome,
            NoAccount::AllDown {
                class: FaultClass::Quota,
                ..
            }
        ),
        "{outcome:?}"
    );
}

#[test]
fn a_conversation_waits_out_a_short_rest_rather_than_be_refused() {
    let alone = [account()];
    let test = TestPool::with_strategy("smart", &alone);
    begin(&test, &alone, 7);
    test.fail(&quota(10));
    let next = test.pool.lease(&asking(&test, turn_of(7)));
    assert_eq!(next.unwrap_err(), NoAccount::AllBusy);
    let (_place, turn) = wait(&test, turn_of(7));
    let other = test.pool.lease(&asking(&test, turn_of(8))).unwrap_err();
    assert!(matches!(other, NoAccount::AllDown { .. }), "{other:?}");
    test.pass(10);
    test.pool.serve_waiting();
    assert!(turn.try_recv().unwrap().is_ok());
}

#[test]
fn a_conversation_waits_for_its_accounts_limits_to_refill() {
    let accounts = [account(), account()];
    let test = TestPool::with_strategy("smart", &accounts);
    let home = begin(&test, &accounts, 7);
    let lease = test.pool.lease(&asking(&test, turn_of(7))).unwrap();
    let limits = RateLimits {
        input_tokens: Some(RateLimit {
            limit: Some(60_000),
            remaining: 0,
            resets_at: Some(start() + Duration::from_secs(60)),
        }),
        ..RateLimits::default()
    };
    lease.answering(Some(Duration::from_secs(1)), limits);
    drop(lease);
    let longer = Prompt {
        input_tokens: 55_000,
        ..turn_of(7)
    };
    let next = test.pool.lease(&asking(&test, longer));
    assert_eq!(next.unwrap_err(), NoAccount::AllBusy);
    test.pass(6);
    let next = test.pool.lease(&asking(&test, longer)).unwrap();
    assert_eq!(next.account().id, accounts[home].id);
}
