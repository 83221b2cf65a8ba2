use gateway_domain::{Budget, Limits, Nanodollars};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::StoreError;
use crate::types::StoredDoc;

/// How limits are kept: those that there are, by name.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct LimitsDoc {
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_per_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens_per_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_per_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrent_requests: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    burst_requests: Option<u32>,
}

pub(crate) fn stored_limits(limits: Limits) -> Result<StoredDoc, StoreError> {
    StoredDoc::of(&LimitsDoc {
        requests_per_minute: limits.requests_per_minute,
        tokens_per_minute: limits.tokens_per_minute,
        input_tokens_per_minute: limits.input_tokens_per_minute,
        output_tokens_per_minute: limits.output_tokens_per_minute,
        concurrent_requests: limits.concurrent_requests,
        burst_requests: limits.burst_requests,
    })
}

pub(crate) fn limits(stored: &StoredDoc) -> Result<Limits, StoreError> {
    let doc: LimitsDoc = stored.read()?;
    Ok(Limits {
        requests_per_minute: doc.requests_per_minute,
        tokens_per_minute: doc.tokens_per_minute,
        input_tokens_per_minute: doc.input_tokens_per_minute,
        output_tokens_per_minute: doc.output_tokens_per_minute,
        concurrent_requests: doc.concurrent_requests,
        burst_requests: doc.burst_requests,
    })
}

/// The budget of these columns.
pub(crate) fn budget(nanos: Option<i64>, period: &str) -> Result<Budget, StoreError> {
    Ok(Budget {
        amount: nanos.map(Nanodollars::from_nanos),
        period: period.parse().map_err(StoreError::other)?,
    })
}

pub(crate) fn stored_amount(budget: Budget) -> Option<i64> {
    budget.amount.map(Nanodollars::as_nanos)
}

pub(crate) fn stored_period(budget: Budget) -> String {
    budget.period.as_str().to_owned()
}

/// The budget of these columns, as the audit log tells of it.
pub(crate) fn shown_budget(nanos: Option<i64>, period: &str) -> Result<Value, StoreError> {
    let budget = budget(nanos, period)?;
    Ok(
        json!({"amount_usd": budget.amount.map(|amount| amount.to_string()), "period": budget.period.as_str()}),
    )
}
