use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::{AccountId, ApiKeyId, Budget, Limits, ModelPattern, Timestamp, UserId};

/// A key that the gateway hands out to its own clients.
///
/// The secret is not here: only its keyed hash is kept, and that beside the key.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiKey {
    /// Never changes, not even when the secret is rotated.
    pub id: ApiKeyId,
    /// Whose key it is.
    pub user_id: UserId,
    /// The part of `sk-gw-<public id>-<secret>` that may be shown.
    pub public_id: String,
    /// What its owner calls it, 1 to 100 characters.
    pub name: String,
    /// Whether it works at all.
    pub is_active: bool,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything but `last_used_at` last changed.
    pub updated_at: Timestamp,
    /// When it last served a request, to about a second.
    pub last_used_at: Option<Timestamp>,
    /// The models it may ask for; empty means all.
    pub allowed_models: Vec<ModelPattern>,
    /// The addresses it may be used from; empty means all.
    pub allowed_ips: Vec<IpNet>,
    /// The accounts that may serve it; empty means all.
    pub allowed_accounts: Vec<AccountId>,
    /// The owner's own labels.
    pub tags: BTreeMap<String, String>,
    /// How fast it may be used.
    pub limits: Limits,
    /// How much it may cost.
    pub budget: Budget,
}

impl ApiKey {
    /// A new key of this user's that may do everything, without a name.
    #[must_use]
    pub fn unrestricted(user_id: UserId, now: Timestamp) -> Self {
        Self {
            id: ApiKeyId::random(),
            user_id,
            public_id: String::new(),
            name: String::new(),
            is_active: true,
            expires_at: None,
            created_at: now,
            updated_at: now,
            last_used_at: None,
            allowed_models: Vec::new(),
            allowed_ips: Vec::new(),
            allowed_accounts: Vec::new(),
            tags: BTreeMap::new(),
            limits: Limits::default(),
            budget: Budget::unlimited(),
        }
    }

    /// Whether it works at `now`.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.is_active && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it may ask for `model`.
    #[must_use]
    pub fn allows_model(&self, model: &str) -> bool {
        self.allowed_models.is_empty() || self.allowed_models.iter().any(|pattern| pattern.matches(model))
    }

    /// Whether it may be used from `address`.
    #[must_use]
    pub fn allows_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed_ips.is_empty() || self.allowed_ips.iter().any(|block| block.contains(&address))
    }

    /// Whether `account` may serve it.
    #[must_use]
    pub fn allows_account(&self, account: AccountId) -> bool {
        self.allowed_accounts.is_empty() || self.allowed_accounts.contains(&account)
    }
}
