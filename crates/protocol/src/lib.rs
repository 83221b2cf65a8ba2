#![doc = include_str!("../README.md")]

mod anthropic;
mod codec;
mod error;
mod json;
mod sse;

pub use codec::{AnswerSummary, CODECS, Codec, InvalidBody, Peek, StreamPhase, StreamReader, codec};
pub use error::{ErrorAnswer, ErrorKind};
pub use json::splice;
