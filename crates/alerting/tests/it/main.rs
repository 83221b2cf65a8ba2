//! What the crate promises to the rooms above it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod accounts;
mod budgets;
mod payloads;
mod retries;
mod settings;
mod signatures;
