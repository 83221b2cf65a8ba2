use std::time::Duration;

use gateway_domain::{
    AccountId, ApiKeyId, AttemptId, Dialect, FaultClass, Nanodollars, ProviderKind, RequestId, Timestamp,
    TokenCounts, Usage, UsageSource, UserId,
};
use gateway_metering::{AttemptRecord, Outcome, RequestRecord};

fn attempt(number: u16, input: u64, cost: Option<i64>) -> AttemptRecord {
    AttemptRecord {
        id: AttemptId::random(),
        number,
        started_at: Timestamp::default(),
        account_id: AccountId::random(),
        provider: ProviderKind::Anthropic,
        upstream_model: "claude-opus-5".to_owned(),
        status: Outcome::Error,
        http_status: Some(529),
        fault: Some(FaultClass::Overload),
        fault_reason: None,
        usage: Usage {
            tokens: TokenCounts {
                input,
                output: 1,
                ..TokenCounts::default()
            },
            ..Usage::default()
        },
        usage_source: UsageSource::Reported,
        cost: cost.map(Nanodollars::from_nanos),
        price_version: None,
        latency: Duration::ZERO,
        ttft: None,
        upstream_request_id: None,
        upstream_message_id: None,
    }
}

fn request(attempts: Vec<AttemptRecord>) -> RequestRecord {
    RequestRecord {
        id: RequestId::random(),
        started_at: Timestamp::default(),
        user_id: UserId::random(),
        key_id: ApiKeyId::random(),
        dialect: Dialect::Anthropic,
        model: "claude-opus-5".to_owned(),
        stream: false,
        status: Outcome::Ok,
        http_status: Some(200),
        fault: None,
        latency: Duration::ZERO,
        ttft: None,
        queued: Duration::ZERO,
        decision: None,
        attempts,
    }
}

#[test]
fn a_request_sums_up_its_attempts() {
    let record = request(vec![
        attempt(1, 10, Some(3)),
        attempt(2, u64::MAX, None),
        attempt(3, 5, Some(4)),
    ]);
    assert_eq!(record.tokens().input, u64::MAX);
    assert_eq!(record.tokens().output, 3);
    assert_eq!(record.cost(), Some(Nanodollars::from_nanos(7)));
}

#[test]
fn an_unknown_cost_is_not_zero() {
    assert_eq!(request(vec![attempt(1, 10, None)]).cost(), None);
    assert_eq!(request(Vec::new()).cost(), None);
    assert_eq!(
        request(vec![attempt(1, 0, Some(0))]).cost(),
        Some(Nanodollars::ZERO)
    );
}

#[test]
fn outcomes_survive_their_words() {
    for outcome in Outcome::ALL {
        assert_eq!(outcome.as_str().parse(), Ok(outcome));
    }
    assert!("OK".parse::<Outcome>().is_err());
}
