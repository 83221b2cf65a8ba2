//! Sums and percentiles over usage.
//!
//! The DSL knows neither UNION ALL in a FROM nor aggregates over it, so the statement is put together here; what callers
//! send is always a bind value. One statement reads all pieces of a range: roll-ups, and rows at its ragged ends.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel_async::RunQueryDsl;
use gateway_auth::Scope;
use gateway_domain::{Nanodollars, Timestamp, TokenCounts};
use gateway_metering::Sketch;

use super::{Conn, Db, bucket_sql, joined_bytes_sql, list_sql, rollups, sum_sql};
use crate::StoreError;
use crate::cells::{Cube, first_id};
use crate::marks::{Counted, PRICED_BIT, View, bit};
use crate::pieces::{Piece, PieceSource, Range};
use crate::reports::{MOST_GROUPS, MOST_POINTS, ReportRow};
use crate::types::sql::{Id, Moment};
use crate::types::{StoredId, StoredTime, uncount, without_nul};
use crate::usage::{Bucket, Group, GroupBy, Source, Totals, UsageFilter};

/// The dearest groups, and the sums of everything.
pub(crate) async fn summary(
    conn: &mut Conn,
    filter: UsageFilter,
    group_by: Option<GroupBy>,
    now: Timestamp,
) -> Result<(Vec<ReportRow>, Totals), StoreError> {
    read_tx!(conn, {
        let source = Source::of(&filter, group_by);
        let pieces = pieces(conn, &filter, now, Bucket::Day).await?;
        let mut groups = Vec::new();
        if group_by.is_some() {
            let report = Report::new(&filter, source, &pieces, None, group_by);
            groups = report.add_up(conn, MOST_GROUPS).await?;
        }
        let totals = Report::new(&filter, source, &pieces, None, None);
        let totals = totals.add_up(conn, 1).await?.into_iter().next();
        Ok((groups, totals.map(|row| row.totals).unwrap_or_default()))
    })
}

/// The sums of each step and group, in no order.
pub(crate) async fn timeseries(
    conn: &mut Conn,
    filter: UsageFilter,
    bucket: Bucket,
    group_by: Option<GroupBy>,
    now: Timestamp,
) -> Result<Vec<ReportRow>, StoreError> {
    read_tx!(conn, {
        let source = Source::of(&filter, group_by);
        let pieces = pieces(conn, &filter, now, bucket).await?;
        let report = Report::new(&filter, source, &pieces, Some(bucket), group_by);
        report.add_up(conn, MOST_POINTS + 1).await
    })
}

/// What each of these keys, users or accounts, by which `by` groups, has cost from a moment on; nothing for those that have
/// no usage.
pub(crate) async fn spent(
    conn: &mut Conn,
    by: GroupBy,
    asked: Vec<StoredId>,
    from: Timestamp,
    now: Timestamp,
) -> Result<BTreeMap<StoredId, Nanodollars>, StoreError> {
    let end = Timestamp::from_micros(i64::MAX);
    let filter = UsageFilter::between(Scope::Everyone, from, end);
    let pieces = pieces(conn, &filter, now, Bucket::Day).await?;
    let (source, column) = match by {
        GroupBy::Account => (Source::Attempts, "account_id"),
        GroupBy::User => (Source::Requests, "user_id"),
        _ => (Source::Requests, "key_id"),
    };
    let most = asked.len();
    let report = Report {
        ids: vec![(column, asked)],
        ..Report::new(&filter, source, &pieces, None, Some(by))
    };
    let rows = report.add_up(conn, most).await?.into_iter().filter_map(|row| {
        let id = match row.group? {
            Group::Key(id) => id.into(),
            Group::User(id) => id.into(),
            Group::Account(id) => id.into(),
            _ => return None,
        };
        Some((id, row.totals.cost.unwrap_or_default()))
    });
    Ok(rows.collect())
}

/// What the range of `filter` is put together from.
async fn pieces(
    conn: &mut Conn,
    filter: &UsageFilter,
    now: Timestamp,
    finest: Bucket,
) -> Result<Vec<Piece>, StoreError> {
    let range = Range {
        from: filter.from,
        to: filter.to,
        now,
        rows_from: rollups::rows_from(conn).await?,
    };
    Ok(range.pieces(finest))
}

/// The numbers that are added up, by the names that both sources give them.
const SUMS: [&str; 11] = [
    "requests",
    "errors",
    "unpriced",
    "priced",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nanos",
];

struct Report {
    parts: Vec<Part>,
    source: Source,
    view: View,
    /// A column for each condition on an id, and the values that it may have.
    ids: Vec<(&'static str, Vec<StoredId>)>,
    /// `column = value` for each condition on a word.
    words: Vec<(&'static str, String)>,
    bucket: Option<Bucket>,
    group_by: Option<GroupBy>,
}

/// A piece of the range, as a condition on rows or on cells.
#[derive(Debug, Clone, Copy)]
enum Part {
    Rows { from: StoredTime, to: StoredTime },
    Cells { from: StoredId, to: StoredId },
}

impl Part {
    fn new(piece: Piece, cube: Cube) -> Self {
        match piece.source {
            PieceSource::Rows => Self::Rows {
                from: piece.from.into(),
                to: piece.to.into(),
            },
            PieceSource::Cells(span) => Self::Cells {
                from: first_id(cube, span, piece.from),
                to: first_id(cube, span, piece.to),
            },
        }
    }
}

impl Report {
    fn new(
        filter: &UsageFilter,
        source: Source,
        pieces: &[Piece],
        bucket: Option<Bucket>,
        group_by: Option<GroupBy>,
    ) -> Self {
        let of_scope = match filter.scope {
            Scope::Everyone => None,
            Scope::Only(user) => Some(("user_id", StoredId::from(user))),
        };
        let ids = [
            of_scope,
            filter.user_id.map(|id| ("user_id", id.into())),
            filter.key_id.map(|id| ("key_id", id.into())),
            filter.account_id.map(|id| ("account_id", id.into())),
        ];
        let words = [
            filter
                .provider
                .map(|provider| ("provider", provider.as_str().to_owned())),
            filter.model.as_deref().map(|model| ("model", without_nul(model))),
        ];
        let cube = Cube::of(source, filter, group_by);
        Self {
            parts: pieces.iter().map(|piece| Part::new(*piece, cube)).collect(),
            source,
            view: View::of(filter, group_by),
            ids: ids
                .into_iter()
                .flatten()
                .map(|(column, id)| (column, vec![id]))
                .collect(),
            words: words.into_iter().flatten().collect(),
            bucket,
            group_by,
        }
    }

    /// The `most` dearest rows.
    async fn add_up(self, conn: &mut Conn, most: usize) -> Result<Vec<ReportRow>, StoreError> {
        if self.parts.is_empty() {
            return Ok(Vec::new());
        }
        let group_by = self.group_by;
        let statement = Statement { report: self, most };
        let rows = statement.load::<Sums>(conn).await?;
        rows.into_iter().map(|sums| sums.into_row(group_by)).collect()
    }

    /// What the rows are grouped by: the name that the result gives it, and the column.
    fn group(&self) -> Option<(&'static str, &'static str)> {
        self.group_by.map(|by| match by {
            GroupBy::Model => ("group_word", "model"),
            GroupBy::Provider => ("group_word", "provider"),
            GroupBy::Key => ("group_id", "key_id"),
            GroupBy::User => ("group_id", "user_id"),
            GroupBy::Account => ("group_id", "account_id"),
            GroupBy::Day => ("group_day", "time"),
        })
    }

    /// The columns that rows are grouped by, as the result names them.
    fn keys(&self) -> Vec<&'static str> {
        let bucket = self.bucket.map(|_| "bucket");
        bucket
            .into_iter()
            .chain(self.group().map(|(name, _)| name))
            .collect()
    }

    /// `SELECT bucket, group`, of rows whose time is in the column `time`.
    fn push_keys(&self, time: &str, out: &mut AstPass<'_, '_, Db>) {
        out.push_sql("SELECT ");
        if let Some(bucket) = self.bucket {
            out.push_sql(&format!("{} AS bucket, ", bucket_sql(time, bucket.width())));
        }
        match self.group() {
            None => {}
            Some((name, "time")) => {
                out.push_sql(&format!("{} AS {name}, ", bucket_sql(time, Bucket::Day.width())));
            }
            Some((name, column)) => out.push_sql(&format!("{column} AS {name}, ")),
        }
    }

    fn walk_cells<'b>(
        &'b self,
        from: &'b StoredId,
        to: &'b StoredId,
        out: &mut AstPass<'_, 'b, Db>,
    ) -> QueryResult<()> {
        self.push_keys("starts_at", out);
        let of_view = match (self.source, self.view) {
            (Source::Requests, _) | (_, View::Request) => "",
            (Source::Attempts, View::Provider) => "provider_",
            (Source::Attempts, View::Account) => "account_",
        };
        for (place, name) in SUMS.into_iter().enumerate() {
            let column = if place < 3 { of_view } else { "" };
            out.push_sql(&format!("{column}{name} AS {name}, "));
        }
        out.push_sql(
            "latencies, ttfts, CAST(NULL AS BIGINT) AS latency_us, CAST(NULL AS BIGINT) AS ttft_us \
             FROM usage_rollups WHERE id >= ",
        );
        out.push_bind_param::<Id, _>(from)?;
        out.push_sql(" AND id < ");
        out.push_bind_param::<Id, _>(to)?;
        self.walk_conditions(out)
    }

    fn walk_rows<'b>(
        &'b self,
        from: &'b StoredTime,
        to: &'b StoredTime,
        out: &mut AstPass<'_, 'b, Db>,
    ) -> QueryResult<()> {
        self.push_keys("started_at", out);
        let (table, view) = match self.source {
            Source::Requests => ("requests", View::Request),
            Source::Attempts => ("attempts", self.view),
        };
        for (place, name) in SUMS.into_iter().enumerate() {
            let bit = match place {
                0 => bit(view, Counted::All),
                1 => bit(view, Counted::Failed),
                2 => bit(view, Counted::Unpriced),
                3 => PRICED_BIT,
                _ => {
                    out.push_sql(&format!("{name}, "));
                    continue;
                }
            };
            out.push_sql(&format!("(marks >> {bit}) & 1 AS {name}, "));
        }
        out.push_sql(&format!(
            "CAST(NULL AS BYTEA) AS latencies, CAST(NULL AS BYTEA) AS ttfts, latency_us, ttft_us FROM {table} \
             WHERE started_at >= "
        ));
        out.push_bind_param::<Moment, _>(from)?;
        out.push_sql(" AND started_at < ");
        out.push_bind_param::<Moment, _>(to)?;
        self.walk_conditions(out)
    }

    fn walk_conditions<'b>(&'b self, out: &mut AstPass<'_, 'b, Db>) -> QueryResult<()> {
        for (column, values) in &self.ids {
            out.push_sql(" AND ");
            out.push_sql(column);
            let mut separator = " IN (";
            for value in values {
                out.push_sql(std::mem::replace(&mut separator, ", "));
                out.push_bind_param::<Id, _>(value)?;
            }
            out.push_sql(")");
        }
        for (column, word) in &self.words {
            out.push_sql(" AND ");
            out.push_sql(column);
            out.push_sql(" = ");
            out.push_bind_param::<Text, _>(word)?;
        }
        Ok(())
    }

    fn push_sums(&self, out: &mut AstPass<'_, '_, Db>) {
        let keys = self.keys();
        out.push_sql("SELECT ");
        for name in ["bucket", "group_id", "group_word", "group_day"] {
            out.push_sql(if keys.contains(&name) { name } else { "NULL" });
            out.push_sql(", ");
        }
        for name in SUMS {
            out.push_sql(&format!("{} AS total_{name}, ", sum_sql(name)));
        }
        let lists = [
            joined_bytes_sql("latencies"),
            joined_bytes_sql("ttfts"),
            list_sql("latency_us"),
            list_sql("ttft_us"),
        ];
        out.push_sql(&lists.join(", "));
    }
}

/// The statement that adds a report up.
struct Statement {
    report: Report,
    most: usize,
}

impl QueryFragment<Db> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        let report = &self.report;
        report.push_sums(&mut out);
        let mut separator = " FROM (";
        for part in &report.parts {
            out.push_sql(std::mem::replace(&mut separator, " UNION ALL "));
            match part {
                Part::Rows { from, to } => report.walk_rows(from, to, &mut out)?,
                Part::Cells { from, to } => report.walk_cells(from, to, &mut out)?,
            }
        }
        out.push_sql(") AS used");
        let keys = report.keys().join(", ");
        if !keys.is_empty() {
            out.push_sql(&format!(" GROUP BY {keys}"));
        }
        out.push_sql(&format!(
            " ORDER BY total_cost_nanos DESC, total_requests DESC LIMIT {}",
            self.most
        ));
        Ok(())
    }
}

impl QueryId for Statement {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = (
        Nullable<Moment>,
        Nullable<Id>,
        Nullable<Text>,
        Nullable<Moment>,
        (BigInt, BigInt, BigInt, BigInt),
        (BigInt, BigInt, BigInt, BigInt, BigInt, BigInt),
        BigInt,
        (Nullable<Binary>, Nullable<Binary>),
        (Nullable<Text>, Nullable<Text>),
    );
}

#[derive(Queryable)]
struct Sums {
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
    fn into_row(self, group_by: Option<GroupBy>) -> Result<ReportRow, StoreError> {
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
