use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use gateway_auth::Scope;
use gateway_domain::{AccountId, ApiKeyId, Nanodollars, ProviderKind, Timestamp, TokenCounts, UserId};

use crate::cells::Cube;
use crate::marks::View;

/// Which usage is meant; `None` is no condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageFilter {
    /// Whose usage may be seen at all.
    pub scope: Scope,
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after.
    pub to: Timestamp,
    /// Whose keys.
    pub user_id: Option<UserId>,
    /// Which key.
    pub key_id: Option<ApiKeyId>,
    /// Which account was tried.
    pub account_id: Option<AccountId>,
    /// Who runs the account that was tried.
    pub provider: Option<ProviderKind>,
    /// Which model was asked for.
    pub model: Option<String>,
}

impl UsageFilter {
    /// Everything that `scope` may see, from one moment until before another.
    #[must_use]
    pub fn between(scope: Scope, from: Timestamp, to: Timestamp) -> Self {
        Self {
            scope,
            from,
            to,
            user_id: None,
            key_id: None,
            account_id: None,
            provider: None,
            model: None,
        }
    }

    /// Whether it is about attempts: a request may have been tried at several accounts.
    pub(crate) fn concerns_attempts(&self) -> bool {
        self.account_id.is_some() || self.provider.is_some()
    }
}

/// What usage is added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupBy {
    /// The model asked for.
    Model,
    /// The API key.
    Key,
    /// The user whose key it was.
    User,
    /// The account tried.
    Account,
    /// Who runs the account tried.
    Provider,
    /// The day in UTC.
    Day,
}

impl GroupBy {
    /// Every way.
    pub const ALL: [Self; 6] = [
        Self::Model,
        Self::Key,
        Self::User,
        Self::Account,
        Self::Provider,
        Self::Day,
    ];

    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Key => "key",
            Self::User => "user",
            Self::Account => "account",
            Self::Provider => "provider",
            Self::Day => "day",
        }
    }

    fn concerns_attempts(self) -> bool {
        matches!(self, Self::Account | Self::Provider)
    }
}

/// Which rows a report adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Each request once.
    Requests,
    /// Each try at an account.
    Attempts,
}

impl Source {
    /// The rows to add up when both a filter and a grouping have a say.
    pub(crate) fn of(filter: &UsageFilter, group_by: Option<GroupBy>) -> Self {
        if filter.concerns_attempts() || group_by.is_some_and(GroupBy::concerns_attempts) {
            Self::Attempts
        } else {
            Self::Requests
        }
    }
}

impl View {
    /// Where a report on attempts counts a request once.
    pub(crate) fn of(filter: &UsageFilter, group_by: Option<GroupBy>) -> Self {
        if filter.account_id.is_some() || group_by == Some(GroupBy::Account) {
            Self::Account
        } else if filter.provider.is_some() || group_by == Some(GroupBy::Provider) {
            Self::Provider
        } else {
            Self::Request
        }
    }
}

impl Cube {
    /// The kind with the fewest cells that tell apart what a report asks for.
    pub(crate) fn of(source: Source, filter: &UsageFilter, group_by: Option<GroupBy>) -> Self {
        let needs_key = filter.scope != Scope::Everyone
            || filter.user_id.is_some()
            || filter.key_id.is_some()
            || matches!(group_by, Some(GroupBy::User | GroupBy::Key));
        let needs_model = filter.model.is_some() || group_by == Some(GroupBy::Model);
        match source {
            Source::Attempts if needs_key => Self::KeyAccounts,
            Source::Attempts => Self::Accounts,
            Source::Requests if needs_key && needs_model => Self::KeyModels,
            Source::Requests if needs_key => Self::Keys,
            Source::Requests if needs_model => Self::Models,
            Source::Requests => Self::Requests,
        }
    }
}

/// The word names no way to group usage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a way to group usage: expected model, key, user, account, provider or day")]
pub struct UnknownGroupBy;

impl FromStr for GroupBy {
    type Err = UnknownGroupBy;

    fn from_str(word: &str) -> Result<Self, UnknownGroupBy> {
        Self::ALL
            .into_iter()
            .find(|by| by.as_str() == word)
            .ok_or(UnknownGroupBy)
    }
}

/// How long one step of a time series is; steps begin at whole minutes, hours or days in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Sixty seconds.
    Minute,
    /// Sixty minutes.
    Hour,
    /// Twenty-four hours.
    Day,
}

impl Bucket {
    /// Every length.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// How long it is.
    #[must_use]
    pub const fn width(self) -> Duration {
        Duration::from_secs(match self {
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        })
    }

    /// When the bucket that holds `time` begins.
    #[must_use]
    pub fn start(self, time: Timestamp) -> Timestamp {
        let width = i64::try_from(self.width().as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(
            time.as_micros()
                .saturating_sub(time.as_micros().rem_euclid(width)),
        )
    }
}

/// The word names no length of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a bucket: expected minute, hour or day")]
pub struct UnknownBucket;

impl FromStr for Bucket {
    type Err = UnknownBucket;

    fn from_str(word: &str) -> Result<Self, UnknownBucket> {
        Self::ALL
            .into_iter()
            .find(|bucket| bucket.as_str() == word)
            .ok_or(UnknownBucket)
    }
}

/// What the usage of one row of a report has in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The model asked for.
    Model(String),
    /// The API key, which may be deleted by now.
    Key(ApiKeyId),
    /// The user, who may be deleted by now.
    User(UserId),
    /// The account, which may be deleted by now.
    Account(AccountId),
    /// Who runs the account; a word, since history may name one that this version does not know.
    Provider(String),
    /// When the day began, in UTC.
    Day(Timestamp),
}

/// Usage added up.
///
/// When a filter or a group concerns accounts or providers, tokens, cost and times are those of the attempts there, and
/// requests are those that were tried there, each counted when its first attempt there began; requests that reached no
/// account are not among them. Otherwise all are those of the requests.
///
/// Counts, tokens and cost are exact; percentiles are within 1.6 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Requests.
    pub requests: u64,
    /// Requests that ended in an error or were interrupted; those that the client gave up are not among them.
    pub errors: u64,
    /// Tokens, those of failed attempts too.
    pub tokens: TokenCounts,
    /// Requests of which an attempt used something that had no price.
    pub unpriced_requests: u64,
    /// What it cost, as far as prices were known; `None` if something was used and no price was known of any of it.
    pub cost: Option<Nanodollars>,
    /// The time to the answer's end that half of the requests kept within; `None` if there were none.
    pub latency_p50: Option<Duration>,
    /// The same for 95 in 100.
    pub latency_p95: Option<Duration>,
    /// The time to the first content that half of those with content kept within; `None` if there were none.
    pub ttft_p50: Option<Duration>,
    /// The same for 95 in 100.
    pub ttft_p95: Option<Duration>,
}

impl Default for Totals {
    /// Nothing was used, which is free.
    fn default() -> Self {
        Self {
            requests: 0,
            errors: 0,
            tokens: TokenCounts::default(),
            unpriced_requests: 0,
            cost: Some(Nanodollars::ZERO),
            latency_p50: None,
            latency_p95: None,
            ttft_p50: None,
            ttft_p95: None,
        }
    }
}

/// A place in a list that only grows, from which it goes on. Printed and parsed as an opaque word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) at: Timestamp,
    pub(crate) id: uuid::Uuid,
}

/// The text is no cursor that this version gave out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid cursor: expected the `next_cursor` of the page before")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:016x}{}",
            self.at.as_micros().cast_unsigned(),
            self.id.simple()
        )
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        if text.len() != 48 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidCursor);
        }
        let (at, id) = text.split_at(16);
        let at = u64::from_str_radix(at, 16)
            .map_err(|_| InvalidCursor)?
            .cast_signed();
        let id = uuid::Uuid::try_parse(id).map_err(|_| InvalidCursor)?;
        Ok(Self {
            at: Timestamp::from_micros(at),
            id,
        })
    }
}

#[cfg(test)]
mod tests {
    use gateway_domain::Timestamp;

    use super::{Bucket, Cursor};

    #[test]
    fn a_cursor_survives_being_a_word() {
        for micros in [0, -1, 1_767_225_600_000_001, i64::MAX, i64::MIN] {
            let cursor = Cursor {
                at: Timestamp::from_micros(micros),
                id: uuid::Uuid::now_v7(),
            };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in [
            "",
            "x",
            &"0".repeat(47),
            &"g".repeat(48),
            &"0".repeat(49),
            &"é".repeat(24),
        ] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn buckets_begin_at_whole_steps_also_before_1970() {
        let start = |text: &str, bucket: Bucket| bucket.start(text.parse().unwrap_or_default()).to_string();
        assert_eq!(
            start("2026-01-31T12:34:56.789Z", Bucket::Minute),
            "2026-01-31T12:34:00Z"
        );
        assert_eq!(
            start("2026-01-31T12:34:56.789Z", Bucket::Hour),
            "2026-01-31T12:00:00Z"
        );
        assert_eq!(start("1969-12-31T23:59:59Z", Bucket::Day), "1969-12-31T00:00:00Z");
    }
}
