use std::time::Duration;

use gateway_balancing::Health;
use gateway_domain::{RateLimits, Timestamp};
use gateway_proxy::reason_for_members;
use serde::Serialize;
use utoipa::ToSchema;

/// How an upstream account is doing.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    /// In one word.
    #[schema(value_type = String, example = "healthy", pattern = "^(healthy|degraded|cooling_down|unhealthy|disabled|unknown)$")]
    status: &'static str,
    /// Why it is not healthy.
    reason: Option<String>,
    /// When it is tried again.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// When the provider was last asked.
    #[schema(value_type = Option<String>, format = DateTime)]
    checked_at: Option<Timestamp>,
    /// How long that took.
    latency_ms: Option<f64>,
    /// What it was answered.
    http_status: Option<u16>,
    /// Requests open now.
    in_flight: u32,
    /// The share of recent requests that it did not fail, 0 to 1.
    success_rate: Option<f64>,
    /// Moving average of the time to the first token.
    ttft_ms: Option<f64>,
    rate_limits: RateLimitsView,
}

/// What the provider last said was left.
#[derive(Serialize, ToSchema)]
#[schema(as = RateLimits)]
struct RateLimitsView {
    requests_remaining: Option<u64>,
    input_tokens_remaining: Option<u64>,
    output_tokens_remaining: Option<u64>,
    #[schema(value_type = Option<String>, format = DateTime)]
    resets_at: Option<Timestamp>,
}

impl HealthView {
    /// The same without what it tells of the account's address.
    pub(crate) fn for_members(mut health: Health) -> Self {
        if let Some(reason) = &mut health.reason {
            let shown = reason_for_members(reason).len();
            reason.truncate(shown);
        }
        health.into()
    }
}

impl From<Health> for HealthView {
    fn from(health: Health) -> Self {
        Self {
            status: health.status.as_str(),
            reason: health.reason,
            until: health.until,
            checked_at: health.checked_at,
            latency_ms: health.latency.map(milliseconds),
            http_status: health.http_status,
            in_flight: health.in_flight,
            success_rate: health.success_rate,
            ttft_ms: health.ttft.map(milliseconds),
            rate_limits: health.rate_limits.into(),
        }
    }
}

impl From<RateLimits> for RateLimitsView {
    fn from(limits: RateLimits) -> Self {
        Self {
            requests_remaining: limits.requests.map(|limit| limit.remaining),
            input_tokens_remaining: limits.input_tokens.map(|limit| limit.remaining),
            output_tokens_remaining: limits.output_tokens.map(|limit| limit.remaining),
            resets_at: limits.resets_at(),
        }
    }
}

/// A duration as answers write it: milliseconds, to the microsecond.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
