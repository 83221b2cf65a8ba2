use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use gateway_auth::Scope;
use gateway_domain::{Spender, Timestamp};

use super::{Conn, reports};
use crate::StoreError;
use crate::keys::KeyRow;
use crate::schema::{api_keys, users};
use crate::scope::owner;
use crate::spending::{SpendSpan, Spending};
use crate::types::StoredId;
use crate::usage::GroupBy;
use crate::users::UserRow;

pub(crate) async fn spending(
    conn: &mut Conn,
    spans: Vec<SpendSpan>,
    now: Timestamp,
) -> Result<Vec<Spending>, StoreError> {
    let mut all = vec![Spending::default(); spans.len()];
    // Those of one kind and one moment are asked for together.
    let mut asked: BTreeMap<(Timestamp, Kind), Vec<StoredId>> = BTreeMap::new();
    for span in &spans {
        let (kind, id) = named(span.spender);
        for from in [span.period_from, span.recent_from] {
            asked.entry((from, kind)).or_default().push(id);
        }
    }
    let mut spent = BTreeMap::new();
    read_tx!(conn, {
        for ((from, kind), ids) in asked {
            spent.insert(
                (from, kind),
                reports::spent(conn, kind.into(), ids, from, now).await?,
            );
        }
        Ok(())
    })?;
    for (spending, span) in all.iter_mut().zip(&spans) {
        let (kind, id) = named(span.spender);
        let since = |from: Timestamp| spent.get(&(from, kind)).and_then(|by_id| by_id.get(&id)).copied();
        spending.period = since(span.period_from).unwrap_or_default();
        spending.recent = since(span.recent_from).unwrap_or_default();
    }
    Ok(all)
}

/// What a spender is known by in the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Key,
    User,
    Account,
}

impl From<Kind> for GroupBy {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Key => Self::Key,
            Kind::User => Self::User,
            Kind::Account => Self::Account,
        }
    }
}

fn named(spender: Spender) -> (Kind, StoredId) {
    let kind = match spender {
        Spender::Key(_) => Kind::Key,
        Spender::User(_) => Kind::User,
        Spender::Account(_) => Kind::Account,
    };
    (kind, StoredId(spender.id()))
}

pub(crate) async fn budgeted_users(conn: &mut Conn) -> Result<Vec<UserRow>, StoreError> {
    Ok(users::table
        .filter(users::budget_nanos.is_not_null())
        .filter(users::is_active)
        .order(users::id)
        .select(UserRow::as_select())
        .load(conn)
        .await?)
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
