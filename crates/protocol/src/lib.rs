#![doc = include_str!("../README.md")]

pub mod anthropic;
mod ceiling;
mod codec;
mod error;
mod fingerprint;
pub mod gemini;
mod json;
mod model_entry;
pub mod openai;
mod peeking;
mod pins;
mod progress;
mod sse;
pub mod translation;

pub use ceiling::{Ceiling, ceiling};
pub use codec::{
    Address, AnswerSummary, CODECS, CacheWish, Codec, Framing, InvalidBody, Passing, Peek, Preamble,
    StreamPhase, StreamReader, codec,
};
pub use error::{ErrorAnswer, ErrorKind};
pub use fingerprint::fingerprint;
pub use json::splice;
pub use model_entry::{ModelDetails, ModelEntry};
pub use progress::StreamProgress;
