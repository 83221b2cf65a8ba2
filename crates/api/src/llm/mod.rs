//! The routes that an LLM client calls with an API key of the gateway.

mod budget;
mod messages;
mod models;
mod usage;

pub(crate) use messages::{__path_count_tokens, __path_create_message, count_tokens, create_message};
pub(crate) use models::{__path_list_models, __path_model, list_models, model};
pub(crate) use usage::{__path_own_usage, own_usage};
