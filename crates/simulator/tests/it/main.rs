//! The simulator as its clients see it.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod accounts;
mod client;
mod content;
mod faults;
mod messages;
mod models;
mod program;
mod records;
mod strictness;
