//! The simulator as its clients see it.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod accounts;
mod chat;
mod chat_strictness;
mod chat_tools;
mod client;
mod content;
mod faults;
mod gemini;
mod gemini_client;
mod gemini_streams;
mod gemini_strictness;
mod gemini_turns;
mod messages;
mod models;
mod openai;
mod program;
mod records;
mod reports;
mod responses;
mod responses_strictness;
mod strictness;
