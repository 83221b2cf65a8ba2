use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use gateway_auth::IssuedKey;
use gateway_domain::{AccountId, Budget, Limits, Timestamp, UserId};
use gateway_store::{ApiKeyChanges, NewApiKey};
use ipnet::IpNet;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::allowance_form::{BudgetUpdate, LimitsUpdate, NO_BUDGET};
use crate::app::App;
use crate::error::Problem;
use crate::object::present_object;
use crate::patch::{Patch, present};
use crate::rules::Check;

/// An API key to be made; only the name is needed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    /// Whose it shall be; admins only make keys for others.
    #[schema(value_type = Option<Uuid>)]
    pub(crate) user_id: Option<UserId>,
    /// 1 to 100 characters.
    name: String,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    is_active: Option<bool>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Patch<Timestamp>,
    /// May stand for `expires_at`: 1 to 3650.
    expires_in_days: Option<u32>,
    /// Exact names or globs (`claude-*`); empty means all.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    allowed_models: Option<Vec<String>>,
    /// Addresses or CIDR blocks; empty means all.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    allowed_ips: Option<Vec<String>>,
    /// Ids of upstream accounts; empty means all.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    allowed_accounts: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    tags: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    limits: Option<LimitsUpdate>,
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    budget: Option<BudgetUpdate>,
}

/// Changes of an API key; what is left out stays, `null` clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyUpdate {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    is_active: Option<bool>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Patch<Timestamp>,
    /// May stand for `expires_at`: 1 to 3650.
    expires_in_days: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    allowed_models: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    allowed_ips: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    allowed_accounts: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    tags: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    limits: Option<LimitsUpdate>,
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    budget: Option<BudgetUpdate>,
}

/// How a key gets its new secret.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// How long the old secret still works: 0 to 604800.
    #[serde(default)]
    grace_seconds: u64,
}

impl Rotation {
    pub(crate) fn checked(self) -> Result<Duration, Problem> {
        let mut check = Check::default();
        check.within("grace_seconds", self.grace_seconds, 0, 604_800);
        check.finish()?;
        Ok(Duration::from_secs(self.grace_seconds))
    }
}

impl NewKey {
    /// The key that is wished for, of `owner` and with the secret of `issued`.
    pub(crate) fn checked(self, app: &App, owner: UserId, issued: &IssuedKey) -> Result<NewApiKey, Problem> {
        let update = KeyUpdate {
            name: Some(self.name),
            is_active: self.is_active,
            expires_at: self.expires_at,
            expires_in_days: self.expires_in_days,
            allowed_models: self.allowed_models,
            allowed_ips: self.allowed_ips,
            allowed_accounts: self.allowed_accounts,
            tags: self.tags,
            limits: self.limits,
            budget: self.budget,
        };
        let wished = update.checked(app, owner, Limits::default(), NO_BUDGET)?;
        Ok(NewApiKey {
            user_id: owner,
            public_id: issued.public_id.clone(),
            hash: issued.hash,
            name: wished.name.unwrap_or_default(),
            is_active: wished.is_active.unwrap_or(true),
            expires_at: wished.expires_at.flatten(),
            allowed_models: wished.allowed_models.unwrap_or_default(),
            allowed_ips: wished.allowed_ips.unwrap_or_default(),
            allowed_accounts: wished.allowed_accounts.unwrap_or_default(),
            tags: wished.tags.unwrap_or_default(),
            limits: wished.limits.unwrap_or_default(),
            budget: wished.budget.unwrap_or(NO_BUDGET),
        })
    }
}

impl KeyUpdate {
    /// The changes that are wished for, to a key of `owner` with these limits and this budget.
    pub(crate) fn checked(
        self,
        app: &App,
        owner: UserId,
        limits: Limits,
        budget: Budget,
    ) -> Result<ApiKeyChanges, Problem> {
        let mut check = Check::default();
        if let Some(name) = &self.name {
            check.name("name", name);
        }
        if let Some(tags) = &self.tags {
            check.tags("tags", tags);
        }
        let expires_at = expiry(&mut check, self.expires_at, self.expires_in_days, app.clock.now());
        let allowed_ips: Option<Vec<Block>> =
            self.allowed_ips.map(|blocks| check.list("allowed_ips", &blocks));
        let allowed_accounts: Option<Vec<AccountId>> = self
            .allowed_accounts
            .map(|ids| check.list("allowed_accounts", &ids));
        require_accounts(
            &mut check,
            app,
            owner,
            allowed_accounts.as_deref().unwrap_or_default(),
        );
        let changes = ApiKeyChanges {
            name: self.name,
            is_active: self.is_active,
            expires_at: expires_at.into_change(),
            allowed_models: self
                .allowed_models
                .map(|models| check.list("allowed_models", &models)),
            allowed_ips: allowed_ips.map(|blocks| blocks.into_iter().map(|block| block.0).collect()),
            allowed_accounts,
            tags: self.tags,
            limits: self.limits.map(|update| update.checked(&mut check, limits)),
            budget: self.budget.map(|update| update.checked(&mut check, budget)),
        };
        check.finish()?;
        Ok(changes)
    }
}

fn expiry(check: &mut Check, at: Patch<Timestamp>, days: Option<u32>, now: Timestamp) -> Patch<Timestamp> {
    match (at, days) {
        (at @ (Patch::Keep | Patch::Clear), None) => at,
        (Patch::Set(at), None) => {
            check.require(at > now, "expires_at", "expected a time to come");
            Patch::Set(at)
        }
        (Patch::Keep, Some(days)) => {
            check.within("expires_in_days", days, 1, 3650);
            Patch::Set(now + Duration::from_secs(u64::from(days) * 86_400))
        }
        (_, Some(_)) => {
            check.refuse("expires_in_days", "give this or `expires_at`, not both");
            Patch::Keep
        }
    }
}

/// Refuses accounts that could never serve the key: absent, or another user's own.
fn require_accounts(check: &mut Check, app: &App, owner: UserId, ids: &[AccountId]) {
    let known = app.proxy.catalogue().pool().accounts();
    for (index, id) in ids.iter().enumerate() {
        let is_usable = known
            .iter()
            .any(|account| account.id == *id && account.serves_user(owner));
        check.require(
            is_usable,
            &format!("allowed_accounts[{index}]"),
            "there is no such account",
        );
    }
}

/// An address or a CIDR block.
struct Block(IpNet);

/// The text is neither.
#[derive(Debug)]
struct NoBlock;

impl fmt::Display for NoBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an address or a CIDR block, like 192.0.2.7 or 192.0.2.0/24")
    }
}

impl FromStr for Block {
    type Err = NoBlock;

    fn from_str(text: &str) -> Result<Self, NoBlock> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.to_canonical().into()));
        }
        text.parse().map(Self).map_err(|_| NoBlock)
    }
}

#[cfg(test)]
mod tests {
    use super::Block;

    #[test]
    fn blocks_are_addresses_or_networks() {
        for (text, shown) in [
            ("192.0.2.7", Some("192.0.2.7/32")),
            ("192.0.2.0/24", Some("192.0.2.0/24")),
            ("2001:db8::/32", Some("2001:db8::/32")),
            ("::ffff:192.0.2.7", Some("192.0.2.7/32")),
            ("192.0.2.0/33", None),
            ("*", None),
            ("", None),
        ] {
            let block = text.parse::<Block>().map(|block| block.0.to_string()).ok();
            assert_eq!(block.as_deref(), shown, "{text}");
        }
    }
}
