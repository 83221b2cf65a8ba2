//! Behaviour of the store, each test on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod admin;
mod alerts;
mod audit;
mod concurrency;
mod fixture;
mod history;
mod keys;
mod migrations;
mod prices;
mod reconciliation;
mod recording;
mod reports;
mod rests;
mod revisions;
mod rollups;
mod sessions;
mod unpriced;
mod users;
