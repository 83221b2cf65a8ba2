use std::collections::HashMap;
use std::sync::Arc;

use gateway_domain::{AccountId, ProviderKind, UpstreamAccount, UserId};

use crate::member::Member;

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
    /// What its provider calls the model.
    pub(crate) upstream_model: Arc<str>,
    pub(crate) account_id: AccountId,
    pub(crate) owner_id: Option<UserId>,
    pub(crate) provider: ProviderKind,
    pub(crate) priority: i32,
    pub(crate) weight: u16,
    pub(crate) max_concurrency: Option<u32>,
}

impl Stop {
    /// The account at `index`, if requests for `model` may go there at all.
    pub(crate) fn at(index: usize, account: &UpstreamAccount, model: &Arc<str>) -> Result<Self, NoService> {
        if !account.is_active {
            return Err(NoService::Inactive);
        }
        if account.weight == 0 {
            return Err(NoService::NoWeight);
        }
        let upstream_model = match account.upstream_model(model) {
            Some(name) if *name == **model => Arc::clone(model),
            Some(name) => name.into(),
            None => return Err(NoService::NoModel),
        };
        Ok(Self {
            index,
            upstream_model,
            account_id: account.id,
            owner_id: account.owner_id,
            provider: account.provider,
            priority: account.priority,
            weight: account.weight,
            max_concurrency: account.max_concurrency,
        })
    }
}

/// Which accounts serve which model, worked out once per model and kept until the accounts change.
///
/// Matching patterns is most of the work of a pick, and its outcome depends on the model alone.
#[derive(Debug, Default)]
pub(crate) struct Routes(HashMap<Box<str>, Vec<Stop>>);

impl Routes {
    /// The accounts that serve `model`, lowest priority number first.
    pub(crate) fn find(&mut self, model: &str, members: &[Member]) -> &[Stop] {
        // Twice looked up when new, but never a string made for one that is known.
        if !self.0.contains_key(model) {
            if model.len() > MAX_MODEL_NAME {
                return &[];
            }
            let stops = stops(model, members);
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

fn stops(model: &str, members: &[Member]) -> Vec<Stop> {
    let model: Arc<str> = model.into();
    let mut stops: Vec<Stop> = members
        .iter()
        .enumerate()
        .filter_map(|(index, member)| Stop::at(index, &member.account, &model).ok())
        .collect();
    stops.sort_by_key(|stop| stop.priority);
    stops
}
