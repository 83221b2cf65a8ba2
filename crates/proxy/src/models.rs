use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use gateway_domain::{AccountId, ApiKey, ModelPattern, Timestamp, UpstreamAccount};
use gateway_protocol::{ModelEntry, codec};
use gateway_providers::provider;
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::timeout;

use crate::Engine;
use crate::upstream::Way;

/// How long a provider's list of models is believed.
const FRESH: Duration = Duration::from_secs(300);
/// How long a provider that did not answer is left alone.
const FRESH_WITHOUT_ANSWER: Duration = Duration::from_secs(30);
/// How long a client's listing waits for the slowest provider; Claude Code gives up after three seconds.
const PATIENCE: Duration = Duration::from_secs(2);
const MAX_LIST_BYTES: usize = 4 * 1024 * 1024;

/// The providers' lists of models, as last fetched for each account.
#[derive(Default)]
pub(crate) struct ModelDirectory {
    fetched: Mutex<HashMap<AccountId, Fetched>>,
}

struct Fetched {
    fresh_until: Duration,
    account_updated_at: Timestamp,
    entries: Arc<Vec<ModelEntry>>,
}

impl ModelDirectory {
    fn fresh(&self, account: &UpstreamAccount, now: Duration) -> Option<Arc<Vec<ModelEntry>>> {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let known = fetched.get(&account.id)?;
        let is_fresh = known.account_updated_at == account.updated_at && now < known.fresh_until;
        is_fresh.then(|| Arc::clone(&known.entries))
    }

    fn keep(
        &self,
        account: &UpstreamAccount,
        now: Duration,
        fresh: Duration,
        entries: &Arc<Vec<ModelEntry>>,
    ) {
        let known = Fetched {
            fresh_until: now + fresh,
            account_updated_at: account.updated_at,
            entries: Arc::clone(entries),
        };
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        fetched.retain(|_, other| now < other.fresh_until);
        fetched.insert(account.id, known);
    }
}

impl Engine {
    /// The models that `key` can ask for, by name; in any dialect, since what an account does not speak is translated.
    ///
    /// They are what the accounts say: their own lists and aliases, and for the rest the provider's list, or the
    /// price catalogue's when the provider does not answer.
    pub async fn models(&self, key: &ApiKey) -> Vec<ModelEntry> {
        let accounts = self.shared().catalogue.pool().accounts();
        let serving = accounts.into_iter().filter(|account| {
            account.is_active && account.serves_user(key.user_id) && key.allows_account(account.id)
        });
        let lists = join_all(serving.map(|account| self.models_of(account))).await;
        let mut by_name = BTreeMap::new();
        for entry in lists
            .into_iter()
            .flatten()
            .filter(|entry| key.allows_model(&entry.id))
        {
            by_name.entry(entry.id.clone()).or_insert(entry);
        }
        by_name.into_values().collect()
    }

    async fn models_of(&self, account: Arc<UpstreamAccount>) -> Vec<ModelEntry> {
        let own_names = account
            .models
            .iter()
            .filter(|pattern| pattern.is_exact())
            .map(ModelPattern::as_str);
        let mut entries = Vec::new();
        if account.models.is_empty() || account.models.iter().any(|pattern| !pattern.is_exact()) {
            let listed = self.listed_models(&account).await;
            entries.extend(
                listed
                    .iter()
                    .filter(|entry| account.upstream_model(&entry.id).is_some())
                    .cloned(),
            );
        }
        entries.extend(
            own_names
                .chain(account.model_map.keys().map(String::as_str))
                .map(ModelEntry::named),
        );
        entries
    }

    async fn listed_models(&self, account: &UpstreamAccount) -> Arc<Vec<ModelEntry>> {
        let shared = self.shared();
        let now = shared.clock.monotonic();
        if let Some(entries) = shared.models.fresh(account, now) {
            return entries;
        }
        let (entries, fresh) = match timeout(PATIENCE, self.fetch_models(account)).await {
            Ok(Some(entries)) => (entries, FRESH),
            Ok(None) | Err(_) => {
                let prices = shared.prices.current();
                (
                    prices
                        .models_of(account.provider)
                        .into_iter()
                        .map(ModelEntry::named)
                        .collect(),
                    FRESH_WITHOUT_ANSWER,
                )
            }
        };
        let entries = Arc::new(entries);
        shared.models.keep(account, now, fresh, &entries);
        entries
    }

    async fn fetch_models(&self, account: &UpstreamAccount) -> Option<Vec<ModelEntry>> {
        let provider = provider(account.provider)?;
        let target = self.shared().catalogue.target(account.id)?;
        let request = provider.models(&target).map(|()| Full::<Bytes>::default());
        let answer = self.upstream().send(Way::of(account), request).await.ok()?;
        let (head, body) = answer.into_parts();
        if !head.status.is_success() {
            return None;
        }
        let body = Limited::new(body, MAX_LIST_BYTES)
            .collect()
            .await
            .ok()?
            .to_bytes();
        let codec = codec(*provider.dialects().first()?)?;
        Some(codec.read_models(&body))
    }
}
