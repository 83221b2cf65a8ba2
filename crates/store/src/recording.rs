use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use gateway_domain::{Nanodollars, TokenCounts};
use gateway_metering::{AttemptRecord, Outcome, RequestRecord};

use crate::bulk::bulk;
use crate::cells::{Cells, Used};
use crate::decision::DecisionDoc;
use crate::marks::{self, Marks, Tried};
use crate::schema::{attempts, requests};
use crate::store::query;
use crate::types::{StoredDoc, StoredId, StoredTime, count, without_nul};
use crate::{Store, StoreError};

impl Store {
    /// Writes finished requests with their attempts and returns how many were new.
    ///
    /// All or none: one transaction, with the roll-ups. A record that is stored already is left as it is, so that
    /// writing twice stores and counts once. Keys and accounts get their `last_used_at`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the same call may succeed later; [`StoreError::Other`] if the database refuses
    /// one of the records, and with it all of them.
    pub async fn record_usage(&self, records: Vec<RequestRecord>) -> Result<usize, StoreError> {
        if records.is_empty() {
            return Ok(0);
        }
        let batch = Batch::new(&records)?;
        query!(self, batch, recording::record(batch))
    }
}

/// The rows of many records, each kind in the order of its ids: the same order in every transaction means that none
/// waits for another that waits for it.
pub(crate) struct Batch {
    pub(crate) requests: Vec<RequestRow>,
    pub(crate) attempts: Vec<AttemptRow>,
    pub(crate) keys: BTreeMap<StoredId, StoredTime>,
    pub(crate) accounts: BTreeMap<StoredId, StoredTime>,
}

impl Batch {
    fn new(records: &[RequestRecord]) -> Result<Self, StoreError> {
        let mut batch = Self {
            requests: Vec::with_capacity(records.len()),
            attempts: Vec::with_capacity(records.len()),
            keys: BTreeMap::new(),
            accounts: BTreeMap::new(),
        };
        for record in records {
            let tries: Vec<_> = record.attempts.iter().map(tried).collect();
            let marks = marks::of_request(has_failed(record.status), &tries);
            batch.requests.push(RequestRow::new(record, marks)?);
            note_use(&mut batch.keys, record.key_id.into(), record.started_at.into());
            for (attempt, marks) in record.attempts.iter().zip(marks::of_attempts(&tries)) {
                note_use(
                    &mut batch.accounts,
                    attempt.account_id.into(),
                    attempt.started_at.into(),
                );
                batch.attempts.push(AttemptRow::new(record, attempt, marks));
            }
        }
        batch.requests.sort_by_key(|row| row.id);
        batch.requests.dedup_by_key(|row| row.id);
        batch.attempts.sort_by_key(|row| row.id);
        batch.attempts.dedup_by_key(|row| row.id);
        Ok(batch)
    }

    /// What the rows with these ids add to the roll-ups.
    pub(crate) fn cells(&self, requests: &[StoredId], attempts: &[StoredId]) -> Cells {
        let mut cells = Cells::default();
        let new: HashSet<_> = requests.iter().collect();
        for row in self.requests.iter().filter(|row| new.contains(&row.id)) {
            cells.add(&row.used());
        }
        let new: HashSet<_> = attempts.iter().collect();
        for row in self.attempts.iter().filter(|row| new.contains(&row.id)) {
            cells.add(&row.used());
        }
        cells
    }
}

fn has_failed(status: Outcome) -> bool {
    matches!(status, Outcome::Error | Outcome::Interrupted)
}

fn tried(attempt: &AttemptRecord) -> Tried<'_> {
    Tried {
        account: attempt.account_id.into(),
        provider: attempt.provider.as_str(),
        failed: has_failed(attempt.status),
        used: attempt.usage.tokens.total() > 0 || attempt.usage.web_searches > 0,
        has_cost: attempt.cost.is_some(),
    }
}

fn note_use(last: &mut BTreeMap<StoredId, StoredTime>, id: StoredId, at: StoredTime) {
    last.entry(id)
        .and_modify(|latest| *latest = at.max(*latest))
        .or_insert(at);
}

bulk! {
    pub(crate) struct RequestRow, RequestColumns of requests, keeping {
        id: StoredId,
        started_at: StoredTime,
        user_id: StoredId,
        key_id: StoredId,
        dialect: String,
        model: String,
        stream: bool,
        status: String,
        http_status: Option<i32>,
        fault: Option<String>,
        latency_us: i64,
        ttft_us: Option<i64>,
        decision: StoredDoc,
        attempts: i32,
        input_tokens: i64,
        cache_read_tokens: i64,
        cache_write_5m_tokens: i64,
        cache_write_1h_tokens: i64,
        output_tokens: i64,
        reasoning_tokens: i64,
        cost_nanos: Option<i64>,
        queued_us: i64,
        marks: Option<i16>,
    }
}

impl RequestRow {
    fn new(record: &RequestRecord, marks: Marks) -> Result<Self, StoreError> {
        let TokenCounts {
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            output,
            reasoning,
        } = record.tokens();
        Ok(Self {
            id: record.id.into(),
            started_at: record.started_at.into(),
            user_id: record.user_id.into(),
            key_id: record.key_id.into(),
            dialect: record.dialect.as_str().to_owned(),
            model: without_nul(&record.model),
            stream: record.stream,
            status: record.status.as_str().to_owned(),
            http_status: record.http_status.map(i32::from),
            fault: record.fault.map(|fault| fault.as_str().to_owned()),
            latency_us: micros(record.latency),
            ttft_us: record.ttft.map(micros),
            decision: StoredDoc::of(&record.decision.as_ref().map(DecisionDoc::from))?,
            attempts: i32::try_from(record.attempts.len()).unwrap_or(i32::MAX),
            input_tokens: count(input),
            cache_read_tokens: count(cache_read),
            cache_write_5m_tokens: count(cache_write_5m),
            cache_write_1h_tokens: count(cache_write_1h),
            output_tokens: count(output),
            reasoning_tokens: count(reasoning),
            cost_nanos: record.cost().map(Nanodollars::as_nanos),
            queued_us: micros(record.queued),
            marks: Some(marks.as_stored()),
        })
    }

    fn used(&self) -> Used {
        Used {
            started_at: self.started_at.into(),
            user_id: self.user_id,
            key_id: self.key_id,
            account_id: None,
            provider: None,
            model: self.model.clone(),
            marks: Marks::from_stored(self.marks.unwrap_or(0)),
            tokens: [
                self.input_tokens,
                self.cache_read_tokens,
                self.cache_write_5m_tokens,
                self.cache_write_1h_tokens,
                self.output_tokens,
                self.reasoning_tokens,
            ],
            cost_nanos: self.cost_nanos,
            latency_us: self.latency_us,
            ttft_us: self.ttft_us,
        }
    }
}

bulk! {
    pub(crate) struct AttemptRow, AttemptColumns of attempts, keeping {
        id: StoredId,
        request_id: StoredId,
        number: i32,
        started_at: StoredTime,
        user_id: StoredId,
        key_id: StoredId,
        account_id: StoredId,
        provider: String,
        model: String,
        upstream_model: String,
        status: String,
        http_status: Option<i32>,
        fault: Option<String>,
        fault_reason: Option<String>,
        input_tokens: i64,
        cache_read_tokens: i64,
        cache_write_5m_tokens: i64,
        cache_write_1h_tokens: i64,
        output_tokens: i64,
        reasoning_tokens: i64,
        web_searches: i64,
        service_tier: Option<String>,
        speed: Option<String>,
        inference_geo: Option<String>,
        usage_source: String,
        cost_nanos: Option<i64>,
        price_version: Option<String>,
        latency_us: i64,
        ttft_us: Option<i64>,
        upstream_request_id: Option<String>,
        upstream_message_id: Option<String>,
        marks: Option<i16>,
    }
}

impl AttemptRow {
    fn new(request: &RequestRecord, attempt: &AttemptRecord, marks: Marks) -> Self {
        let usage = &attempt.usage;
        let TokenCounts {
            input,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            output,
            reasoning,
        } = usage.tokens;
        let text = |text: &Option<String>| text.as_deref().map(without_nul);
        Self {
            id: attempt.id.into(),
            request_id: request.id.into(),
            number: i32::from(attempt.number),
            started_at: attempt.started_at.into(),
            user_id: request.user_id.into(),
            key_id: request.key_id.into(),
            account_id: attempt.account_id.into(),
            provider: attempt.provider.as_str().to_owned(),
            model: without_nul(&request.model),
            upstream_model: without_nul(&attempt.upstream_model),
            status: attempt.status.as_str().to_owned(),
            http_status: attempt.http_status.map(i32::from),
            fault: attempt.fault.map(|fault| fault.as_str().to_owned()),
            fault_reason: text(&attempt.fault_reason),
            input_tokens: count(input),
            cache_read_tokens: count(cache_read),
            cache_write_5m_tokens: count(cache_write_5m),
            cache_write_1h_tokens: count(cache_write_1h),
            output_tokens: count(output),
            reasoning_tokens: count(reasoning),
            web_searches: count(usage.web_searches),
            service_tier: text(&usage.service_tier),
            speed: text(&usage.speed),
            inference_geo: text(&usage.inference_geo),
            usage_source: attempt.usage_source.as_str().to_owned(),
            cost_nanos: attempt.cost.map(Nanodollars::as_nanos),
            price_version: text(&attempt.price_version),
            latency_us: micros(attempt.latency),
            ttft_us: attempt.ttft.map(micros),
            upstream_request_id: text(&attempt.upstream_request_id),
            upstream_message_id: text(&attempt.upstream_message_id),
            marks: Some(marks.as_stored()),
        }
    }

    fn used(&self) -> Used {
        Used {
            started_at: self.started_at.into(),
            user_id: self.user_id,
            key_id: self.key_id,
            account_id: Some(self.account_id),
            provider: Some(self.provider.clone()),
            model: self.model.clone(),
            marks: Marks::from_stored(self.marks.unwrap_or(0)),
            tokens: [
                self.input_tokens,
                self.cache_read_tokens,
                self.cache_write_5m_tokens,
                self.cache_write_1h_tokens,
                self.output_tokens,
                self.reasoning_tokens,
            ],
            cost_nanos: self.cost_nanos,
            latency_us: self.latency_us,
            ttft_us: self.ttft_us,
        }
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
