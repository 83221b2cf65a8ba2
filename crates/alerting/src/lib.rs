#![doc = include_str!("../README.md")]

mod accounts;
mod alert;
mod budgets;
mod payload;
mod retries;
mod settings;
mod signature;

pub use accounts::{AccountChange, AccountSighting, AccountStanding, AccountWatch};
pub use alert::{AccountState, Alert, AlertKind, BudgetThreshold, outage};
pub use budgets::{BudgetStanding, BudgetWatch};
pub use retries::retry_after;
pub use settings::{AlertSettings, BudgetPercents, InvalidPercents};
pub use signature::{InvalidSecret, Signer};
