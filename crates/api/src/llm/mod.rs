//! The routes that an LLM client calls with an API key of the gateway.

mod budget;
mod forward;
mod gemini;
mod messages;
mod models;
mod openai;
mod usage;

pub(crate) use gemini::{__path_generate_v1, __path_generate_v1beta, generate_v1, generate_v1beta};
pub(crate) use messages::{__path_count_tokens, __path_create_message, count_tokens, create_message};
pub(crate) use models::{
    __path_gemini_model, __path_list_gemini_models, __path_list_models, __path_model, gemini_model,
    list_gemini_models, list_models, model,
};
pub(crate) use openai::{
    __path_create_chat_completion, __path_create_response, create_chat_completion, create_response,
};
pub(crate) use usage::{__path_own_usage, own_usage};
