#![doc = include_str!("../README.md")]

mod account_form;
mod accounts;
mod address;
mod app;
mod auth;
mod body;
mod coding;
mod docs;
mod error;
mod exchange;
mod face;
mod guard;
mod health;
mod key_form;
mod keys;
mod object;
mod operations;
mod patch;
mod path;
mod policy;
mod ports;
mod prices;
mod query;
mod routes;
mod rules;
mod secret;
mod settings;
mod upstream_url;
mod usage;
mod usage_export;
mod usage_view;
mod users;

pub use app::{App, Readiness, Rooms};
pub use ports::{StoredAccounts, StoredUsage};
pub use routes::configure;
pub use settings::ApiSettings;
