//! A discrete-event simulation of balancing: made-up clients and provider accounts around the real pool, without
//! sockets and without waiting.
//!
//! The same seed makes the same clients say the same things, whoever balances them.

mod account;
mod bucket;
mod contenders;
mod dice;
mod outcome;
mod plan;
mod traffic;
mod world;

pub(crate) use self::contenders::CONTENDERS;
pub(crate) use self::outcome::Outcome;
pub(crate) use self::plan::{SCENARIOS, Scenario};
pub(crate) use self::world::run;
