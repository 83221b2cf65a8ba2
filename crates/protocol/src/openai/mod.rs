//! OpenAI's dialects, which whole crowds of other providers speak as well. Source: the official SDKs.

pub mod chat;
mod error;
mod limit_headers;
mod model;
mod models;
mod parameters;
pub(crate) mod responses;
mod unknown;
mod wording;

pub use error::error_body;
pub use models::{model, models_list};
