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
mod reach;
mod reason;
mod retry_after;
mod span;
mod target;

pub use anthropic::Anthropic;
pub use gemini::Gemini;
pub use headers::{is_forwarding, response_headers};
pub use openai::OpenAi;
pub use organization::{
    CostLine, MOST_REPORT_DAYS, OrganizationReports, ReportPage, ReportQuery, UnreadableReport, UsageLine,
};
pub use provider::{Call, Operation, PROVIDERS, Provider, provider};
pub use reach::{
    AddressPolicy, Destination, Exception, InvalidException, InvalidUrl, Reach, Refused, is_same_server,
};
pub use target::{InvalidTarget, Target};
