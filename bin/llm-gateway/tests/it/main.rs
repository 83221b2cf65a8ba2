//! The binary as an operator meets it: its command line, its files, its signals.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod alerts;
mod attackers;
mod audit;
mod books;
mod canaries;
mod configuration;
mod contract;
mod database;
mod databases;
mod flooding;
mod folder;
mod full_disk;
mod hostile;
mod http;
mod instances;
mod killing;
mod load;
mod outage;
mod prices;
mod reaching;
mod receiver;
mod rotation;
mod sdks;
mod secrecy;
mod secrets;
mod server;
mod serving;
mod soak;
mod tls;
mod torn;
