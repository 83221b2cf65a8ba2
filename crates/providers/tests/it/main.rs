//! What is sent to providers, and what their answers are taken for.

mod answers;
mod corpus;
mod faults;
mod gemini;
mod openai;
mod quotas;
mod reach;
mod reach_texts;
mod reports;
mod requests;
mod support;
mod targets;
mod waits;
