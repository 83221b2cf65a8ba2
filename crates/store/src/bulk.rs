//! Rows that are written by the hundred, and how each database takes them with the least work.
//!
//! Both ways have few texts, so that each is prepared once. A statement with as many value lists as there happen to be
//! rows is another one each time, and preparing it costs as much as half of the writing.

use std::marker::PhantomData;

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};

use crate::types::{StoredId, sql};

/// A row that can be written together with others.
pub(crate) trait Bulk: Sized + 'static {
    /// The beginning of the statement, up to the columns' names.
    const INSERT: &'static str;

    /// The end of the statement: what becomes of rows that are there already, and the ids of those that were written.
    const CONFLICT: &'static str;

    /// For PostgreSQL: the rows as one array a column, which `UNNEST` takes apart again.
    type Columns;

    fn columns(rows: Vec<Self>) -> Self::Columns;

    /// For SQLite: the row as one list of values.
    fn push_values<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()>;
}

/// Declares a row of a table with its two ways into it: `keeping` what is there already, or `replacing` it.
macro_rules! bulk {
    ($vis:vis struct $row:ident, $columns:ident of $table:ident, $conflict:ident { $($field:ident: $type:ty,)+ }) => {
        #[derive(Debug, Clone, diesel::Queryable, diesel::Selectable)]
        #[diesel(table_name = $table, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
        $vis struct $row {
            $($vis $field: $type,)+
        }

        #[derive(Default)]
        $vis struct $columns {
            $($field: Vec<$type>,)+
        }

        impl crate::bulk::Bulk for $row {
            const INSERT: &'static str =
                concat!("INSERT INTO ", stringify!($table), " (", bulk!(@names $($field)+), ") ");

            const CONFLICT: &'static str = bulk!(@$conflict $($field)+);

            type Columns = $columns;

            fn columns(rows: Vec<Self>) -> $columns {
                let mut columns = $columns::default();
                $(columns.$field.reserve_exact(rows.len());)+
                for row in rows {
                    $(columns.$field.push(row.$field);)+
                }
                columns
            }

            fn push_values<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                let mut separator = "(";
                $(
                    out.push_sql(std::mem::replace(&mut separator, ", "));
                    out.push_bind_param::<diesel::dsl::SqlTypeOf<$table::$field>, _>(&self.$field)?;
                )+
                out.push_sql(")");
                Ok(())
            }
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $columns {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                out.push_sql(<$row as crate::bulk::Bulk>::INSERT);
                let mut separator = "SELECT * FROM UNNEST(";
                $(
                    out.push_sql(std::mem::replace(&mut separator, ", "));
                    out.push_bind_param::<
                        diesel::sql_types::Array<diesel::dsl::SqlTypeOf<$table::$field>>,
                        _,
                    >(&self.$field)?;
                )+
                out.push_sql(")");
                out.push_sql(<$row as crate::bulk::Bulk>::CONFLICT);
                Ok(())
            }
        }

        impl diesel::query_builder::Query for $columns {
            type SqlType = crate::types::sql::Id;
        }

        impl diesel::query_builder::QueryId for $columns {
            type QueryId = Self;

            const HAS_STATIC_QUERY_ID: bool = true;
        }
    };
    (@names $first:ident $($other:ident)*) => {
        concat!(stringify!($first) $(, ", ", stringify!($other))*)
    };
    (@keeping $($field:ident)+) => {
        " ON CONFLICT DO NOTHING RETURNING id"
    };
    (@replacing $first:ident $($other:ident)*) => {
        concat!(
            " ON CONFLICT (id) DO UPDATE SET ", stringify!($first), " = excluded.", stringify!($first)
            $(, ", ", stringify!($other), " = excluded.", stringify!($other))*,
            " RETURNING id"
        )
    };
}
pub(crate) use bulk;

/// Writes `rows`, and returns the ids of those that were written.
pub(crate) fn write_to_sqlite<R: Bulk>(
    conn: &mut SqliteConnection,
    mut rows: Vec<R>,
) -> QueryResult<Vec<StoredId>> {
    let mut written = Vec::new();
    while !rows.is_empty() {
        let ids: Vec<StoredId> = match rows.len() {
            64.. => Values::<R, 64>::last_of(&mut rows).load(conn)?,
            8.. => Values::<R, 8>::last_of(&mut rows).load(conn)?,
            _ => Values::<R, 1>::last_of(&mut rows).load(conn)?,
        };
        written.extend(ids);
    }
    Ok(written)
}

/// An INSERT of `N` rows, one list of values after the other.
struct Values<R, const N: usize> {
    // Invariant: `N` of them.
    rows: Vec<R>,
    text: PhantomData<[R; N]>,
}

impl<R, const N: usize> Values<R, N> {
    /// Takes the last `N` of `rows`, of which there must be so many.
    fn last_of(rows: &mut Vec<R>) -> Self {
        Self {
            rows: rows.split_off(rows.len() - N),
            text: PhantomData,
        }
    }
}

impl<R: Bulk, const N: usize> QueryFragment<Sqlite> for Values<R, N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(R::INSERT);
        let mut separator = "VALUES ";
        for row in &self.rows {
            out.push_sql(std::mem::replace(&mut separator, ", "));
            row.push_values(out.reborrow())?;
        }
        out.push_sql(R::CONFLICT);
        Ok(())
    }
}

impl<R: Bulk, const N: usize> Query for Values<R, N> {
    type SqlType = sql::Id;
}

impl<R: Bulk, const N: usize> QueryId for Values<R, N> {
    type QueryId = Self;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<R, const N: usize> RunQueryDsl<SqliteConnection> for Values<R, N> {}
