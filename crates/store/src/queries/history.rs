use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use gateway_auth::Scope;
use gateway_domain::RequestId;
use gateway_metering::Outcome;
use uuid::Uuid;

use super::{Conn, Db};
use crate::StoreError;
use crate::recording::{AttemptRow, RequestRow};
use crate::schema::{attempts, requests};
use crate::scope::owner;
use crate::types::{StoredId, StoredTime, without_nul};
use crate::usage::{Cursor, UsageFilter};

/// Narrows a boxed query down to what a filter says of columns that requests and attempts both have.
macro_rules! narrow {
    ($query:expr, $table:ident, $filter:expr) => {{
        let (query, filter) = ($query, $filter);
        let mut query = query
            .filter($table::started_at.ge(StoredTime(filter.from)))
            .filter($table::started_at.lt(StoredTime(filter.to)));
        if let Scope::Only(user) = filter.scope {
            query = query.filter($table::user_id.eq(StoredId::from(user)));
        }
        if let Some(user) = filter.user_id {
            query = query.filter($table::user_id.eq(StoredId::from(user)));
        }
        if let Some(key) = filter.key_id {
            query = query.filter($table::key_id.eq(StoredId::from(key)));
        }
        if let Some(model) = &filter.model {
            query = query.filter($table::model.eq(without_nul(model)));
        }
        query
    }};
}

pub(crate) async fn requests(
    conn: &mut Conn,
    filter: UsageFilter,
    status: Option<Outcome>,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Vec<RequestRow>, StoreError> {
    let mut query = narrow!(requests::table.into_boxed::<Db>(), requests, &filter);
    if filter.concerns_attempts() {
        // The condition that is not there is met by every attempt.
        let account = filter.account_id.map_or(StoredId(Uuid::nil()), StoredId::from);
        let provider = filter.provider.map_or("", |provider| provider.as_str());
        query = query.filter(exists(
            attempts::table
                .filter(attempts::request_id.eq(requests::id))
                .filter(
                    attempts::account_id
                        .eq(account)
                        .or(filter.account_id.is_none().into_sql::<Bool>()),
                )
                .filter(
                    attempts::provider
                        .eq(provider)
                        .or(filter.provider.is_none().into_sql::<Bool>()),
                ),
        ));
    }
    if let Some(status) = status {
        query = query.filter(requests::status.eq(status.as_str()));
    }
    if let Some(Cursor { at, id }) = cursor {
        let at = StoredTime(at);
        // The first condition is what the index is entered by.
        query = query
            .filter(requests::started_at.le(at))
            .filter(requests::started_at.lt(at).or(requests::id.lt(StoredId(id))));
    }
    Ok(query
        .order((requests::started_at.desc(), requests::id.desc()))
        .limit(limit)
        .select(RequestRow::as_select())
        .load(conn)
        .await?)
}

pub(crate) async fn request(
    conn: &mut Conn,
    scope: Scope,
    id: RequestId,
) -> Result<Option<(RequestRow, Vec<AttemptRow>)>, StoreError> {
    let (mine, everyones) = owner(scope);
    let request = requests::table
        .find(StoredId::from(id))
        .filter(requests::user_id.eq(mine).or(everyones.into_sql::<Bool>()))
        .select(RequestRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    let Some(request) = request else {
        return Ok(None);
    };
    let attempts = attempts::table
        .filter(attempts::request_id.eq(StoredId::from(id)))
        .order(attempts::number)
        .select(AttemptRow::as_select())
        .load(conn)
        .await?;
    Ok(Some((request, attempts)))
}

pub(crate) async fn attempts(
    conn: &mut Conn,
    filter: UsageFilter,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Vec<(AttemptRow, String, bool)>, StoreError> {
    let joined = attempts::table.inner_join(requests::table).into_boxed::<Db>();
    let mut query = narrow!(joined, attempts, &filter);
    if let Some(account) = filter.account_id {
        query = query.filter(attempts::account_id.eq(StoredId::from(account)));
    }
    if let Some(provider) = filter.provider {
        query = query.filter(attempts::provider.eq(provider.as_str()));
    }
    if let Some(Cursor { at, id }) = cursor {
        let at = StoredTime(at);
        // The first condition is what the index is entered by.
        query = query
            .filter(attempts::started_at.ge(at))
            .filter(attempts::started_at.gt(at).or(attempts::id.gt(StoredId(id))));
    }
    Ok(query
        .order((attempts::started_at, attempts::id))
        .limit(limit)
        .select((AttemptRow::as_select(), requests::dialect, requests::stream))
        .load(conn)
        .await?)
}
