use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long accounts rest after faults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolSettings {
    /// The longest rest after a quota fault, whatever the provider asks for.
    pub max_quota_rest_seconds: u64,
    /// The longest time between two trials of an account whose credential was refused.
    pub max_credential_rest_seconds: u64,
    /// How long an account is not asked for a model that it did not have.
    pub model_rest_seconds: u64,
}

impl PoolSettings {
    pub(crate) const fn max_quota_rest(&self) -> Duration {
        Duration::from_secs(self.max_quota_rest_seconds)
    }

    pub(crate) const fn max_credential_rest(&self) -> Duration {
        Duration::from_secs(self.max_credential_rest_seconds)
    }

    pub(crate) const fn model_rest(&self) -> Duration {
        Duration::from_secs(self.model_rest_seconds)
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            max_quota_rest_seconds: 3_600,
            max_credential_rest_seconds: 300,
            model_rest_seconds: 600,
        }
    }
}
