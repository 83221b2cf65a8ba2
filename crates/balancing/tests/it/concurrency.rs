use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gateway_domain::{AccountId, FaultClass, TokenCounts};

use crate::support::{TestPool, account, fault, limited_to, quota};

const THREADS: usize = 8;

/// How many of many leases at once go to `id`.
fn leases_at_once(test: &TestPool, id: AccountId) -> usize {
    let barrier = Barrier::new(THREADS);
    let hits = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                barrier.wait();
                let leases: Vec<_> = (0..50).filter_map(|_| test.lease().ok()).collect();
                let here = leases.iter().filter(|lease| lease.account().id == id).count();
                hits.fetch_add(here, Ordering::Relaxed);
                // Nobody gives a lease back before all have asked.
                barrier.wait();
            });
        }
    });
    hits.into_inner()
}

#[test]
fn half_open_lets_exactly_one_request_through() {
    let alone = account();
    let test = TestPool::of(std::slice::from_ref(&alone));
    test.fail(&fault(FaultClass::Quota));
    assert_eq!(leases_at_once(&test, alone.id), 0);
    test.pass(3_600);
    assert_eq!(leases_at_once(&test, alone.id), 1);
    // The trial ended without a verdict: there is another, again just one.
    assert_eq!(leases_at_once(&test, alone.id), 1);
}

#[test]
fn half_open_lets_exactly_one_request_through_beside_a_healthy_account() {
    let accounts = [account(), account()];
    let test = TestPool::of(&accounts);
    let resting = test.fail(&fault(FaultClass::Overload));
    test.pass(3_600);
    assert_eq!(leases_at_once(&test, resting), 1);
}

#[test]
fn places_are_neither_lost_nor_given_twice() {
    let accounts = [limited_to(3), limited_to(5)];
    let test = TestPool::of(&accounts);
    let most = AtomicUsize::new(0);
    let open = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (test, most, open) = (&test, &most, &open);
            scope.spawn(move || {
                for turn in 0..500 {
                    let Ok(lease) = test.lease() else { continue };
                    most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    match (turn + number) % 3 {
                        0 => lease.succeeded(&TokenCounts::default()),
                        1 => lease.failed(&quota(1)),
                        _ => {}
                    }
                    if turn % 10 == 0 {
                        test.pass(1);
                    }
                    open.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert!((1..=8).contains(&most.into_inner()));
    assert!(accounts.iter().all(|account| test.health(account).in_flight == 0));
}
