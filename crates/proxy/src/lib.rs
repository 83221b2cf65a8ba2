#![doc = include_str!("../README.md")]

mod answer;
mod attempt;
mod catalogue;
mod connection;
mod decided;
mod decision;
mod engine;
mod entry;
mod giving_up;
mod holding;
mod metrics;
mod models;
mod overload;
mod prices;
mod probe;
mod readers;
mod refusal;
mod relay;
mod retry_budget;
mod settings;
mod shared;
mod stream;
mod upstream;

pub use answer::{Answer, AnswerBody};
pub use catalogue::{AccountSource, Catalogue, SourceError};
pub use engine::{Call, Engine};
pub use metrics::Metrics;
pub use prices::Prices;
pub use settings::ProxySettings;
pub use shared::Shared;
pub use stream::{AnswerStream, StreamCut};
pub use upstream::InvalidRoots;
