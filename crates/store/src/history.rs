use std::time::Duration;

use gateway_auth::Scope;
use gateway_domain::{
    AccountId, ApiKeyId, AttemptId, Nanodollars, RequestId, Timestamp, TokenCounts, Usage, UserId,
};
use gateway_metering::{Decision, Outcome};

use crate::decision::DecisionDoc;
use crate::recording::{AttemptRow, RequestRow};
use crate::store::query;
use crate::types::uncount;
use crate::usage::{Cursor, UsageFilter};
use crate::{Store, StoreError};

/// A request as it was recorded.
///
/// Words are kept as they were written: history may name what this version does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRequest {
    /// Names it.
    pub id: RequestId,
    /// When its head had arrived.
    pub started_at: Timestamp,
    /// Whose key it was.
    pub user_id: UserId,
    /// The key that was presented.
    pub key_id: ApiKeyId,
    /// The wire format that the client spoke.
    pub dialect: String,
    /// The model asked for.
    pub model: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// How it ended for the client.
    pub status: Outcome,
    /// The status that the client got.
    pub http_status: Option<u16>,
    /// Whose fault the end was.
    pub fault: Option<String>,
    /// From its head to the answer's last byte.
    pub latency: Duration,
    /// From its head to the answer's first content.
    pub ttft: Option<Duration>,
    /// How long it waited for a place at an account.
    pub queued: Duration,
    /// How many accounts were tried.
    pub attempts: u32,
    /// The tokens of all attempts together.
    pub tokens: TokenCounts,
    /// What all attempts cost together, as far as prices were known.
    pub cost: Option<Nanodollars>,
}

/// A request with everything that was done to answer it.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestDetail {
    /// The request.
    pub request: RecordedRequest,
    /// Every try, in order.
    pub attempts: Vec<RecordedAttempt>,
    /// How the accounts were weighed for its first attempt, the parts of each score in the order of their names;
    /// `None` if it was refused before, or is older than such records.
    pub decision: Option<Decision>,
}

/// An attempt as it was recorded.
///
/// Words are kept as they were written: history may name what this version does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedAttempt {
    /// Names it.
    pub id: AttemptId,
    /// The request that it was made for.
    pub request_id: RequestId,
    /// Its place among the tries, from 1.
    pub number: u16,
    /// When the account was picked.
    pub started_at: Timestamp,
    /// Whose key it was.
    pub user_id: UserId,
    /// The key that was presented.
    pub key_id: ApiKeyId,
    /// The account that was tried.
    pub account_id: AccountId,
    /// Who runs the account.
    pub provider: String,
    /// The model asked for.
    pub model: String,
    /// The provider's name for the model.
    pub upstream_model: String,
    /// How it ended.
    pub status: Outcome,
    /// The provider's status.
    pub http_status: Option<u16>,
    /// Whose fault the end was.
    pub fault: Option<String>,
    /// One short sentence on the fault.
    pub fault_reason: Option<String>,
    /// What it used.
    pub usage: Usage,
    /// How far `usage` can be trusted.
    pub usage_source: String,
    /// What it cost; `None` if the model had no price.
    pub cost: Option<Nanodollars>,
    /// The dated price that `cost` was reckoned by.
    pub price_version: Option<String>,
    /// From the account's being picked to the last byte of its answer.
    pub latency: Duration,
    /// From the account's being picked to the first content of its answer.
    pub ttft: Option<Duration>,
    /// The provider's own name for the request.
    pub upstream_request_id: Option<String>,
    /// The provider's own name for the message.
    pub upstream_message_id: Option<String>,
}

/// An attempt with what an export says of its request.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedAttempt {
    /// The attempt.
    pub attempt: RecordedAttempt,
    /// The wire format that the client spoke.
    pub dialect: String,
    /// Whether a stream was asked for.
    pub stream: bool,
}

/// A piece of a list that only grows.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next piece begins; `None` if this is the last.
    pub next: Option<Cursor>,
}

impl Store {
    /// Requests, newest first, `limit` of them from `cursor` on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer or needs longer than reports may.
    pub async fn list_requests(
        &self,
        filter: UsageFilter,
        status: Option<Outcome>,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<RecordedRequest>, StoreError> {
        let rows = query!(
            self,
            report,
            history::requests(filter, status, cursor, i64::from(limit) + 1)
        )?;
        let place = |row: &RequestRow| Cursor {
            at: row.started_at.into(),
            id: row.id.0,
        };
        slice(rows, limit, place, RequestRow::into_request)
    }

    /// One request with its attempts; `None` if there is none in `scope`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn find_request(
        &self,
        scope: Scope,
        id: RequestId,
    ) -> Result<Option<RequestDetail>, StoreError> {
        let Some((request, attempts)) = query!(self, read, history::request(scope, id))? else {
            return Ok(None);
        };
        let decision: Option<DecisionDoc<'_>> = request.decision.read()?;
        Ok(Some(RequestDetail {
            request: request.into_request()?,
            attempts: attempts
                .into_iter()
                .map(AttemptRow::into_attempt)
                .collect::<Result<_, _>>()?,
            decision: decision.map(Decision::from),
        }))
    }

    /// Attempts, oldest first, `limit` of them from `cursor` on: an export asks for one piece after the other, so
    /// that neither side ever holds more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer or needs longer than reports may.
    pub async fn export_attempts(
        &self,
        filter: UsageFilter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<ExportedAttempt>, StoreError> {
        let rows = query!(
            self,
            report,
            history::attempts(filter, cursor, i64::from(limit) + 1)
        )?;
        let place = |(row, _, _): &(AttemptRow, String, bool)| Cursor {
            at: row.started_at.into(),
            id: row.id.0,
        };
        slice(rows, limit, place, |(row, dialect, stream)| {
            Ok(ExportedAttempt {
                attempt: row.into_attempt()?,
                dialect,
                stream,
            })
        })
    }
}

/// The first `limit` of `rows`, of which there is one more if the list goes on.
pub(crate) fn slice<R, T>(
    mut rows: Vec<R>,
    limit: u32,
    place: impl Fn(&R) -> Cursor,
    convert: impl Fn(R) -> Result<T, StoreError>,
) -> Result<Slice<T>, StoreError> {
    let goes_on = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| goes_on).map(place);
    Ok(Slice {
        items: rows.into_iter().map(convert).collect::<Result<_, _>>()?,
        next,
    })
}

impl RequestRow {
    fn into_request(self) -> Result<RecordedRequest, StoreError> {
        Ok(RecordedRequest {
            id: self.id.into(),
            started_at: self.started_at.into(),
            user_id: self.user_id.into(),
            key_id: self.key_id.into(),
            dialect: self.dialect,
            model: self.model,
            stream: self.stream,
            status: self.status.parse().map_err(StoreError::other)?,
            http_status: self.http_status.and_then(|status| u16::try_from(status).ok()),
            fault: self.fault,
            latency: micros(self.latency_us),
            ttft: self.ttft_us.map(micros),
            queued: micros(self.queued_us),
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            tokens: TokenCounts {
                input: uncount(self.input_tokens),
                cache_read: uncount(self.cache_read_tokens),
                cache_write_5m: uncount(self.cache_write_5m_tokens),
                cache_write_1h: uncount(self.cache_write_1h_tokens),
                output: uncount(self.output_tokens),
                reasoning: uncount(self.reasoning_tokens),
            },
            cost: self.cost_nanos.map(Nanodollars::from_nanos),
        })
    }
}

impl AttemptRow {
    pub(crate) fn into_attempt(self) -> Result<RecordedAttempt, StoreError> {
        Ok(RecordedAttempt {
            id: self.id.into(),
            request_id: self.request_id.into(),
            number: u16::try_from(self.number).unwrap_or(u16::MAX),
            started_at: self.started_at.into(),
            user_id: self.user_id.into(),
            key_id: self.key_id.into(),
            account_id: self.account_id.into(),
            provider: self.provider,
            model: self.model,
            upstream_model: self.upstream_model,
            status: self.status.parse().map_err(StoreError::other)?,
            http_status: self.http_status.and_then(|status| u16::try_from(status).ok()),
            fault: self.fault,
            fault_reason: self.fault_reason,
            usage: Usage {
                tokens: TokenCounts {
                    input: uncount(self.input_tokens),
                    cache_read: uncount(self.cache_read_tokens),
                    cache_write_5m: uncount(self.cache_write_5m_tokens),
                    cache_write_1h: uncount(self.cache_write_1h_tokens),
                    output: uncount(self.output_tokens),
                    reasoning: uncount(self.reasoning_tokens),
                },
                web_searches: uncount(self.web_searches),
                service_tier: self.service_tier,
                speed: self.speed,
                inference_geo: self.inference_geo,
                // They are in the cost.
                parts: Vec::new(),
            },
            usage_source: self.usage_source,
            cost: self.cost_nanos.map(Nanodollars::from_nanos),
            price_version: self.price_version,
            latency: micros(self.latency_us),
            ttft: self.ttft_us.map(micros),
            upstream_request_id: self.upstream_request_id,
            upstream_message_id: self.upstream_message_id,
        })
    }
}

fn micros(count: i64) -> Duration {
    Duration::from_micros(uncount(count))
}
