use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use gateway_domain::{
    AccountId, ApiKeyId, AttemptId, Dialect, FaultClass, Nanodollars, ProviderKind, RequestId, Timestamp,
    TokenCounts, Usage, UsageSource, UserId,
};
use gateway_metering::{AttemptRecord, Considered, Decision, Outcome, RequestRecord};
use serde::{Deserialize, Serialize};

/// What the journal says of a request, as JSON.
///
/// Each entry says all of the request, so that the last one of a request is enough.
#[derive(Debug, Clone, PartialEq)]
pub enum LedgerEntry {
    /// As it would be booked if the process died now.
    Open(RequestRecord),
    /// As it is booked.
    Closed(RequestRecord),
}

/// The bytes are no entry of a ledger, or of a newer one.
#[derive(Debug, thiserror::Error)]
#[error("not an entry of this ledger")]
pub struct UnreadableEntry(#[source] Box<dyn std::error::Error + Send + Sync>);

impl LedgerEntry {
    /// Reads what [`LedgerEntry::write_open`] or [`LedgerEntry::write_closed`] wrote.
    ///
    /// # Errors
    ///
    /// [`UnreadableEntry`] says where it stopped.
    pub fn read(bytes: &[u8]) -> Result<Self, UnreadableEntry> {
        let entry: Entry<'_> =
            serde_json::from_slice(bytes).map_err(|error| UnreadableEntry(error.into()))?;
        match entry {
            Entry::Open(request) => request.into_record().map(Self::Open),
            Entry::Closed(request) => request.into_record().map(Self::Closed),
        }
        .map_err(|word| UnreadableEntry(word.into()))
    }

    /// Whose entry it is and whether it is of one that has ended, read in passing: the rest may be unreadable.
    pub(crate) fn peek(bytes: &[u8]) -> Result<Peek, UnreadableEntry> {
        let entry: Named = serde_json::from_slice(bytes).map_err(|error| UnreadableEntry(error.into()))?;
        Ok(match entry {
            Named::Open(request) => Peek::Open(request.id),
            Named::Closed(request) => Peek::Closed(request.id),
        })
    }

    /// Appends the entry of a request that is under way.
    pub fn write_open(record: &RequestRecord, out: &mut Vec<u8>) {
        write(&Entry::Open(Request::of(record)), out);
    }

    /// Appends the entry of a request that has ended.
    pub fn write_closed(record: &RequestRecord, out: &mut Vec<u8>) {
        write(&Entry::Closed(Request::of(record)), out);
    }

    /// The request, however far it has come.
    #[must_use]
    pub const fn record(&self) -> &RequestRecord {
        match self {
            Self::Open(record) | Self::Closed(record) => record,
        }
    }
}

/// What is known of an entry in passing.
pub(crate) enum Peek {
    Open(RequestId),
    Closed(RequestId),
}

fn write(entry: &Entry<'_>, out: &mut Vec<u8>) {
    serde_json::to_writer(out, entry).expect("every field has a form in JSON, and memory takes all");
}

/// A word that stands for nothing that this version knows.
#[derive(Debug, thiserror::Error)]
#[error("unknown {what} {word:?}")]
struct UnknownWord {
    what: &'static str,
    word: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry<'a> {
    Open(Request<'a>),
    Closed(Request<'a>),
}

/// An [`Entry`] of which nothing but the id is read.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    Open(Name),
    Closed(Name),
}

#[derive(Deserialize)]
struct Name {
    id: RequestId,
}

/// A [`RequestRecord`] in words and numbers: moments and times in microseconds, money in nano-dollars.
#[derive(Debug, Serialize, Deserialize)]
struct Request<'a> {
    id: RequestId,
    started_at: i64,
    user_id: UserId,
    key_id: ApiKeyId,
    dialect: Cow<'a, str>,
    model: Cow<'a, str>,
    stream: bool,
    status: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<Cow<'a, str>>,
    latency: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttft: Option<u64>,
    queued: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decision: Option<Weighing<'a>>,
    attempts: Vec<Attempt<'a>>,
}

/// An [`AttemptRecord`], likewise.
#[derive(Debug, Serialize, Deserialize)]
struct Attempt<'a> {
    id: AttemptId,
    number: u16,
    started_at: i64,
    account_id: AccountId,
    provider: Cow<'a, str>,
    upstream_model: Cow<'a, str>,
    status: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault_reason: Option<Cow<'a, str>>,
    /// Uncached input, cache read, 5-minute and 1-hour cache write, output, and reasoning as a part of output.
    tokens: [u64; 6],
    #[serde(default, skip_serializing_if = "is_zero")]
    web_searches: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_tier: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    speed: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inference_geo: Option<Cow<'a, str>>,
    usage_source: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price_version: Option<Cow<'a, str>>,
    latency: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttft: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upstream_request_id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upstream_message_id: Option<Cow<'a, str>>,
}

/// A [`Decision`], likewise.
#[derive(Debug, Serialize, Deserialize)]
struct Weighing<'a> {
    strategy: Cow<'a, str>,
    considered: Vec<Weighed<'a>>,
}

/// A [`Considered`], likewise.
#[derive(Debug, Serialize, Deserialize)]
struct Weighed<'a> {
    account_id: AccountId,
    is_picked: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    /// `None` is what has no form in JSON: infinity, or no number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<(Cow<'a, str>, Option<f64>)>,
}

impl<'a> Request<'a> {
    fn of(record: &'a RequestRecord) -> Self {
        Self {
            id: record.id,
            started_at: record.started_at.as_micros(),
            user_id: record.user_id,
            key_id: record.key_id,
            dialect: record.dialect.as_str().into(),
            model: record.model.as_str().into(),
            stream: record.stream,
            status: record.status.as_str().into(),
            http_status: record.http_status,
            fault: record.fault.map(|fault| fault.as_str().into()),
            latency: micros(record.latency),
            ttft: record.ttft.map(micros),
            queued: micros(record.queued),
            decision: record.decision.as_ref().map(Weighing::of),
            attempts: record.attempts.iter().map(Attempt::of).collect(),
        }
    }

    fn into_record(self) -> Result<RequestRecord, UnknownWord> {
        Ok(RequestRecord {
            id: self.id,
            started_at: Timestamp::from_micros(self.started_at),
            user_id: self.user_id,
            key_id: self.key_id,
            dialect: known("dialect", &self.dialect, &Dialect::ALL)?,
            model: self.model.into_owned(),
            stream: self.stream,
            status: known("status", &self.status, &Outcome::ALL)?,
            http_status: self.http_status,
            fault: fault(self.fault.as_deref())?,
            latency: Duration::from_micros(self.latency),
            ttft: self.ttft.map(Duration::from_micros),
            queued: Duration::from_micros(self.queued),
            decision: self.decision.map(Weighing::into_decision),
            attempts: self
                .attempts
                .into_iter()
                .map(Attempt::into_record)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl<'a> Attempt<'a> {
    fn of(record: &'a AttemptRecord) -> Self {
        let Usage {
            tokens,
            web_searches,
            service_tier,
            speed,
            inference_geo,
            // They are in the cost.
            parts: _,
        } = &record.usage;
        Self {
            id: record.id,
            number: record.number,
            started_at: record.started_at.as_micros(),
            account_id: record.account_id,
            provider: record.provider.as_str().into(),
            upstream_model: record.upstream_model.as_str().into(),
            status: record.status.as_str().into(),
            http_status: record.http_status,
            fault: record.fault.map(|fault| fault.as_str().into()),
            fault_reason: borrowed(record.fault_reason.as_ref()),
            tokens: [
                tokens.input,
                tokens.cache_read,
                tokens.cache_write_5m,
                tokens.cache_write_1h,
                tokens.output,
                tokens.reasoning,
            ],
            web_searches: *web_searches,
            service_tier: borrowed(service_tier.as_ref()),
            speed: borrowed(speed.as_ref()),
            inference_geo: borrowed(inference_geo.as_ref()),
            usage_source: record.usage_source.as_str().into(),
            cost: record.cost.map(Nanodollars::as_nanos),
            price_version: borrowed(record.price_version.as_ref()),
            latency: micros(record.latency),
            ttft: record.ttft.map(micros),
            upstream_request_id: borrowed(record.upstream_request_id.as_ref()),
            upstream_message_id: borrowed(record.upstream_message_id.as_ref()),
        }
    }

    fn into_record(self) -> Result<AttemptRecord, UnknownWord> {
        let [
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            output,
            reasoning,
        ] = self.tokens;
        Ok(AttemptRecord {
            id: self.id,
            number: self.number,
            started_at: Timestamp::from_micros(self.started_at),
            account_id: self.account_id,
            provider: known("provider", &self.provider, &ProviderKind::ALL)?,
            upstream_model: self.upstream_model.into_owned(),
            status: known("status", &self.status, &Outcome::ALL)?,
            http_status: self.http_status,
            fault: fault(self.fault.as_deref())?,
            fault_reason: self.fault_reason.map(Cow::into_owned),
            usage: Usage {
                tokens: TokenCounts {
                    input,
                    cache_read,
                    cache_write_5m,
                    cache_write_1h,
                    output,
                    reasoning,
                },
                web_searches: self.web_searches,
                service_tier: self.service_tier.map(Cow::into_owned),
                speed: self.speed.map(Cow::into_owned),
                inference_geo: self.inference_geo.map(Cow::into_owned),
                parts: Vec::new(),
            },
            usage_source: known("usage source", &self.usage_source, &UsageSource::ALL)?,
            cost: self.cost.map(Nanodollars::from_nanos),
            price_version: self.price_version.map(Cow::into_owned),
            latency: Duration::from_micros(self.latency),
            ttft: self.ttft.map(Duration::from_micros),
            upstream_request_id: self.upstream_request_id.map(Cow::into_owned),
            upstream_message_id: self.upstream_message_id.map(Cow::into_owned),
        })
    }
}

impl<'a> Weighing<'a> {
    fn of(decision: &'a Decision) -> Self {
        let considered = decision.considered.iter().map(|considered| Weighed {
            account_id: considered.account_id,
            is_picked: considered.is_picked,
            reason: borrowed(considered.reason.as_ref()),
            score: considered.score,
            parts: considered
                .parts
                .iter()
                .map(|(name, part)| (Cow::Borrowed(name.as_ref()), Some(*part)))
                .collect(),
        });
        Self {
            strategy: Cow::Borrowed(&decision.strategy),
            considered: considered.collect(),
        }
    }

    fn into_decision(self) -> Decision {
        let considered = self.considered.into_iter().map(|weighed| Considered {
            account_id: weighed.account_id,
            is_picked: weighed.is_picked,
            reason: weighed.reason.map(Cow::into_owned),
            score: weighed.score,
            parts: weighed
                .parts
                .into_iter()
                .map(|(name, part)| (Cow::Owned(name.into_owned()), part.unwrap_or(f64::NAN)))
                .collect(),
        });
        Decision {
            strategy: Cow::Owned(self.strategy.into_owned()),
            considered: considered.collect(),
        }
    }
}

/// The value that a word stands for.
fn known<T: Copy + fmt::Display>(what: &'static str, word: &str, all: &[T]) -> Result<T, UnknownWord> {
    let found = all.iter().find(|value| value.to_string() == word);
    found.copied().ok_or_else(|| UnknownWord {
        what,
        word: word.to_owned(),
    })
}

fn fault(word: Option<&str>) -> Result<Option<FaultClass>, UnknownWord> {
    word.map(|word| known("fault", word, &FaultClass::ALL))
        .transpose()
}

fn borrowed(text: Option<&String>) -> Option<Cow<'_, str>> {
    text.map(|text| Cow::Borrowed(text.as_str()))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
