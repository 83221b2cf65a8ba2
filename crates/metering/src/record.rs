use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use gateway_domain::{
    AccountId, ApiKeyId, AttemptId, Dialect, FaultClass, Nanodollars, ProviderKind, RequestId, Timestamp,
    TokenCounts, Usage, UsageSource, UserId,
};

/// One call of a client, with every try that was made to answer it.
///
/// It says what happened and what it cost, never what was asked or answered.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRecord {
    /// Unique: a record written twice is stored once.
    pub id: RequestId,
    /// When the request's head had arrived.
    pub started_at: Timestamp,
    /// Whose key it was.
    pub user_id: UserId,
    /// The key that was presented.
    pub key_id: ApiKeyId,
    /// The wire format that the client spoke.
    pub dialect: Dialect,
    /// The model that the client asked for.
    pub model: String,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// How it ended for the client.
    pub status: Outcome,
    /// The status that the client got; `None` if it went away before there was one.
    pub http_status: Option<u16>,
    /// Whose fault the end was.
    pub fault: Option<FaultClass>,
    /// From the request's head to the answer's last byte.
    pub latency: Duration,
    /// From the request's head to the answer's first content.
    pub ttft: Option<Duration>,
    /// How long it waited for a place at an account, all its attempts together.
    pub queued: Duration,
    /// How the accounts were weighed for its first attempt; `None` if it was refused before.
    pub decision: Option<Decision>,
    /// Every try, in order; empty if the request was refused before any.
    pub attempts: Vec<AttemptRecord>,
}

impl RequestRecord {
    /// The tokens of all attempts together, those of failed attempts too.
    #[must_use]
    pub fn tokens(&self) -> TokenCounts {
        self.attempts.iter().fold(TokenCounts::default(), |sum, attempt| {
            let tokens = attempt.usage.tokens;
            TokenCounts {
                input: sum.input.saturating_add(tokens.input),
                cache_read: sum.cache_read.saturating_add(tokens.cache_read),
                cache_write_5m: sum.cache_write_5m.saturating_add(tokens.cache_write_5m),
                cache_write_1h: sum.cache_write_1h.saturating_add(tokens.cache_write_1h),
                output: sum.output.saturating_add(tokens.output),
                reasoning: sum.reasoning.saturating_add(tokens.reasoning),
            }
        })
    }

    /// What its attempts cost together; `None` if no attempt's cost is known.
    ///
    /// Attempts without a cost count for nothing beside one that has a cost: the sum is then a lower bound.
    #[must_use]
    pub fn cost(&self) -> Option<Nanodollars> {
        self.attempts
            .iter()
            .filter_map(|attempt| attempt.cost)
            .reduce(|sum, cost| sum + cost)
    }
}

/// One try of a request at one account.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRecord {
    /// Unique: a record written twice is stored once.
    pub id: AttemptId,
    /// Its place among the tries of its request, from 1.
    pub number: u16,
    /// When the account was picked.
    pub started_at: Timestamp,
    /// The account that was tried.
    pub account_id: AccountId,
    /// Who runs the account.
    pub provider: ProviderKind,
    /// The provider's name for the model.
    pub upstream_model: String,
    /// How it ended.
    pub status: Outcome,
    /// The provider's status; `None` if no answer came.
    pub http_status: Option<u16>,
    /// Whose fault the end was.
    pub fault: Option<FaultClass>,
    /// One short sentence on the fault for an operator, without secrets or prompt text.
    pub fault_reason: Option<String>,
    /// What it used.
    pub usage: Usage,
    /// How far `usage` can be trusted.
    pub usage_source: UsageSource,
    /// What it cost; `None` if the model had no price, which is not the same as free.
    pub cost: Option<Nanodollars>,
    /// The dated price that `cost` was reckoned by.
    pub price_version: Option<String>,
    /// From the account's being picked to the last byte of its answer.
    pub latency: Duration,
    /// From the account's being picked to the first content of its answer.
    pub ttft: Option<Duration>,
    /// The provider's own name for the request, to quote to its support.
    pub upstream_request_id: Option<String>,
    /// The provider's own name for the message in the answer.
    pub upstream_message_id: Option<String>,
}

/// How the accounts were weighed for a request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    /// The strategy that picked; empty if that is not known.
    pub strategy: Cow<'static, str>,
    /// What was thought of each account, the picked one first.
    pub considered: Vec<Considered>,
}

/// What was thought of one account for a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Considered {
    /// The account.
    pub account_id: AccountId,
    /// Whether it was picked.
    pub is_picked: bool,
    /// Why it was passed over, one short phrase for an operator; `None` for those among which the strategy picked.
    pub reason: Option<String>,
    /// What the strategy compared, lower being better.
    pub score: Option<f64>,
    /// What the score is made of, by name.
    pub parts: Vec<(Cow<'static, str>, f64)>,
}

/// How a request or an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Answered in full.
    Ok,
    /// Answered by an error, or not at all.
    Error,
    /// The client went away first.
    Cancelled,
    /// The answer had begun and broke off.
    Interrupted,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Error, Self::Cancelled, Self::Interrupted];

    /// The word that stands for it in stored rows, reports and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an outcome: expected ok, error, cancelled or interrupted")]
pub struct UnknownOutcome;

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(word: &str) -> Result<Self, UnknownOutcome> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
            .ok_or(UnknownOutcome)
    }
}
