#![doc = include_str!("../README.md")]

mod chance;
mod choosing;
mod explaining;
mod health;
mod lease;
mod member;
mod pool;
mod routes;
mod settings;
mod strategy;
mod wanted;

pub use health::{Health, HealthStatus, Probe, UnknownStatus};
pub use lease::Lease;
pub use pool::Pool;
pub use settings::PoolSettings;
pub use strategy::{Candidate, Choice, RoundRobin, STRATEGIES, Strategy, strategy};
pub use wanted::{Consideration, NoAccount, Wanted};
