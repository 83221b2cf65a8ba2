//! The statement that adds usage up.
//!
//! The DSL knows neither UNION ALL in a FROM nor aggregates over it, so the statement is put together here; what callers
//! send is always a bind value. One statement reads all pieces of a range: roll-ups, and rows at its ragged ends.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel_async::RunQueryDsl;
use gateway_auth::Scope;

use super::super::{Conn, Db, bucket_sql, joined_bytes_sql, list_sql, sum_sql};
use super::sums::Sums;
use crate::StoreError;
use crate::cells::{Cube, first_id};
use crate::marks::{Counted, PRICED_BIT, View, bit};
use crate::pieces::{Piece, PieceSource};
use crate::reports::ReportRow;
use crate::types::sql::{Id, Moment};
use crate::types::{StoredId, StoredTime, without_nul};
use crate::usage::{Bucket, GroupBy, Source, UsageFilter};

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

/// What rows may be grouped by, in the order of the result.
const KEYS: [&str; 4] = ["bucket", "group_id", "group_word", "group_day"];

/// What is added up, and how.
pub(super) struct Report {
    parts: Vec<Part>,
    source: Source,
    view: View,
    /// A column for each condition on an id, and the values that it may have.
    ids: Vec<(&'static str, Vec<StoredId>)>,
    /// `column = value` for each condition on a word.
    words: Vec<(&'static str, String)>,
    bucket: Option<Bucket>,
    group_by: Option<GroupBy>,
    cube: Cube,
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
    pub(super) fn new(
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
            cube,
        }
    }

    /// Of nothing but what has one of these ids in `column`.
    pub(super) fn only(mut self, column: &'static str, ids: Vec<StoredId>) -> Self {
        self.ids.push((column, ids));
        self
    }

    /// The `most` dearest rows; of a series, any.
    pub(super) async fn add_up(self, conn: &mut Conn, most: usize) -> Result<Vec<ReportRow>, StoreError> {
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
        for (column, name) in self.cell_columns() {
            out.push_sql(&format!("{column} AS {name}, "));
        }
        out.push_sql(
            "latencies, ttfts, CAST(NULL AS BIGINT) AS latency_us, CAST(NULL AS BIGINT) AS ttft_us ",
        );
        self.walk_range(from, to, out)
    }

    /// The cells as they are, as [`Self::push_sums`] names what it adds up.
    fn walk_points<'b>(
        &'b self,
        from: &'b StoredId,
        to: &'b StoredId,
        out: &mut AstPass<'_, 'b, Db>,
    ) -> QueryResult<()> {
        out.push_sql("SELECT ");
        for name in KEYS {
            let column = match self.group() {
                _ if name == "bucket" => "starts_at",
                Some((group, column)) if group == name => column,
                _ => "NULL",
            };
            out.push_sql(&format!("{column}, "));
        }
        for (column, name) in self.cell_columns() {
            out.push_sql(&format!("{column} AS total_{name}, "));
        }
        out.push_sql("latencies, ttfts, CAST(NULL AS TEXT), CAST(NULL AS TEXT) ");
        self.walk_range(from, to, out)
    }

    /// The columns of cells that have the numbers of this view, and the numbers' names.
    fn cell_columns(&self) -> impl Iterator<Item = (String, &'static str)> {
        let of_view = match (self.source, self.view) {
            (Source::Requests, _) | (_, View::Request) => "",
            (Source::Attempts, View::Provider) => "provider_",
            (Source::Attempts, View::Account) => "account_",
        };
        SUMS.into_iter().enumerate().map(move |(place, name)| {
            let of_view = if place < 3 { of_view } else { "" };
            (format!("{of_view}{name}"), name)
        })
    }

    fn walk_range<'b>(
        &'b self,
        from: &'b StoredId,
        to: &'b StoredId,
        out: &mut AstPass<'_, 'b, Db>,
    ) -> QueryResult<()> {
        out.push_sql("FROM usage_rollups WHERE id >= ");
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

    /// Whether each cell is a point of the series by itself, so that there is nothing to add up.
    fn cells_are_points(&self) -> bool {
        let is_told = |column| {
            let grouped = self.group().is_some_and(|(_, grouped)| grouped == column);
            grouped
                || self
                    .ids
                    .iter()
                    .any(|(told, values)| *told == column && values.len() == 1)
                || self.words.iter().any(|(told, _)| *told == column)
        };
        // Hours end where rows begin, so that no hour is in two parts.
        self.bucket == Some(Bucket::Hour)
            && self.group_by != Some(GroupBy::Day)
            && match self.cube {
                Cube::Requests => true,
                Cube::Models => is_told("model"),
                // A key's user is always the same.
                Cube::Keys => is_told("key_id"),
                Cube::KeyModels => is_told("key_id") && is_told("model"),
                Cube::Accounts | Cube::KeyAccounts => false,
            }
    }

    fn walk_summed<'b>(&'b self, parts: &[&'b Part], out: &mut AstPass<'_, 'b, Db>) -> QueryResult<()> {
        self.push_sums(out);
        let mut separator = " FROM (";
        for part in parts {
            out.push_sql(std::mem::replace(&mut separator, " UNION ALL "));
            match part {
                Part::Rows { from, to } => self.walk_rows(from, to, out)?,
                Part::Cells { from, to } => self.walk_cells(from, to, out)?,
            }
        }
        out.push_sql(") AS used");
        let keys = self.keys().join(", ");
        if !keys.is_empty() {
            out.push_sql(&format!(" GROUP BY {keys}"));
        }
        Ok(())
    }

    fn push_sums(&self, out: &mut AstPass<'_, '_, Db>) {
        let keys = self.keys();
        out.push_sql("SELECT ");
        for name in KEYS {
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
        let are_points = report.cells_are_points();
        let (points, summed): (Vec<&Part>, Vec<&Part>) = report
            .parts
            .iter()
            .partition(|part| are_points && matches!(part, Part::Cells { .. }));
        let mut separator = "";
        if !summed.is_empty() {
            report.walk_summed(&summed, &mut out)?;
            separator = " UNION ALL ";
        }
        for part in points {
            if let Part::Cells { from, to } = part {
                out.push_sql(std::mem::replace(&mut separator, " UNION ALL "));
                report.walk_points(from, to, &mut out)?;
            }
        }
        // The points of a series are put in order anyway, and there are many of them.
        if report.bucket.is_none() {
            out.push_sql(" ORDER BY total_cost_nanos DESC, total_requests DESC");
        }
        out.push_sql(&format!(" LIMIT {}", self.most));
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
