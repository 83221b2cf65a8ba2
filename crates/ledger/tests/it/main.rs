//! What the ledger promises to the rooms above it, with sinks that fail on demand.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod batching;
mod closing;
mod damage;
mod entries;
mod failing;
mod fake_sink;
mod journal;
mod journaled;
mod looking;
mod outliving;
