#![doc = include_str!("../README.md")]

mod anthropic;
mod field;
mod gemini;
mod head;
mod headers;
mod openai;
mod provider;
mod reason;
mod retry_after;
mod span;
mod target;

pub use anthropic::Anthropic;
pub use gemini::Gemini;
pub use headers::response_headers;
pub use openai::OpenAi;
pub use provider::{Call, Operation, PROVIDERS, Provider, provider};
pub use target::{InvalidTarget, Target};
