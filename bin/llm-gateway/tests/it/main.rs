//! The binary as an operator meets it: its command line, its files, its signals.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod configuration;
mod database;
mod folder;
mod http;
mod killing;
mod prices;
mod sdks;
mod secrets;
mod server;
mod serving;
