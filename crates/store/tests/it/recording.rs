use std::time::Duration;

use gateway_auth::Scope;
use gateway_domain::{
    AccountId, ApiKeyId, AttemptId, Budget, BudgetPeriod, Dialect, FaultClass, Nanodollars, ProviderKind,
    RequestId, Spender, Timestamp, TokenCounts, Usage, UsageSource, UserId,
};
use gateway_metering::{AttemptRecord, Considered, Decision, Outcome, RequestRecord};
use gateway_store::{NewApiKey, SpendSpan, Spending, StoreError, UsageFilter};
use uuid::Uuid;

use crate::fixture::{START, check, new_key, seconds, someone, time};

/// A small generator of numbers that look random and are the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // Knuth's MMIX; the low bits are poor.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn uuid(&mut self, kind: u8, end: u64) -> Uuid {
        uuid(kind, self.below(end))
    }
}

fn uuid(kind: u8, number: u64) -> Uuid {
    let mut bytes = [kind; 16];
    bytes[15] = u8::try_from(number).unwrap();
    Uuid::from_bytes(bytes)
}

/// `count` requests of a few users, keys, models and accounts over three days, the same for the same seed.
pub(crate) fn records(seed: u64, count: usize) -> Vec<RequestRecord> {
    let mut dice = Dice::new(seed);
    (0..count)
        .map(|number| record(&mut dice, (seed << 32) | number as u64))
        .collect()
}

fn record(dice: &mut Dice, number: u64) -> RequestRecord {
    let started_at =
        time(START) - seconds(dice.below(3 * 86_400)) - Duration::from_micros(dice.below(1_000_000));
    let attempts = (1..=u16::try_from(dice.below(4)).unwrap())
        .map(|place| attempt(dice, number, place, started_at))
        .collect();
    // A key is always the same user's.
    let key = dice.below(5);
    RequestRecord {
        id: RequestId::from_uuid(Uuid::from_u64_pair(1, number)),
        started_at,
        user_id: UserId::from_uuid(uuid(1, key % 3)),
        key_id: ApiKeyId::from_uuid(uuid(2, key)),
        dialect: Dialect::Anthropic,
        model: dice
            .pick(&["claude-sonnet-4-5", "claude-haiku-4-5", "gpt-5"])
            .to_owned(),
        stream: dice.below(2) == 0,
        status: dice.pick(&Outcome::ALL),
        http_status: dice.pick(&[None, Some(200), Some(529)]),
        fault: dice.pick(&[None, Some(FaultClass::Overload)]),
        latency: Duration::from_micros(dice.below(60_000_000)),
        ttft: dice
            .pick(&[None, Some(())])
            .map(|()| Duration::from_micros(dice.below(5_000_000))),
        queued: Duration::from_micros(dice.below(2_000_000)),
        decision: dice.pick(&[None, Some(())]).map(|()| decision(dice)),
        attempts,
    }
}

fn decision(dice: &mut Dice) -> Decision {
    Decision {
        strategy: "smart".into(),
        considered: vec![
            Considered {
                account_id: AccountId::from_uuid(dice.uuid(3, 4)),
                is_picked: true,
                reason: None,
                score: Some(0.0123),
                parts: vec![("money_usd".into(), 0.01), ("waiting_usd".into(), -2.3e-7)],
            },
            Considered {
                account_id: AccountId::from_uuid(dice.uuid(3, 4)),
                is_picked: false,
                reason: None,
                score: Some(1.0),
                parts: Vec::new(),
            },
            passed_over(AccountId::from_uuid(dice.uuid(3, 4)), "cooling down"),
        ],
    }
}

pub(crate) fn passed_over(account_id: AccountId, reason: &str) -> Considered {
    Considered {
        account_id,
        is_picked: false,
        reason: Some(reason.to_owned()),
        score: None,
        parts: Vec::new(),
    }
}

fn attempt(dice: &mut Dice, request: u64, place: u16, started_at: Timestamp) -> AttemptRecord {
    let output = dice.below(5_000);
    let account = dice.below(4);
    AttemptRecord {
        id: AttemptId::from_uuid(Uuid::from_u64_pair(2 + u64::from(place), request)),
        number: place,
        started_at: started_at + seconds(u64::from(place) * 7),
        account_id: AccountId::from_uuid(Uuid::from_u64_pair(3, account)),
        // An account is one provider's for life.
        provider: ProviderKind::ALL[usize::try_from(account % 3).unwrap()],
        upstream_model: "claude-sonnet-4-5-20250929".to_owned(),
        status: dice.pick(&Outcome::ALL),
        http_status: Some(200),
        fault: None,
        fault_reason: Some("overloaded".to_owned()),
        usage: Usage {
            tokens: TokenCounts {
                input: dice.below(10_000),
                cache_read: dice.below(100_000),
                cache_write_5m: dice.below(1_000),
                cache_write_1h: dice.below(10),
                output,
                reasoning: dice.below(output + 1),
            },
            web_searches: dice.below(3),
            service_tier: Some("standard".to_owned()),
            speed: None,
            inference_geo: Some("us".to_owned()),
            parts: Vec::new(),
        },
        usage_source: UsageSource::Reported,
        cost: dice
            .pick(&[None, Some(())])
            .map(|()| Nanodollars::from_nanos(i64::try_from(dice.below(1_000_000_000)).unwrap())),
        price_version: Some("2026-11-22/claude-sonnet-4-5".to_owned()),
        latency: Duration::from_micros(dice.below(60_000_000)),
        ttft: dice
            .pick(&[None, Some(())])
            .map(|()| Duration::from_micros(dice.below(5_000_000))),
        upstream_request_id: Some("req_1".to_owned()),
        upstream_message_id: None,
    }
}

pub(crate) fn everything() -> UsageFilter {
    UsageFilter::between(
        Scope::Everyone,
        time("2000-01-01T00:00:00Z"),
        time("2100-01-01T00:00:00Z"),
    )
}

#[tokio::test]
async fn writing_twice_stores_once() {
    check(async |fixture| {
        let records = records(1, 1200);
        let store = &fixture.store;
        assert_eq!(store.record_usage(Vec::new()).await.unwrap(), 0);
        assert_eq!(store.record_usage(records[..700].to_vec()).await.unwrap(), 700);
        let once = store.summary(everything(), None).await.unwrap();
        assert_eq!(store.record_usage(records[..700].to_vec()).await.unwrap(), 0);
        assert_eq!(store.summary(everything(), None).await.unwrap(), once);
        // Also when some are new, and when one is twice in the same batch.
        let mut overlapping = records.clone();
        overlapping.extend_from_slice(&records[1100..]);
        assert_eq!(store.record_usage(overlapping).await.unwrap(), 500);
        assert_eq!(
            store.summary(everything(), None).await.unwrap().totals.requests,
            1200
        );
        let attempts: usize = records.iter().map(|record| record.attempts.len()).sum();
        let exported = store.export_attempts(everything(), None, 10_000).await.unwrap();
        assert_eq!((exported.items.len(), exported.next), (attempts, None));
    })
    .await;
}

#[tokio::test]
async fn a_record_that_the_database_refuses_takes_its_batch_with_it() {
    check(async |fixture| {
        let mut records = records(2, 10);
        let tokens = &mut records
            .iter_mut()
            .find_map(|record| record.attempts.first_mut())
            .unwrap()
            .usage
            .tokens;
        tokens.reasoning = tokens.output + 1;
        let refused = fixture.store.record_usage(records).await;
        assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
        assert_eq!(
            fixture
                .store
                .summary(everything(), None)
                .await
                .unwrap()
                .totals
                .requests,
            0
        );
    })
    .await;
}

#[tokio::test]
async fn text_that_only_one_database_would_take_is_stored_by_both() {
    check(async |fixture| {
        let mut record = records(3, 1).remove(0);
        record.model = "odd\0name".to_owned();
        record.decision = Some(Decision {
            strategy: "st\0range".into(),
            considered: vec![Considered {
                score: Some(f64::NAN),
                parts: vec![
                    ("z".into(), 1.5),
                    ("endless".into(), f64::INFINITY),
                    ("a\0".into(), -1e15),
                    ("huge".into(), f64::MAX),
                    ("endless too".into(), f64::NEG_INFINITY),
                ],
                ..passed_over(AccountId::from_uuid(Uuid::max()), "nul \0 and \u{fffd}")
            }],
        });
        record.attempts.clear();
        let id = record.id;
        fixture.store.record_usage(vec![record]).await.unwrap();
        let found = fixture
            .store
            .find_request(Scope::Everyone, id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.request.model, "odd\u{fffd}name");
        let decision = Decision {
            strategy: "st\u{fffd}range".into(),
            considered: vec![Considered {
                parts: vec![("a\u{fffd}".into(), -1e15), ("z".into(), 1.5)],
                ..passed_over(AccountId::from_uuid(Uuid::max()), "nul \u{fffd} and \u{fffd}")
            }],
        };
        assert_eq!(found.decision, Some(decision));
        let by_model = UsageFilter {
            model: Some("odd\0name".to_owned()),
            ..everything()
        };
        assert_eq!(
            fixture
                .store
                .summary(by_model, None)
                .await
                .unwrap()
                .totals
                .requests,
            1
        );
    })
    .await;
}

#[tokio::test]
async fn keys_and_accounts_know_when_they_were_last_used() {
    check(async |fixture| {
        let ada = fixture.user("ada").await;
        let (key, idle) = (
            fixture.key(ada.id, "used").await,
            fixture.key(ada.id, "idle").await,
        );
        let account = fixture.account(None, "team").await;
        let used_at = async |at: Timestamp, number: u64| {
            let mut dice = Dice::new(number);
            let mut used = record(&mut dice, number);
            used.attempts = vec![attempt(&mut dice, number, 1, at)];
            (used.started_at, used.key_id) = (at, key.id);
            (used.attempts[0].started_at, used.attempts[0].account_id) = (at, account.id);
            fixture.store.record_usage(vec![used]).await.unwrap();
            let key = fixture
                .store
                .find_key(Scope::Everyone, key.id)
                .await
                .unwrap()
                .unwrap();
            let account = fixture
                .store
                .find_account(Scope::Everyone, account.id)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(key.last_used_at, account.account.last_used_at);
            assert_eq!(key.updated_at, ada.updated_at);
            key.last_used_at
        };
        let now = fixture.now();
        assert_eq!(used_at(now, 1).await, Some(now));
        // Never back, and not for less than a second.
        assert_eq!(used_at(now - seconds(60), 2).await, Some(now));
        assert_eq!(used_at(now + seconds(1), 3).await, Some(now));
        let later = now + Duration::from_micros(1_000_001);
        assert_eq!(used_at(later, 4).await, Some(later));
        let idle = fixture
            .store
            .find_key(Scope::Everyone, idle.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(idle.last_used_at, None);
    })
    .await;
}

fn span(spender: Spender, period_from: Timestamp, recent_from: Timestamp) -> SpendSpan {
    SpendSpan {
        spender,
        period_from,
        recent_from,
    }
}

#[tokio::test]
async fn keys_with_a_budget_are_found_if_they_can_be_used() {
    check(async |fixture| {
        let (ann, bob) = (fixture.user("ann").await, fixture.user("bob").await);
        let with_budget = |name: &str, user: UserId, is_active: bool| NewApiKey {
            is_active,
            budget: Budget {
                amount: Some(Nanodollars::from_nanos(5)),
                period: BudgetPeriod::Day,
            },
            ..new_key(user, name)
        };
        let mut made = Vec::new();
        for key in [
            new_key(ann.id, "without"),
            with_budget("first", ann.id, true),
            with_budget("revoked", ann.id, false),
            with_budget("second", bob.id, true),
        ] {
            made.push(
                fixture
                    .store
                    .by(someone())
                    .create_key(key)
                    .await
                    .unwrap()
                    .unwrap(),
            );
        }
        let found = async |scope| fixture.store.budgeted_keys(scope).await.unwrap();
        assert_eq!(found(Scope::Everyone).await, [made[1].clone(), made[3].clone()]);
        assert_eq!(found(Scope::Only(ann.id)).await, made[1..2]);
    })
    .await;
}

#[tokio::test]
async fn what_a_key_spent_is_counted_from_a_moment_on() {
    check(async |fixture| {
        let records = records(4, 300);
        fixture.store.record_usage(records.clone()).await.unwrap();
        let from = time(START) - seconds(86_400);
        let key = records[0].key_id;
        let spender = Spender::Key(key);
        let spent = |from: Timestamp| -> Nanodollars {
            records
                .iter()
                .filter(|record| record.key_id == key && record.started_at >= from)
                .filter_map(RequestRecord::cost)
                .sum()
        };
        assert_eq!(
            fixture.store.spent_since(spender, from).await.unwrap(),
            spent(from)
        );
        let always = Timestamp::from_micros(i64::MIN);
        let unused = Spender::Key(ApiKeyId::random());
        let found = fixture
            .store
            .spending(vec![
                span(spender, from, always),
                span(unused, always, always),
                span(spender, always, from),
            ])
            .await
            .unwrap();
        let of = |period, recent| Spending { period, recent };
        let (some, all) = (spent(from), spent(always));
        assert_eq!(found, [of(some, all), Spending::default(), of(all, some)]);
        assert_eq!(fixture.store.spending(Vec::new()).await.unwrap(), []);

        // More keys than one statement takes, each in its place.
        let mut many = vec![span(unused, always, always); 500];
        many[399] = span(spender, always, from);
        let found = fixture.store.spending(many).await.unwrap();
        assert_eq!(
            (found.len(), found[399], found[398]),
            (500, of(all, some), Spending::default())
        );
        assert!(spent(from) > Nanodollars::ZERO && spent(from) < spent(always));
    })
    .await;
}
