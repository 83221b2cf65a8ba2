use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

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
pub(crate) struct Routes(HashMap<Box<str>, Route>);

/// The accounts that serve a model, lowest priority number first.
#[derive(Debug, Default)]
pub(crate) struct Route {
    stops: Vec<Stop>,
    /// Of the first tier: the weights of the stops up to each, itself included.
    reach: Vec<u32>,
    /// Where each account of the pool stands among the stops.
    positions: HashMap<usize, usize>,
}

static NO_ROUTE: LazyLock<Route> = LazyLock::new(Route::default);

impl Deref for Route {
    type Target = [Stop];

    fn deref(&self) -> &[Stop] {
        &self.stops
    }
}

impl Route {
    fn of(stops: Vec<Stop>) -> Self {
        let first = stops.first().map(|stop| stop.priority);
        let mut sum = 0;
        let first_tier = stops.iter().take_while(|stop| Some(stop.priority) == first);
        let reach = first_tier.map(|stop| {
            sum += u32::from(stop.weight);
            sum
        });
        Self {
            reach: reach.collect(),
            positions: stops
                .iter()
                .enumerate()
                .map(|(position, stop)| (stop.index, position))
                .collect(),
            stops,
        }
    }

    pub(crate) fn first_tier(&self) -> &[Stop] {
        &self.stops[..self.reach.len()]
    }

    /// The position that a random number draws from the first tier, by weight.
    pub(crate) fn drawn(&self, lot: u64) -> usize {
        let sum = self.reach.last().copied().unwrap_or(0);
        let ticket = (u128::from(lot) * u128::from(sum)) >> 64;
        self.reach.partition_point(|reach| u128::from(*reach) <= ticket)
    }

    pub(crate) fn position_of(&self, index: usize) -> Option<usize> {
        self.positions.get(&index).copied()
    }
}

impl Routes {
    /// The accounts that serve `model`, lowest priority number first.
    pub(crate) fn find(
        &mut self,
        model: &str,
        members: &mut [Member],
        table: &mut Table,
        rates: &dyn RateSource,
    ) -> &Route {
        // Twice looked up when new, but never a string made for one that is known.
        if !self.0.contains_key(model) {
            if model.len() > MAX_MODEL_NAME {
                return &NO_ROUTE;
            }
            let stops = stops(model, members, rates);
            table.rebuild(members);
            if stops.is_empty() {
                return &NO_ROUTE;
            }
            if self.0.len() >= MAX_ROUTES {
                self.0.clear();
            }
            self.0.insert(model.into(), Route::of(stops));
        }
        self.0.get(model).unwrap_or(&NO_ROUTE)
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
            let account = &member.account;
            let known_rates = rates.rates(account.id, account.provider, &upstream_model);
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
