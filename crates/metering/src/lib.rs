#![doc = include_str!("../README.md")]

mod catalogue;
mod limiter;
mod price;
mod record;
mod sketch;
mod spend;
mod variant;

pub use catalogue::{InvalidCatalogue, ListedPrice, ListedTier, OperatorPrice, PriceCatalogue, PriceSource};
pub use limiter::{Admission, Allowance, LimitExceeded, LimitKind, Limiter, Standing};
pub use price::{Price, Rates};
pub use record::{AttemptRecord, Considered, Decision, Outcome, RequestRecord, UnknownOutcome};
pub use sketch::{InvalidSketch, Sketch};
pub use spend::SpendBook;
