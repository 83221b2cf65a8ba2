#![doc = include_str!("../README.md")]

mod catalogue;
mod charge;
mod limiter;
mod price;
mod record;
mod spend;
mod variant;

pub use catalogue::{
    InvalidCatalogue, ListedPrice, ListedTier, OperatorPrice, PriceCatalogue, PriceSource, RateSheet, Terms,
};
pub use charge::{Charge, UnpricedModel};
pub use limiter::{Admission, Allowance, LimitExceeded, LimitKind, Limiter, Standing};
pub use price::{Price, Rates};
pub use record::{AttemptRecord, Considered, Decision, Outcome, RequestRecord, UnknownOutcome};
pub use spend::SpendBook;
