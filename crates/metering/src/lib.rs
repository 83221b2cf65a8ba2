#![doc = include_str!("../README.md")]

mod catalogue;
mod charge;
mod forecast;
mod limiter;
mod price;
mod record;
mod sketch;
mod spend;
mod variant;

pub use catalogue::{
    InvalidCatalogue, ListedPrice, ListedTier, ModelSize, OperatorPrice, PriceCatalogue, PriceSource,
    RateSheet, Terms,
};
pub use charge::{Charge, UnpricedModel};
pub use forecast::{Pace, exhausts_at, recent_span};
pub use limiter::{Admission, LimitExceeded, LimitKind, Limiter};
pub use price::{Price, Rates};
pub use record::{AttemptRecord, Considered, Decision, Outcome, RequestRecord, UnknownOutcome};
pub use sketch::{InvalidSketch, Sketch};
pub use spend::{Hold, NoHold, OverBudget, SpendBook, Spending};
