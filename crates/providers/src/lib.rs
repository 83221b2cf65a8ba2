#![doc = include_str!("../README.md")]

mod amount;
mod anthropic;
mod field;
mod gemini;
mod head;
mod headers;
mod openai;
mod organization;
mod provider;
mod reason;
mod retry_after;
mod span;
mod target;

pub use anthropic::Anthropic;
pub use gemini::Gemini;
pub use headers::response_headers;
pub use openai::OpenAi;
pub use organization::{
    CostLine, MOST_REPORT_DAYS, OrganizationReports, ReportPage, ReportQuery, UnreadableReport, UsageLine,
};
pub use provider::{Call, Operation, PROVIDERS, Provider, provider};
pub use target::{InvalidTarget, Target};
