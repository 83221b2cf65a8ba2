//! What is sent to providers, and what their answers are taken for.

mod requests;
mod support;
mod targets;
