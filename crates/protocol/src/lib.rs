#![doc = include_str!("../README.md")]

pub mod anthropic;
mod codec;
mod error;
mod fingerprint;
mod json;
mod model_entry;
pub mod openai;
mod sse;

pub use codec::{
    AnswerSummary, CODECS, CacheWish, Codec, InvalidBody, Peek, Preamble, StreamPhase, StreamReader, codec,
};
pub use error::{ErrorAnswer, ErrorKind};
pub use fingerprint::fingerprint;
pub use json::splice;
pub use model_entry::ModelEntry;
