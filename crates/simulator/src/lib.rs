#![doc = include_str!("../README.md")]

mod anthropic;
mod builder;
mod deliver;
mod draw;
mod exchange;
mod fault;
mod notation;
mod record;
mod reply;
mod script;
mod scripts;
mod simulator;
mod state;
mod wire;

pub use builder::Builder;
pub use fault::{Fault, Point};
pub use notation::InvalidScript;
pub use record::{Billed, Ended, Received, Tally};
pub use reply::Reply;
pub use script::{Endpoint, Pace, Script};
pub use simulator::Simulator;
