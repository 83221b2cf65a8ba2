#![doc = include_str!("../README.md")]

mod limiter;
mod record;

pub use record::{AttemptRecord, Outcome, PassedOver, RequestRecord, UnknownOutcome};
