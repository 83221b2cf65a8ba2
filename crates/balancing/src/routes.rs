use std::collections::HashMap;
use std::sync::Arc;

use gateway_domain::{AccountId, ProviderKind, UpstreamAccount, UserId};

use crate::member::Member;
use crate::table::Table;
use crate::{RateSource, Rates};

/// Models remembered at the most: clients choose the names.
const MAX_ROUTES: usize = 512;
/// No provider has a model with a longer name, in bytes.
const MAX_MODEL_NAME: usize = 256;

/// Why an account serves no request for a model, whoever asks and whenever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoService {
    Inactive,
    NoWeight,
    NoModel,
}

/// An account that serves a model, with what a pick must know of it side by side: a pick reads a hundred of them.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    /// Where the account stands in the pool's list.
    pub(crate) index: usize,
    /// Where the model's family stands in the account's list.
    pub(crate) family: usize,
    /// Where the account's service stands in the pool's list.
    pub(crate) service: usize,
    pub(crate) priority: i32,
    pub(crate) weight: u16,
    pub(crate) provider: ProviderKind,
    pub(crate) account_id: AccountId,
    pub(crate) owner_id: Option<UserId>,
    pub(crate) max_concurrency: Option<u32>,
    pub(crate) rates: Rates,
    /// What its provider calls the model.
    pub(crate) upstream_model: Arc<str>,
}

/// What the provider of `account` calls `model`, if requests for it may go there at all.
pub(crate) fn upstream_model(account: &UpstreamAccount, model: &Arc<str>) -> Result<Arc<str>, NoService> {
    if !account.is_active {
        return Err(NoService::Inactive);
    }
    if account.weight == 0 {
        return Err(NoService::NoWeight);
    }
    match account.upstream_model(model) {
        Some(name) if *name == **model => Ok(Arc::clone(model)),
        Some(name) => Ok(name.into()),
        None => Err(NoService::NoModel),
    }
}

/// Which accounts serve which model, worked out once per model and kept until accounts or prices change.
///
/// Matching patterns is most of the work of a pick, and its outcome depends on the model alone.
#[derive(Debug, Default)]
pub(crate) struct Routes(HashMap<Box<str>, Vec<Stop>>);

impl Routes {
    /// The accounts that serve `model`, lowest priority number first.
    pub(crate) fn find(
        &mut self,
        model: &str,
        members: &mut [Member],
        table: &mut Table,
        rates: &dyn RateSource,
    ) -> &[Stop] {
        // Twice looked up when new, but never a string made for one that is known.
        if !self.0.contains_key(model) {
            if model.len() > MAX_MODEL_NAME {
                return &[];
            }
            let stops = stops(model, members, rates);
            table.rebuild(members);
            if stops.is_empty() {
                return &[];
            }
            if self.0.len() >= MAX_ROUTES {
                self.0.clear();
            }
            self.0.insert(model.into(), stops);
        }
        self.0.get(model).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

fn stops(model: &str, members: &mut [Member], rates: &dyn RateSource) -> Vec<Stop> {
    let model: Arc<str> = model.into();
    let mut stops: Vec<Stop> = members
        .iter_mut()
        .enumerate()
        .filter_map(|(index, member)| {
            let upstream_model = upstream_model(&member.account, &model).ok()?;
            let known_rates = rates.rates(member.account.provider, &upstream_model);
            let family = match known_rates {
                Some(_) => member.family_of(&upstream_model),
                None => member.family_of_unknown(&upstream_model),
            };
            let account = &member.account;
            Some(Stop {
                index,
                family,
                service: member.service,
                priority: account.priority,
                weight: account.weight,
                provider: account.provider,
                account_id: account.id,
                owner_id: account.owner_id,
                max_concurrency: account.max_concurrency,
                rates: known_rates.unwrap_or(Rates::NOMINAL),
                upstream_model,
            })
        })
        .collect();
    stops.sort_by_key(|stop| stop.priority);
    stops
}
