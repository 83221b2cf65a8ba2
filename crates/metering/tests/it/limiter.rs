use std::sync::Arc;
use std::time::Duration;

use gateway_domain::{ApiKeyId, Limits, ManualClock, Timestamp};
use gateway_metering::{Admission, Allowance, LimitExceeded, LimitKind, Limiter, Standing};

struct Bench {
    clock: Arc<ManualClock>,
    limiter: Arc<Limiter>,
    key: ApiKeyId,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::default()));
        Self {
            limiter: Arc::new(Limiter::new(clock.clone())),
            clock,
            key: ApiKeyId::random(),
        }
    }

    fn admit(&self, limits: &Limits) -> Result<Admission, LimitExceeded> {
        self.limiter.admit(self.key, limits)
    }

    /// How many of a hundred requests that end at once are let in.
    fn burst(&self, limits: &Limits) -> usize {
        (0..100).filter(|_| self.admit(limits).is_ok()).count()
    }
}

fn requests(per_minute: u32) -> Limits {
    Limits {
        requests_per_minute: Some(per_minute),
        ..Limits::default()
    }
}

fn tokens(per_minute: u64) -> Limits {
    Limits {
        tokens_per_minute: Some(per_minute),
        ..Limits::default()
    }
}

fn concurrent(requests: u32) -> Limits {
    Limits {
        concurrent_requests: Some(requests),
        ..Limits::default()
    }
}

#[test]
fn requests_are_let_in_as_the_minute_refills() {
    let bench = Bench::new();
    let limits = requests(7);
    assert_eq!(bench.burst(&limits), 7);
    let exceeded = bench.admit(&limits).unwrap_err();
    assert_eq!(
        (exceeded.limit, exceeded.allowed),
        (LimitKind::RequestsPerMinute, 7)
    );
    assert_eq!(exceeded.retry_after, Duration::from_nanos(8_571_428_572));
    assert_eq!(
        exceeded.to_string(),
        "the key's limit of 7 requests per minute is reached"
    );
    // The clock counts microseconds.
    bench.clock.advance(Duration::from_micros(8_571_428));
    assert!(bench.admit(&limits).is_err());
    bench.clock.advance(Duration::from_micros(1));
    assert_eq!(bench.burst(&limits), 1);
    bench.clock.advance(Duration::from_secs(3600));
    assert_eq!(bench.burst(&limits), 7);
}

#[test]
fn a_refused_request_counts_for_nothing() {
    let bench = Bench::new();
    let limits = Limits {
        requests_per_minute: Some(2),
        concurrent_requests: Some(1),
        ..Limits::default()
    };
    let open = bench.admit(&limits).unwrap();
    assert_eq!(bench.burst(&limits), 0);
    drop(open);
    assert_eq!(bench.burst(&limits), 1);
}

#[test]
fn tokens_are_charged_afterwards_and_refuse_while_in_debt() {
    let bench = Bench::new();
    let limits = tokens(60);
    let first = bench.admit(&limits).unwrap();
    let second = bench.admit(&limits).unwrap();
    // Time that has passed before the charge refills nothing of it.
    bench.clock.advance(Duration::from_secs(30));
    first.charge_tokens(50);
    second.charge_tokens(40);
    let exceeded = bench.admit(&limits).unwrap_err();
    assert_eq!(
        (exceeded.limit, exceeded.allowed),
        (LimitKind::TokensPerMinute, 60)
    );
    assert_eq!(exceeded.retry_after, Duration::from_secs(31));
    bench
        .clock
        .advance(exceeded.retry_after - Duration::from_micros(1));
    assert!(bench.admit(&limits).is_err());
    bench.clock.advance(Duration::from_micros(1));
    assert!(bench.admit(&limits).is_ok());
}

#[test]
fn open_requests_are_counted_until_they_end() {
    let bench = Bench::new();
    let limits = concurrent(2);
    let first = bench.admit(&limits).unwrap();
    let _second = bench.admit(&limits).unwrap();
    let exceeded = bench.admit(&limits).unwrap_err();
    assert_eq!(
        (exceeded.limit, exceeded.allowed),
        (LimitKind::ConcurrentRequests, 2)
    );
    std::thread::spawn(move || drop(first)).join().unwrap();
    assert!(bench.admit(&limits).is_ok());
}

#[test]
fn the_limit_that_holds_longest_is_named() {
    let bench = Bench::new();
    let limits = Limits {
        requests_per_minute: Some(1),
        tokens_per_minute: Some(60),
        concurrent_requests: Some(1),
    };
    let open = bench.admit(&limits).unwrap();
    assert_eq!(
        bench.admit(&limits).unwrap_err().limit,
        LimitKind::RequestsPerMinute
    );
    open.charge_tokens(1000);
    assert_eq!(
        bench.admit(&limits).unwrap_err().limit,
        LimitKind::TokensPerMinute
    );
}

#[test]
fn changed_limits_count_at_once() {
    let bench = Bench::new();
    assert_eq!(bench.burst(&requests(2)), 2);
    assert_eq!(bench.burst(&requests(5)), 3);
    assert_eq!(bench.burst(&requests(1)), 0);
    assert_eq!(bench.burst(&Limits::default()), 100);
    assert_eq!(bench.burst(&tokens(10)), 100);
    assert_eq!(bench.burst(&requests(0)), 0);
    let open = bench.admit(&concurrent(5)).unwrap();
    assert_eq!(bench.burst(&concurrent(1)), 0);
    drop(open);
}

#[test]
fn keys_do_not_share_their_limits() {
    let bench = Bench::new();
    for _ in 0..1000 {
        assert!(bench.limiter.admit(ApiKeyId::random(), &requests(1)).is_ok());
    }
}

#[test]
fn the_standing_of_a_key_is_what_it_has_left() {
    let bench = Bench::new();
    let limits = Limits {
        requests_per_minute: Some(10),
        tokens_per_minute: Some(600),
        concurrent_requests: None,
    };
    let fresh = bench.limiter.standing(bench.key, &limits);
    assert_eq!(fresh.requests.unwrap().remaining, 10);
    assert_eq!(fresh.requests.unwrap().resets_in, Duration::ZERO);
    let open = bench.admit(&limits).unwrap();
    open.charge_tokens(100);
    assert_eq!(
        bench.limiter.standing(bench.key, &limits),
        Standing {
            requests: Some(Allowance {
                limit: 10,
                remaining: 9,
                resets_in: Duration::from_secs(6),
            }),
            tokens: Some(Allowance {
                limit: 600,
                remaining: 500,
                resets_in: Duration::from_secs(10),
            }),
            open_requests: 1,
            concurrent_requests: None,
        }
    );
    open.charge_tokens(10_000);
    assert_eq!(
        bench
            .limiter
            .standing(bench.key, &limits)
            .tokens
            .unwrap()
            .remaining,
        0
    );
    // To look changes nothing.
    assert_eq!(bench.limiter.standing(bench.key, &requests(1)).tokens, None);
    assert!(bench.admit(&limits).is_err());
}

#[test]
fn threads_together_get_no_more_than_the_limit() {
    let bench = Bench::new();
    let limits = requests(500);
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| bench.burst(&limits))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 500);
    assert_eq!(bench.limiter.standing(bench.key, &limits).open_requests, 0);
}
