#![doc = include_str!("../README.md")]

mod chance;
mod choosing;
mod decision;
mod errand;
mod extremes;
mod fair_queue;
mod family;
mod gauge;
mod health;
mod lease;
mod member;
mod pace;
mod patience;
mod pool;
mod prompt_caches;
mod rates;
mod rests;
mod routes;
mod sampling;
mod service;
mod settings;
mod shared;
mod strategy;
mod survey;
mod table;
mod ttft;
mod view;
mod waiting;
mod wanted;

pub use decision::{Consideration, Decision};
pub use health::{Health, HealthStatus, Probe, UnknownStatus};
pub use lease::Lease;
pub use pool::{Pool, UnknownStrategy};
pub use rates::{NoRates, RateSource, Rates};
pub use rests::KnownRest;
pub use settings::{PoolSettings, StrategyGroup};
pub use strategy::{
    Candidate, Choice, LeastInFlight, Looks, Parts, PeakEwma, RoundRobin, STRATEGIES, Smart, Strategy,
    strategy,
};
pub use waiting::QueuePlace;
pub use wanted::{Delivery, NoAccount, Preamble, Prompt, Wanted};
