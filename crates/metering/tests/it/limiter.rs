use std::sync::Arc;
use std::time::Duration;

use gateway_domain::{
    ApiKeyId, Limits, ManualClock, RateLimit, RateLimits, Spender, Timestamp, TokenCounts, UserId,
};
use gateway_metering::{Admission, LimitExceeded, LimitKind, Limiter};

struct Bench {
    clock: Arc<ManualClock>,
    limiter: Arc<Limiter>,
    key: Spender,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::default()));
        Self {
            limiter: Arc::new(Limiter::new(clock.clone())),
            clock,
            key: Spender::Key(ApiKeyId::random()),
        }
    }

    fn admit(&self, limits: &Limits) -> Result<Admission, LimitExceeded> {
        self.limiter.admit(&[(self.key, limits)])
    }

    fn standing(&self, limits: &Limits) -> RateLimits {
        self.limiter.standing(&[(self.key, limits)])
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

fn used(input: u64, output: u64) -> TokenCounts {
    TokenCounts {
        input,
        output,
        ..TokenCounts::default()
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
        "this API key's limit of 7 requests per minute is reached"
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
    let mut first = bench.admit(&limits).unwrap();
    let mut second = bench.admit(&limits).unwrap();
    // Time that has passed before the charge refills nothing of it.
    bench.clock.advance(Duration::from_secs(30));
    first.settle(&used(20, 30));
    second.settle(&used(40, 0));
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
        ..Limits::default()
    };
    let mut open = bench.admit(&limits).unwrap();
    assert_eq!(
        bench.admit(&limits).unwrap_err().limit,
        LimitKind::RequestsPerMinute
    );
    open.settle(&used(1000, 0));
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
fn spenders_do_not_share_their_limits() {
    let bench = Bench::new();
    for _ in 0..1000 {
        let other = Spender::Key(ApiKeyId::random());
        assert!(bench.limiter.admit(&[(other, &requests(1))]).is_ok());
    }
}

#[test]
fn a_request_counts_against_all_its_spenders_or_none() {
    let bench = Bench::new();
    let user = Spender::User(UserId::random());
    let (of_key, of_user) = (requests(10), requests(1));
    let both = [(bench.key, &of_key), (user, &of_user)];
    assert!(bench.limiter.admit(&both).is_ok());
    let exceeded = bench.limiter.admit(&both).unwrap_err();
    assert_eq!(exceeded.spender, user);
    assert_eq!(
        exceeded.to_string(),
        "this user's limit of 1 requests per minute is reached"
    );
    assert_eq!(bench.standing(&of_key).requests.unwrap().remaining, 9);
    // The headers tell of the one that ends first.
    assert_eq!(bench.limiter.standing(&both).requests.unwrap().remaining, 0);
}

#[test]
fn a_refusal_waits_for_the_last_of_all_limits() {
    let bench = Bench::new();
    let user = Spender::User(UserId::random());
    let (of_key, of_user) = (requests(2), requests(1));
    let both = [(bench.key, &of_key), (user, &of_user)];
    assert!(bench.limiter.admit(&both).is_ok());
    assert!(bench.admit(&of_key).is_ok());
    let exceeded = bench.limiter.admit(&both).unwrap_err();
    assert_eq!(
        (exceeded.spender, exceeded.retry_after),
        (user, Duration::from_secs(60))
    );
}

#[test]
fn input_and_output_have_limits_of_their_own_and_what_a_cache_holds_is_no_input() {
    let bench = Bench::new();
    let limits = Limits {
        input_tokens_per_minute: Some(100),
        output_tokens_per_minute: Some(10),
        ..Limits::default()
    };
    let mut open = bench.admit(&limits).unwrap();
    open.settle(&TokenCounts {
        input: 10,
        cache_read: 1_000_000,
        cache_write_5m: 20,
        cache_write_1h: 30,
        output: 4,
        reasoning: 4,
    });
    let left = bench.standing(&limits);
    assert_eq!(left.input_tokens.unwrap().remaining, 40);
    assert_eq!(left.output_tokens.unwrap().remaining, 6);
    assert_eq!((left.requests, left.tokens), (None, None));
    open.settle(&used(0, 7));
    let exceeded = bench.admit(&limits).unwrap_err();
    assert_eq!(
        (exceeded.limit, exceeded.retry_after),
        (LimitKind::OutputTokensPerMinute, Duration::from_secs(12))
    );
}

#[test]
fn input_is_taken_before_it_is_known_and_put_right_afterwards() {
    let bench = Bench::new();
    let limits = Limits {
        tokens_per_minute: Some(1000),
        input_tokens_per_minute: Some(1000),
        ..Limits::default()
    };
    let mut open = bench.admit(&limits).unwrap();
    open.expect_input(1000);
    assert!(bench.admit(&limits).is_err());
    open.settle(&used(600, 0));
    assert_eq!(bench.standing(&limits).input_tokens.unwrap().remaining, 400);
    // What was refilled while it was open is not charged again.
    let mut long = bench.admit(&limits).unwrap();
    long.expect_input(400);
    bench.clock.advance(Duration::from_secs(60));
    long.settle(&used(400, 0));
    drop(long);
    assert_eq!(bench.standing(&limits).input_tokens.unwrap().remaining, 1000);
    let mut again = bench.admit(&limits).unwrap();
    again.settle(&used(600, 0));
    let mut given_up = bench.admit(&limits).unwrap();
    given_up.expect_input(400);
    drop(given_up);
    assert_eq!(bench.standing(&limits).tokens.unwrap().remaining, 400);
}

#[test]
fn a_burst_goes_beyond_the_requests_open_at_once_and_comes_back_in_a_minute() {
    let bench = Bench::new();
    let limits = Limits {
        burst_requests: Some(2),
        ..concurrent(3)
    };
    let mut open: Vec<_> = (0..5).map(|_| bench.admit(&limits).unwrap()).collect();
    assert_eq!(
        bench.admit(&limits).unwrap_err().limit,
        LimitKind::ConcurrentRequests
    );
    // The burst is used up, though places beyond the limit are free again.
    open.truncate(3);
    assert!(bench.admit(&limits).is_err());
    bench.clock.advance(Duration::from_secs(30));
    open.push(bench.admit(&limits).unwrap());
    assert!(bench.admit(&limits).is_err());
    // However long it waits, no more than the burst beyond the limit are open.
    bench.clock.advance(Duration::from_secs(600));
    open.push(bench.admit(&limits).unwrap());
    assert!(bench.admit(&limits).is_err());
    open.clear();
    assert!(bench.admit(&limits).is_ok());
}

#[test]
fn the_standing_is_what_is_left() {
    let bench = Bench::new();
    let limits = Limits {
        requests_per_minute: Some(10),
        tokens_per_minute: Some(600),
        ..Limits::default()
    };
    let left = |limit, remaining, seconds| {
        Some(RateLimit {
            limit: Some(limit),
            remaining,
            resets_at: Some(Timestamp::from_seconds(seconds)),
        })
    };
    assert_eq!(bench.standing(&limits).requests, left(10, 10, 0));
    let mut open = bench.admit(&limits).unwrap();
    open.settle(&used(60, 40));
    assert_eq!(
        bench.standing(&limits),
        RateLimits {
            requests: left(10, 9, 6),
            tokens: left(600, 500, 10),
            ..RateLimits::default()
        }
    );
    open.settle(&used(10_000, 0));
    assert_eq!(bench.standing(&limits).tokens.unwrap().remaining, 0);
    // To look changes nothing.
    assert_eq!(bench.standing(&requests(1)).tokens, None);
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
    assert!(bench.admit(&concurrent(1)).is_ok(), "none is open any more");
}
