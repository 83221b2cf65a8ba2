//! OpenAI's face of `GET /v1/models`, which clients of every dialect ask for.

mod error;
mod models;

pub use error::error_body;
pub use models::{model, models_list};
