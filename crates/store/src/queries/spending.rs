use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Integer};
use diesel_async::RunQueryDsl;
use gateway_auth::Scope;
use gateway_domain::{Nanodollars, Spender};

use super::{Conn, Db};
use crate::StoreError;
use crate::keys::KeyRow;
use crate::schema::api_keys;
use crate::scope::owner;
use crate::spending::{SpendSpan, Spending};
use crate::types::sql::{Id, Moment};
use crate::types::{StoredId, StoredTime};

pub(crate) async fn spending(conn: &mut Conn, spans: Vec<SpendSpan>) -> Result<Vec<Spending>, StoreError> {
    let mut all = vec![Spending::default(); spans.len()];
    for kind in [Kind::Key, Kind::User, Kind::Account] {
        let spending = SpendingOf::new(kind, &spans);
        if spending.spans.is_empty() {
            continue;
        }
        for (place, period, recent) in spending.load::<(i32, i64, i64)>(conn).await? {
            let spending = usize::try_from(place).ok().and_then(|place| all.get_mut(place));
            if let Some(spending) = spending {
                *spending = Spending {
                    period: Nanodollars::from_nanos(period),
                    recent: Nanodollars::from_nanos(recent),
                };
            }
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

/// What a spender is known by in the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Key,
    User,
    Account,
}

/// Adds up what several spenders of one kind have spent since two moments of their own, in one statement.
///
/// The DSL knows no lists of values that rows are looked up by.
struct SpendingOf {
    kind: Kind,
    spans: Vec<(i32, StoredId, StoredTime, StoredTime)>,
}

impl SpendingOf {
    /// Those of `spans` that are of this kind, each with its place among all of them.
    fn new(kind: Kind, spans: &[SpendSpan]) -> Self {
        let row = |(place, span): (i32, &SpendSpan)| {
            let (of, id) = match span.spender {
                Spender::Key(id) => (Kind::Key, id.into()),
                Spender::User(id) => (Kind::User, id.into()),
                Spender::Account(id) => (Kind::Account, id.into()),
            };
            (of == kind).then(|| (place, id, span.period_from.into(), span.recent_from.into()))
        };
        Self {
            kind,
            spans: (0..).zip(spans).filter_map(row).collect(),
        }
    }

    /// The rows, as what is asked for since a column of `wanted` adds them up.
    const fn sum(&self) -> &'static str {
        // On PostgreSQL a sum of bigint is a numeric.
        match self.kind {
            Kind::Key => {
                "SELECT CAST(SUM(cost_nanos) AS BIGINT) FROM requests WHERE requests.key_id = wanted.id \
                 AND requests.started_at >= wanted."
            }
            Kind::User => {
                "SELECT CAST(SUM(cost_nanos) AS BIGINT) FROM requests WHERE requests.user_id = wanted.id \
                 AND requests.started_at >= wanted."
            }
            Kind::Account => {
                "SELECT CAST(SUM(cost_nanos) AS BIGINT) FROM attempts WHERE attempts.account_id = wanted.id \
                 AND attempts.started_at >= wanted."
            }
        }
    }
}

impl QueryFragment<Db> for SpendingOf {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("WITH wanted (place, id, period_from, recent_from) AS (VALUES ");
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
            out.push_sql(", COALESCE((");
            out.push_sql(self.sum());
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
