#![doc = include_str!("../README.md")]

mod anthropic;
mod ask;
mod builder;
mod cache;
mod deliver;
mod dialect;
mod draft;
mod draw;
mod error;
mod exchange;
mod fault;
mod gemini;
mod headers;
mod notation;
mod openai;
mod organization;
mod record;
mod reply;
mod sample;
mod script;
mod scripts;
mod simulator;
mod state;
mod tokens;
mod wire;

pub use builder::Builder;
pub use fault::{Fault, Point};
pub use notation::InvalidScript;
pub use organization::{ModelRates, Organization};
pub use record::{Billed, Ended, Received, Tally};
pub use reply::Reply;
pub use script::{Endpoint, Pace, Script};
pub use simulator::Simulator;
