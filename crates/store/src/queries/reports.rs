//! Sums and percentiles over usage.
//!
//! The DSL knows neither common table expressions nor windows over them, so the statement is put together here; what
//! callers send is always a bind value.

use std::time::Duration;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use gateway_auth::Scope;
use gateway_domain::{Nanodollars, Timestamp, TokenCounts};

use super::{Conn, Db, bucket_sql};
use crate::StoreError;
use crate::reports::ReportRow;
use crate::types::sql::{Id, Moment};
use crate::types::{StoredId, StoredTime, uncount, without_nul};
use crate::usage::{Bucket, Group, GroupBy, Source, Totals, UsageFilter};

/// Adds up what `filter` names by bucket and group, and returns the dearest `most` rows.
pub(crate) async fn add_up(
    conn: &mut Conn,
    filter: UsageFilter,
    source: Source,
    bucket: Option<Bucket>,
    group_by: Option<GroupBy>,
    most: usize,
) -> Result<Vec<ReportRow>, StoreError> {
    let rows = Report::new(&filter, source, bucket, group_by, most)
        .load::<Sums>(conn)
        .await?;
    Ok(rows.into_iter().map(|sums| sums.into_row(group_by)).collect())
}

struct Report {
    from: StoredTime,
    to: StoredTime,
    /// `column = value` for each condition on an id.
    ids: Vec<(&'static str, StoredId)>,
    /// The same for each condition on a word.
    words: Vec<(&'static str, String)>,
    bucket: Option<String>,
    group: Option<GroupColumn>,
    most: usize,
    source: Source,
}

/// What the rows are grouped by: the name that the result gives it, and the expression.
struct GroupColumn {
    name: &'static str,
    sql: String,
}

impl Report {
    fn new(
        filter: &UsageFilter,
        source: Source,
        bucket: Option<Bucket>,
        group_by: Option<GroupBy>,
        most: usize,
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
        let start_of = |width: Duration| bucket_sql("started_at", width);
        Self {
            from: filter.from.into(),
            to: filter.to.into(),
            ids: ids.into_iter().flatten().collect(),
            words: words.into_iter().flatten().collect(),
            bucket: bucket.map(|bucket| start_of(bucket.width())),
            group: group_by.map(|by| match by {
                GroupBy::Model => GroupColumn {
                    name: "group_word",
                    sql: "model".to_owned(),
                },
                GroupBy::Provider => GroupColumn {
                    name: "group_word",
                    sql: "provider".to_owned(),
                },
                GroupBy::Key => GroupColumn {
                    name: "group_id",
                    sql: "key_id".to_owned(),
                },
                GroupBy::User => GroupColumn {
                    name: "group_id",
                    sql: "user_id".to_owned(),
                },
                GroupBy::Account => GroupColumn {
                    name: "group_id",
                    sql: "account_id".to_owned(),
                },
                GroupBy::Day => GroupColumn {
                    name: "group_day",
                    sql: start_of(Bucket::Day.width()),
                },
            }),
            most,
            source,
        }
    }

    /// The columns that rows are grouped by, as the result names them.
    fn keys(&self) -> Vec<&'static str> {
        let bucket = self.bucket.as_ref().map(|_| "bucket");
        bucket
            .into_iter()
            .chain(self.group.as_ref().map(|group| group.name))
            .collect()
    }

    /// The rows that `filter` names, with what is added up.
    fn walk_used<'b>(&'b self, out: &mut AstPass<'_, 'b, Db>) -> QueryResult<()> {
        out.push_sql("WITH used AS (SELECT ");
        for (sql, name) in self
            .bucket
            .iter()
            .map(|sql| (sql, "bucket"))
            .chain(self.group.iter().map(|group| (&group.sql, group.name)))
        {
            out.push_sql(sql);
            out.push_sql(" AS ");
            out.push_sql(name);
            out.push_sql(", ");
        }
        out.push_sql(match self.source {
            Source::Attempts => "request_id, ",
            Source::Requests => "id AS request_id, ",
        });
        out.push_sql(
            "status IN ('error', 'interrupted') AS failed, latency_us, ttft_us, cost_nanos, input_tokens, \
             cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens FROM ",
        );
        out.push_sql(match self.source {
            Source::Attempts => "attempts",
            Source::Requests => "requests",
        });
        out.push_sql(" WHERE started_at >= ");
        out.push_bind_param::<Moment, _>(&self.from)?;
        out.push_sql(" AND started_at < ");
        out.push_bind_param::<Moment, _>(&self.to)?;
        for (column, id) in &self.ids {
            out.push_sql(" AND ");
            out.push_sql(column);
            out.push_sql(" = ");
            out.push_bind_param::<Id, _>(id)?;
        }
        for (column, word) in &self.words {
            out.push_sql(" AND ");
            out.push_sql(column);
            out.push_sql(" = ");
            out.push_bind_param::<Text, _>(word)?;
        }
        out.push_sql(")");
        Ok(())
    }

    /// The same rows, each with its rank by latency and by time to first content.
    fn push_ranked(&self, out: &mut AstPass<'_, '_, Db>) {
        let keys = self.keys().join(", ");
        let partition = if keys.is_empty() {
            String::new()
        } else {
            format!("PARTITION BY {keys}")
        };
        // The databases disagree on where NULL sorts, hence the explicit order.
        out.push_sql(&format!(
            ", ranked AS (SELECT used.*, \
             ROW_NUMBER() OVER ({partition} ORDER BY latency_us) AS latency_rank, \
             COUNT(*) OVER ({partition}) AS latency_count, \
             ROW_NUMBER() OVER ({partition} ORDER BY ttft_us IS NULL, ttft_us) AS ttft_rank, \
             COUNT(ttft_us) OVER ({partition}) AS ttft_count FROM used)",
        ));
    }

    fn push_sums(&self, out: &mut AstPass<'_, '_, Db>) {
        let keys = self.keys();
        out.push_sql(" SELECT ");
        for name in ["bucket", "group_id", "group_word", "group_day"] {
            out.push_sql(if keys.contains(&name) { name } else { "NULL" });
            out.push_sql(", ");
        }
        out.push_sql(match self.source {
            Source::Attempts => {
                "COUNT(DISTINCT request_id) AS requests, COUNT(DISTINCT CASE WHEN failed THEN request_id END)"
            }
            Source::Requests => "COUNT(*) AS requests, COUNT(CASE WHEN failed THEN 1 END)",
        });
        for column in [
            "input_tokens",
            "cache_read_tokens",
            "cache_write_5m_tokens",
            "cache_write_1h_tokens",
            "output_tokens",
            "reasoning_tokens",
        ] {
            out.push_sql(&format!(", CAST(COALESCE(SUM({column}), 0) AS BIGINT)"));
        }
        out.push_sql(", CAST(COALESCE(SUM(cost_nanos), 0) AS BIGINT) AS cost");
        for (column, rank, count, percent) in [
            ("latency_us", "latency_rank", "latency_count", 50),
            ("latency_us", "latency_rank", "latency_count", 95),
            ("ttft_us", "ttft_rank", "ttft_count", 50),
            ("ttft_us", "ttft_rank", "ttft_count", 95),
        ] {
            // The nearest rank: the first value that so many in a hundred do not exceed.
            out.push_sql(&format!(
                ", MIN(CASE WHEN {rank} * 100 >= {count} * {percent} THEN {column} END)"
            ));
        }
        out.push_sql(" FROM ranked");
        if !keys.is_empty() {
            out.push_sql(&format!(" GROUP BY {}", keys.join(", ")));
        }
        out.push_sql(&format!(" ORDER BY cost DESC, requests DESC LIMIT {}", self.most));
    }
}

impl QueryFragment<Db> for Report {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        self.walk_used(&mut out)?;
        self.push_ranked(&mut out);
        self.push_sums(&mut out);
        Ok(())
    }
}

impl QueryId for Report {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Report {
    type SqlType = (
        Nullable<Moment>,
        Nullable<Id>,
        Nullable<Text>,
        Nullable<Moment>,
        (
            BigInt,
            BigInt,
            BigInt,
            BigInt,
            BigInt,
            BigInt,
            BigInt,
            BigInt,
            BigInt,
        ),
        (
            Nullable<BigInt>,
            Nullable<BigInt>,
            Nullable<BigInt>,
            Nullable<BigInt>,
        ),
    );
}

#[derive(Queryable)]
struct Sums {
    bucket: Option<StoredTime>,
    group_id: Option<StoredId>,
    group_word: Option<String>,
    group_day: Option<StoredTime>,
    sums: (i64, i64, i64, i64, i64, i64, i64, i64, i64),
    percentiles: (Option<i64>, Option<i64>, Option<i64>, Option<i64>),
}

impl Sums {
    fn into_row(self, group_by: Option<GroupBy>) -> ReportRow {
        let group = group_by.and_then(|by| match by {
            GroupBy::Model => self.group_word.map(Group::Model),
            GroupBy::Provider => self.group_word.map(Group::Provider),
            GroupBy::Key => self.group_id.map(|id| Group::Key(id.into())),
            GroupBy::User => self.group_id.map(|id| Group::User(id.into())),
            GroupBy::Account => self.group_id.map(|id| Group::Account(id.into())),
            GroupBy::Day => self.group_day.map(|day| Group::Day(day.into())),
        });
        let (requests, errors, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, cost) =
            self.sums;
        let (latency_p50, latency_p95, ttft_p50, ttft_p95) = self.percentiles;
        let time = |micros: i64| Duration::from_micros(uncount(micros));
        let totals = Totals {
            requests: uncount(requests),
            errors: uncount(errors),
            tokens: TokenCounts {
                input: uncount(input),
                cache_read: uncount(cache_read),
                cache_write_5m: uncount(cache_write_5m),
                cache_write_1h: uncount(cache_write_1h),
                output: uncount(output),
                reasoning: uncount(reasoning),
            },
            cost: Nanodollars::from_nanos(cost),
            latency_p50: latency_p50.map(time),
            latency_p95: latency_p95.map(time),
            ttft_p50: ttft_p50.map(time),
            ttft_p95: ttft_p95.map(time),
        };
        ReportRow {
            time: self.bucket.map(Timestamp::from),
            group,
            totals,
        }
    }
}
