use std::collections::BTreeMap;
use std::time::Duration;

use gateway_domain::{ApiKey, ModelPattern};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::strategy::{STRATEGIES, strategy};

/// A second is worth no more than this, in US dollars.
const MOST_SECOND_WORTH_USD: f64 = 1_000.0;

/// How accounts are picked, how long they rest after faults, and how requests wait for a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolSettings {
    /// The strategy that picks where no group has another.
    #[serde(deserialize_with = "known_strategy")]
    pub strategy: String,
    /// Requests that are picked for in another way, by the group's name; the first that fits in the names' order.
    pub groups: BTreeMap<String, StrategyGroup>,
    /// What a second of waiting is worth in US dollars, where money is weighed against time; 0 to 1,000.
    #[serde(deserialize_with = "second_worth")]
    pub second_worth_usd: f64,
    /// The longest rest after a rate limit, whatever the provider asks for.
    pub max_quota_rest_seconds: u64,
    /// The longest time between two trials of an account whose subscription is used up.
    pub subscription_trial_seconds: u64,
    /// The longest time between two probes of an account whose credential was refused.
    pub max_credential_rest_seconds: u64,
    /// How long an account is not asked for a model that it did not have.
    pub model_rest_seconds: u64,
    /// How long an account that is back gets less than its share.
    pub slow_start_seconds: u64,
    /// Conversations whose prompt caches are remembered.
    pub remembered_conversations: usize,
    /// Requests that may wait for a place, all keys together.
    pub max_waiting: usize,
    /// How long a request may wait for a place.
    pub max_wait_seconds: u64,
    /// How far above its `max_concurrency` an account may go, in percent of it, for requests that have waited.
    pub burst_percent: u32,
    /// How long a request waits before it may be served above `max_concurrency`.
    pub burst_after_ms: u64,
}

/// Requests that are picked for by a strategy of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrategyGroup {
    /// The strategy's name.
    #[serde(deserialize_with = "known_strategy")]
    pub strategy: String,
    /// Names or globs of the models asked for; empty means all.
    #[serde(default)]
    pub models: Vec<ModelPattern>,
    /// Tags that the API key must have.
    #[serde(default)]
    pub key_tags: BTreeMap<String, String>,
}

impl StrategyGroup {
    pub(crate) fn fits(&self, key: &ApiKey, model: &str) -> bool {
        let is_model = self.models.is_empty() || self.models.iter().any(|pattern| pattern.matches(model));
        let has_tag = |(name, value): (&String, &String)| key.tags.get(name) == Some(value);
        is_model && self.key_tags.iter().all(has_tag)
    }
}

impl PoolSettings {
    pub(crate) const fn max_quota_rest(&self) -> Duration {
        Duration::from_secs(self.max_quota_rest_seconds)
    }

    pub(crate) const fn subscription_trial(&self) -> Duration {
        Duration::from_secs(self.subscription_trial_seconds)
    }

    pub(crate) const fn max_credential_rest(&self) -> Duration {
        Duration::from_secs(self.max_credential_rest_seconds)
    }

    pub(crate) const fn model_rest(&self) -> Duration {
        Duration::from_secs(self.model_rest_seconds)
    }

    pub(crate) const fn slow_start(&self) -> Duration {
        Duration::from_secs(self.slow_start_seconds)
    }

    pub(crate) const fn burst_after(&self) -> Duration {
        Duration::from_millis(self.burst_after_ms)
    }

    /// How far above its `max_concurrency` an account may go for a request that has waited so long.
    pub(crate) fn burst_percent_after(&self, waited: Option<Duration>) -> u32 {
        if waited.is_some_and(|waited| Duration::ZERO < waited && self.burst_after() <= waited) {
            self.burst_percent
        } else {
            0
        }
    }

    /// How long a request may wait for a place.
    #[must_use]
    pub const fn max_wait(&self) -> Duration {
        Duration::from_secs(self.max_wait_seconds)
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            strategy: "smart".to_owned(),
            groups: BTreeMap::new(),
            second_worth_usd: 0.005,
            max_quota_rest_seconds: 3_600,
            subscription_trial_seconds: 600,
            max_credential_rest_seconds: 300,
            model_rest_seconds: 600,
            slow_start_seconds: 30,
            remembered_conversations: 50_000,
            max_waiting: 1_000,
            max_wait_seconds: 30,
            burst_percent: 0,
            burst_after_ms: 1_000,
        }
    }
}

fn known_strategy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if strategy(&name).is_some() {
        return Ok(name);
    }
    let names: Vec<_> = STRATEGIES.iter().map(|strategy| strategy.name()).collect();
    Err(de::Error::custom(format!(
        "there is no strategy {name:?}, expected one of {}",
        names.join(", ")
    )))
}

fn second_worth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let worth = f64::deserialize(deserializer)?;
    if (0.0..=MOST_SECOND_WORTH_USD).contains(&worth) {
        return Ok(worth);
    }
    Err(de::Error::custom(format!(
        "expected 0 to {MOST_SECOND_WORTH_USD}"
    )))
}
