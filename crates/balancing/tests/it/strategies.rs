use std::time::Duration;

use gateway_balancing::{Delivery, Lease, Preamble, Prompt, STRATEGIES, Wanted};
use gateway_domain::{RateLimit, RateLimits, TokenCounts, UpstreamAccount};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, proptest};
use proptest::prop_assert;

use crate::support::{TestPool, account, in_tier, quota, start, weighing};

/// A streamed request that is not cached.
const ONE_SHOT: Prompt = Prompt {
    input_tokens: 1_000,
    output_tokens: 100,
    delivery: Delivery::Streamed,
    conversation: None,
    preamble: None,
    cache_lifetime: None,
    pin: None,
};

const fn first_turn_of(conversation: u64) -> Prompt {
    Prompt {
        input_tokens: 10_000,
        conversation: Some(conversation),
        cache_lifetime: Some(Duration::from_secs(300)),
        ..ONE_SHOT
    }
}

fn lease(test: &TestPool, prompt: Prompt) -> Lease {
    let wanted = Wanted {
        prompt,
        ..test.wanted()
    };
    test.pool.lease(&wanted).expect("an account")
}

/// How many of the leases each account has.
fn counts(accounts: &[UpstreamAccount], leases: &[Lease]) -> Vec<usize> {
    let of = |account: &UpstreamAccount| {
        let theirs = leases.iter().filter(|lease| lease.account().id == account.id);
        theirs.count()
    };
    accounts.iter().map(of).collect()
}

fn input_limit(limit: u64) -> RateLimits {
    RateLimits {
        input_tokens: Some(RateLimit {
            limit: Some(limit),
            remaining: limit,
            resets_at: Some(start()),
        }),
        ..RateLimits::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_strategy_honours_weights_with_requests_held_open(weights in vec(1_u16..=5, 2..5)) {
        let sum: u16 = weights.iter().sum();
        let accounts: Vec<UpstreamAccount> = weights.iter().copied().map(weighing).collect();
        for strategy in STRATEGIES {
            let test = TestPool::with_strategy(strategy.name(), &accounts);
            let leases: Vec<Lease> = (0..600).map(|_| lease(&test, ONE_SHOT)).collect();
            for (had, weight) in counts(&accounts, &leases).into_iter().zip(&weights) {
                let due = 600.0 * f64::from(*weight) / f64::from(sum);
                // Six standard deviations, for the one that draws lots.
                prop_assert!((had as f64 - due).abs() <= 6.0 * due.sqrt(), "{}: {had} of {due}", strategy.name());
            }
        }
    }

    #[test]
    fn every_strategy_honours_weights_in_turn(weights in vec(1_u16..=5, 2..5)) {
        let sum: u16 = weights.iter().sum();
        let accounts: Vec<UpstreamAccount> = weights.iter().copied().map(weighing).collect();
        for strategy in STRATEGIES {
            let test = TestPool::with_strategy(strategy.name(), &accounts);
            let mut turns = vec![0; accounts.len()];
            for _ in 0..600 {
                let lease = lease(&test, ONE_SHOT);
                lease.answering(Some(Duration::from_millis(500)), RateLimits::default());
                lease.succeeded(&TokenCounts::default());
                let is_it = |account: &UpstreamAccount| account.id == lease.account().id;
                turns[accounts.iter().position(is_it).unwrap()] += 1;
            }
            for (had, weight) in turns.into_iter().zip(&weights) {
                let due = 600.0 * f64::from(*weight) / f64::from(sum);
                prop_assert!((f64::from(had) - due).abs() <= 6.0 * due.sqrt(), "{}: {had} of {due}", strategy.name());
            }
        }
    }

    #[test]
    fn new_conversations_spread_by_weight(weights in vec(1_u16..=5, 2..5)) {
        let sum: u16 = weights.iter().sum();
        let accounts: Vec<UpstreamAccount> = weights.iter().copied().map(weighing).collect();
        let test = TestPool::with_strategy("smart", &accounts);
        let mut turns = vec![0; accounts.len()];
        for conversation in 0..600 {
            let lease = lease(&test, first_turn_of(conversation));
            let is_it = |account: &UpstreamAccount| account.id == lease.account().id;
            turns[accounts.iter().position(is_it).unwrap()] += 1;
        }
        for (had, weight) in turns.into_iter().zip(&weights) {
            let due = 600.0 * f64::from(*weight) / f64::from(sum);
            prop_assert!((f64::from(had) - due).abs() <= 6.0 * due.sqrt(), "{had} of {due}");
        }
    }
}

#[test]
fn every_strategy_keeps_to_the_tiers() {
    let accounts = [in_tier(20), in_tier(10)];
    for strategy in STRATEGIES {
        let test = TestPool::with_strategy(strategy.name(), &accounts);
        let held: Vec<Lease> = (0..20).map(|_| lease(&test, ONE_SHOT)).collect();
        assert_eq!(counts(&accounts, &held), [0, 20], "{}", strategy.name());
        held[0].failed(&quota(60));
        assert_eq!(lease(&test, ONE_SHOT).account().id, accounts[0].id);
    }
}

#[test]
fn two_pools_send_a_new_conversation_to_the_same_account() {
    let accounts: Vec<UpstreamAccount> = (0..5).map(|_| account()).collect();
    let pools = [0, 1].map(|_| TestPool::with_strategy("smart", &accounts));
    // One of them has been at work before.
    for _ in 0..7 {
        pools[0].serve();
    }
    for conversation in 0..200 {
        let [first, second] = pools
            .each_ref()
            .map(|pool| lease(pool, first_turn_of(conversation)).account().id);
        assert_eq!(first, second);
    }
}

#[test]
fn unequal_quotas_fill_in_proportion_to_their_size() {
    let accounts = [account(), account(), account()];
    let test = TestPool::with_strategy("smart", &accounts);
    let sizes = [20_000, 60_000, 120_000];
    let first: Vec<Lease> = (0..3).map(|_| lease(&test, ONE_SHOT)).collect();
    for lease in &first {
        let is_it = |account: &UpstreamAccount| account.id == lease.account().id;
        let size = sizes[accounts.iter().position(is_it).unwrap()];
        lease.answering(Some(Duration::from_millis(500)), input_limit(size));
        lease.succeeded(&TokenCounts::default());
    }
    // Every request of theirs is still under way: 140 of the 200 that fit.
    let held: Vec<Lease> = (0..140)
        .map(|_| {
            lease(
                &test,
                Prompt {
                    delivery: Delivery::Whole,
                    ..ONE_SHOT
                },
            )
        })
        .collect();
    for (had, size) in counts(&accounts, &held).into_iter().zip(sizes) {
        let part = had as f64 * 1_000.0 / size as f64;
        assert!((0.6..0.8).contains(&part), "{had} of {size}");
    }
}

#[test]
fn an_account_that_hangs_gets_no_new_requests() {
    let accounts = [account(), account()];
    let test = TestPool::with_strategy("smart", &accounts);
    let [hanging, answering] = [0, 1].map(|_| lease(&test, ONE_SHOT));
    assert_ne!(hanging.account().id, answering.account().id);
    test.pass(1);
    answering.answering(Some(Duration::from_secs(1)), RateLimits::default());
    test.pass(4);
    for _ in 0..10 {
        let next = lease(&test, ONE_SHOT);
        assert_eq!(next.account().id, answering.account().id);
        next.answering(Some(Duration::from_secs(1)), RateLimits::default());
    }
}

#[test]
fn many_conversations_with_one_preamble_spread_by_weight() {
    let accounts = [weighing(3), weighing(1)];
    let test = TestPool::with_strategy("smart", &accounts);
    let mut first = 0;
    for number in 0..2_000 {
        let wanted = Wanted {
            prompt: Prompt {
                input_tokens: 30_000,
                output_tokens: 300,
                conversation: Some(number * 2 + 1),
                preamble: Some(Preamble {
                    hash: 5,
                    tokens: 20_000,
                }),
                cache_lifetime: Some(Duration::from_secs(300)),
                ..Prompt::default()
            },
            ..test.wanted()
        };
        let lease = test.pool.lease(&wanted).unwrap();
        lease.succeeded(&TokenCounts {
            cache_read: 20_000,
            cache_write_5m: 10_000,
            ..TokenCounts::default()
        });
        first += u32::from(lease.account().id == accounts[0].id);
    }
    assert!((1_300..1_700).contains(&first), "{first} of 2000");
}

#[test]
fn an_account_that_tells_no_limits_does_not_get_everything() {
    let accounts = [account(), account()];
    let test = TestPool::with_strategy("smart", &accounts);
    let limit = Some(RateLimit {
        limit: Some(1_000),
        remaining: 800,
        resets_at: None,
    });
    let limits = RateLimits {
        requests: limit,
        ..RateLimits::default()
    };
    let mut first = 0;
    for _ in 0..100 {
        let lease = test.lease().unwrap();
        let is_first = lease.account().id == accounts[0].id;
        lease.answering(None, if is_first { limits } else { RateLimits::default() });
        lease.succeeded(&TokenCounts::default());
        first += u32::from(is_first);
    }
    assert!((45..=55).contains(&first), "{first} of 100");
}

#[test]
fn an_account_that_answers_nobody_repels_requests_of_every_kind() {
    for delivery in [Delivery::Whole, Delivery::Streamed] {
        let accounts = [account(), account(), account()];
        let test = TestPool::with_strategy("smart", &accounts);
        let wanted = Wanted {
            prompt: Prompt {
                delivery,
                ..Prompt::default()
            },
            ..test.wanted()
        };
        let mut stuck = Vec::new();
        for _ in 0..300 {
            let lease = test.pool.lease(&wanted).unwrap();
            test.clock.advance(Duration::from_millis(50));
            if lease.account().id == accounts[0].id {
                stuck.push(lease);
            } else {
                lease.succeeded(&TokenCounts::default());
            }
        }
        assert!(stuck.len() < 10, "{} of 300", stuck.len());
        // Clients that give up do not make it attractive again.
        drop(stuck);
        let next: Vec<_> = (0..10).map(|_| test.pool.lease(&wanted).unwrap()).collect();
        assert!(
            next.iter()
                .filter(|lease| lease.account().id == accounts[0].id)
                .count()
                <= 1
        );
    }
}

/// How many of many requests go to the heavy one of a hundred accounts, which has a third of all weight.
fn share_of_the_heavy_one(strategy: &str, prompt: impl Fn(u64) -> Prompt) -> u32 {
    let mut accounts: Vec<_> = (0..99).map(|_| weighing(2)).collect();
    accounts.push(weighing(99));
    let test = TestPool::with_strategy(strategy, &accounts);
    let is_heavy = |number: u64| {
        let wanted = Wanted {
            prompt: prompt(number),
            ..test.wanted()
        };
        let lease = test.pool.lease(&wanted).expect("an account");
        lease.succeeded(&TokenCounts::default());
        lease.account().id == accounts[99].id
    };
    (0..3_000).map(|number| u32::from(is_heavy(number))).sum()
}

#[test]
fn weights_are_honoured_among_many_accounts() {
    for strategy in STRATEGIES {
        let heavy = share_of_the_heavy_one(strategy.name(), |_| ONE_SHOT);
        assert!(
            (850..1_150).contains(&heavy),
            "{}: {heavy} of 3000",
            strategy.name()
        );
    }
    let heavy = share_of_the_heavy_one("smart", |number| first_turn_of(number + 1));
    assert!((850..1_150).contains(&heavy), "conversations: {heavy} of 3000");
}

#[test]
fn among_many_accounts_a_conversation_keeps_to_its_own_and_two_pools_agree() {
    let accounts: Vec<_> = (0..200).map(|_| account()).collect();
    let pools = [0, 1].map(|_| TestPool::with_strategy("smart", &accounts));
    for conversation in 1..100 {
        let homes = pools.each_ref().map(|test| {
            let lease = lease(test, first_turn_of(conversation));
            lease.succeeded(&TokenCounts {
                cache_write_5m: 10_000,
                ..TokenCounts::default()
            });
            lease.account().id
        });
        assert_eq!(homes[0], homes[1]);
        assert_eq!(
            lease(&pools[0], first_turn_of(conversation)).account().id,
            homes[0]
        );
    }
}

#[test]
fn when_most_of_many_accounts_rest_the_others_are_found() {
    let accounts: Vec<_> = (0..100).map(|_| account()).collect();
    let test = TestPool::with_strategy("smart", &accounts);
    let mut tried = Vec::new();
    for _ in 0..97 {
        let lease = test.lease_after(&tried).unwrap();
        lease.failed(&quota(60));
        tried.push(lease.account().id);
    }
    let mut found = std::collections::HashSet::new();
    for _ in 0..30 {
        found.insert(test.serve());
    }
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|id| !tried.contains(id)));
}
