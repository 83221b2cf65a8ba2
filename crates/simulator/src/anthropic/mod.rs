//! Anthropic's dialect: what it accepts, what it answers and in which words.

mod cache;
mod check;
mod compose;
mod error;
mod events;
mod headers;
mod models;
mod prompt;
mod request;
mod signature;
mod tokens;

pub(crate) use cache::{CacheUse, PromptCache};
pub(crate) use compose::{Composer, Message};
pub(crate) use error::ApiError;
pub(crate) use events::{Event, Events, PING, whole};
pub(crate) use headers::{HeaderLines, Quota, betas, credential_of, refuse_credential};
pub(crate) use models::{Model, Models};
pub(crate) use request::{MessageRequest, Terms, count_tokens, parse};
