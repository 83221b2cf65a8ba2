use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Integer};
use diesel_async::RunQueryDsl;
use gateway_auth::Scope;
use gateway_domain::Nanodollars;

use super::{Conn, Db};
use crate::StoreError;
use crate::keys::KeyRow;
use crate::schema::api_keys;
use crate::scope::owner;
use crate::spending::{KeySpan, Spending};
use crate::types::sql::{Id, Moment};
use crate::types::{StoredId, StoredTime};

pub(crate) async fn spending(conn: &mut Conn, spans: Vec<KeySpan>) -> Result<Vec<Spending>, StoreError> {
    let mut all = vec![Spending::default(); spans.len()];
    if spans.is_empty() {
        return Ok(all);
    }
    let rows = SpendingOf::new(&spans).load::<(i32, i64, i64)>(conn).await?;
    for (place, period, recent) in rows {
        let spending = usize::try_from(place).ok().and_then(|place| all.get_mut(place));
        if let Some(spending) = spending {
            *spending = Spending {
                period: Nanodollars::from_nanos(period),
                recent: Nanodollars::from_nanos(recent),
            };
        }
    }
    Ok(all)
}

pub(crate) async fn budgeted_keys(conn: &mut Conn, scope: Scope) -> Result<Vec<KeyRow>, StoreError> {
    let (mine, everyones) = owner(scope);
    Ok(api_keys::table
        .filter(api_keys::user_id.eq(mine).or(everyones.into_sql::<Bool>()))
        .filter(api_keys::budget_nanos.is_not_null())
        .filter(api_keys::is_active)
        .order(api_keys::id)
        .select(KeyRow::as_select())
        .load(conn)
        .await?)
}

/// Adds up what several keys have spent since two moments of their own, in one statement.
///
/// The DSL knows no lists of values that rows are looked up by.
struct SpendingOf {
    spans: Vec<(i32, StoredId, StoredTime, StoredTime)>,
}

impl SpendingOf {
    fn new(spans: &[KeySpan]) -> Self {
        let row = |(place, span): (i32, &KeySpan)| {
            let (period_from, recent_from) = (span.period_from.into(), span.recent_from.into());
            (place, span.key.into(), period_from, recent_from)
        };
        Self {
            spans: (0..).zip(spans).map(row).collect(),
        }
    }
}

impl QueryFragment<Db> for SpendingOf {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("WITH wanted (place, key_id, period_from, recent_from) AS (VALUES ");
        let mut separator = "(";
        for (place, key, period_from, recent_from) in &self.spans {
            out.push_sql(std::mem::replace(&mut separator, ", ("));
            out.push_bind_param::<Integer, _>(place)?;
            out.push_sql(", ");
            out.push_bind_param::<Id, _>(key)?;
            out.push_sql(", ");
            out.push_bind_param::<Moment, _>(period_from)?;
            out.push_sql(", ");
            out.push_bind_param::<Moment, _>(recent_from)?;
            out.push_sql(")");
        }
        out.push_sql(") SELECT place");
        for from in ["period_from", "recent_from"] {
            // On PostgreSQL a sum of bigint is a numeric.
            out.push_sql(
                ", COALESCE((SELECT CAST(SUM(cost_nanos) AS BIGINT) FROM requests WHERE requests.key_id = \
                          wanted.key_id AND requests.started_at >= wanted.",
            );
            out.push_sql(from);
            out.push_sql("), 0)");
        }
        out.push_sql(" FROM wanted");
        Ok(())
    }
}

impl QueryId for SpendingOf {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for SpendingOf {
    type SqlType = (Integer, BigInt, BigInt);
}
