use std::time::Duration;

use diesel::prelude::*;
use gateway_domain::{Nanodollars, Timestamp, TokenCounts};
use gateway_metering::Sketch;

use crate::StoreError;
use crate::reports::ReportRow;
use crate::types::{StoredId, StoredTime, uncount};
use crate::usage::{Group, GroupBy, Totals};

/// A row of the result.
#[derive(Queryable)]
pub(super) struct Sums {
    bucket: Option<StoredTime>,
    group_id: Option<StoredId>,
    group_word: Option<String>,
    group_day: Option<StoredTime>,
    counts: (i64, i64, i64, i64),
    tokens: (i64, i64, i64, i64, i64, i64),
    cost_nanos: i64,
    /// Encoded, of roll-ups.
    sketches: (Option<Vec<u8>>, Option<Vec<u8>>),
    /// Microseconds with commas between, of rows.
    durations: (Option<String>, Option<String>),
}

impl Sums {
    pub(super) fn into_row(self, group_by: Option<GroupBy>) -> Result<ReportRow, StoreError> {
        let group = group_by.and_then(|by| match by {
            GroupBy::Model => self.group_word.map(Group::Model),
            GroupBy::Provider => self.group_word.map(Group::Provider),
            GroupBy::Key => self.group_id.map(|id| Group::Key(id.into())),
            GroupBy::User => self.group_id.map(|id| Group::User(id.into())),
            GroupBy::Account => self.group_id.map(|id| Group::Account(id.into())),
            GroupBy::Day => self.group_day.map(|day| Group::Day(day.into())),
        });
        let (requests, errors, unpriced, priced) = self.counts;
        let (input, cache_read, cache_write_5m, cache_write_1h, output, reasoning) = self.tokens;
        let tokens = TokenCounts {
            input: uncount(input),
            cache_read: uncount(cache_read),
            cache_write_5m: uncount(cache_write_5m),
            cache_write_1h: uncount(cache_write_1h),
            output: uncount(output),
            reasoning: uncount(reasoning),
        };
        let was_used = tokens.total() > 0 || unpriced > 0;
        let latency = sketch(self.sketches.0.as_deref(), self.durations.0.as_deref())?;
        let ttft = sketch(self.sketches.1.as_deref(), self.durations.1.as_deref())?;
        let totals = Totals {
            requests: uncount(requests),
            errors: uncount(errors),
            tokens,
            unpriced_requests: uncount(unpriced),
            cost: (priced > 0 || !was_used).then(|| Nanodollars::from_nanos(self.cost_nanos)),
            latency_p50: latency.percentile(50),
            latency_p95: latency.percentile(95),
            ttft_p50: ttft.percentile(50),
            ttft_p95: ttft.percentile(95),
        };
        Ok(ReportRow {
            time: self.bucket.map(Timestamp::from),
            group,
            totals,
        })
    }
}

/// The durations of roll-ups and of rows together.
fn sketch(encoded: Option<&[u8]>, listed: Option<&str>) -> Result<Sketch, StoreError> {
    let mut sketch = Sketch::decode(encoded.unwrap_or_default()).map_err(StoreError::other)?;
    for micros in listed.into_iter().flat_map(|listed| listed.split(',')) {
        let micros: i64 = micros.parse().map_err(StoreError::other)?;
        sketch.add(Duration::from_micros(uncount(micros)));
    }
    Ok(sketch)
}
