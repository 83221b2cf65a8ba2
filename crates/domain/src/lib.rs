#![doc = include_str!("../README.md")]

mod account;
mod api_key;
mod budget;
mod clock;
mod dialect;
mod fault;
mod id;
mod limits;
mod model_pattern;
mod money;
mod organization;
mod page;
mod rate_limits;
mod spender;
mod timestamp;
mod usage;
mod user;

pub use account::{Credential, CredentialKind, ProviderKind, UnknownProvider, UpstreamAccount};
pub use api_key::ApiKey;
pub use budget::{Budget, BudgetPeriod, UnknownBudgetPeriod};
pub use clock::{Clock, ManualClock, SystemClock};
pub use dialect::{Dialect, UnknownDialect};
pub use fault::{Fault, FaultClass, FaultReach, QuotaWindow};
pub use id::{AccountId, AlertId, ApiKeyId, AttemptId, InvalidId, PriceId, RequestId, SessionId, UserId};
pub use limits::Limits;
pub use model_pattern::{InvalidModelPattern, ModelPattern};
pub use money::{InvalidAmount, InvalidFactor, Nanodollars, PicodollarsPerToken, PriceFactor};
pub use organization::{AdminCredential, OrganizationPart, ReportScope};
pub use page::{Page, Paged};
pub use rate_limits::{RateLimit, RateLimits};
pub use spender::Spender;
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use usage::{TokenCounts, Usage, UsagePart, UsageSource};
pub use user::{Role, UnknownRole, User};
