//! What the crate promises to the rooms above it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod catalogue;
mod charge;
mod cost;
mod forecast;
mod limiter;
mod record;
mod spend;
