#![doc = include_str!("../README.md")]

mod anthropic;
mod headers;
mod provider;
mod target;

pub use anthropic::Anthropic;
pub use provider::{Call, Operation, PROVIDERS, Provider, provider};
pub use target::{InvalidTarget, Target};
