use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use gateway_domain::Timestamp;

use super::{Conn, Db};
use crate::StoreError;
use crate::recording::AttemptRow;
use crate::schema::attempts;
use crate::types::{StoredId, StoredTime};
use crate::usage::Cursor;

/// The condition of the index `attempts_unpriced`, in its words: SQLite knows it by them.
const IS_UNPRICED: &str = "cost_nanos IS NULL AND usage_source <> 'missing'";

pub(crate) async fn attempts(
    conn: &mut Conn,
    from: Timestamp,
    to: Timestamp,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Vec<AttemptRow>, StoreError> {
    let query = attempts::table
        .filter(sql::<Bool>(IS_UNPRICED))
        .filter(attempts::started_at.ge(StoredTime::from(from)))
        .filter(attempts::started_at.lt(StoredTime::from(to)))
        .into_boxed::<Db>();
    let query = match cursor {
        None => query,
        Some(Cursor { at, id }) => {
            let (at, id) = (StoredTime::from(at), StoredId(id));
            query
                .filter(attempts::started_at.ge(at))
                .filter(attempts::started_at.gt(at).or(attempts::id.gt(id)))
        }
    };
    Ok(query
        .order((attempts::started_at, attempts::id))
        .limit(limit)
        .select(AttemptRow::as_select())
        .load(conn)
        .await?)
}
