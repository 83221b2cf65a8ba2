use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use diesel_async::RunQueryDsl;
use gateway_domain::{Nanodollars, Spender, Timestamp};

use super::{Conn, insert_new};
use crate::StoreError;
use crate::recording::Batch;
use crate::schema::{api_keys, attempts, requests, upstream_accounts};
use crate::types::{StoredId, StoredTime};

/// How old a `last_used_at` must be before it is written again.
const LAST_USED_STEP: Duration = Duration::from_secs(1);

pub(crate) async fn record(conn: &mut Conn, batch: Batch) -> Result<usize, StoreError> {
    write_tx!(conn, {
        let new = insert_new!(conn, batch.requests)?;
        insert_new!(conn, batch.attempts)?;
        // Last, so that these rows stay locked as briefly as can be.
        for (id, at) in batch.keys {
            let due = StoredTime(at.0 - LAST_USED_STEP);
            diesel::update(api_keys::table.find(id))
                .filter(
                    api_keys::last_used_at
                        .is_null()
                        .or(api_keys::last_used_at.lt(due).assume_not_null()),
                )
                .set(api_keys::last_used_at.eq(Some(at)))
                .execute(conn)
                .await?;
        }
        for (id, at) in batch.accounts {
            let due = StoredTime(at.0 - LAST_USED_STEP);
            let last = upstream_accounts::last_used_at;
            diesel::update(upstream_accounts::table.find(id))
                .filter(last.is_null().or(last.lt(due).assume_not_null()))
                .set(last.eq(Some(at)))
                .execute(conn)
                .await?;
        }
        Ok(new)
    })
}

pub(crate) async fn spending(
    conn: &mut Conn,
    spenders: Vec<(Spender, Timestamp)>,
) -> Result<Vec<Nanodollars>, StoreError> {
    // On PostgreSQL a sum of bigint is a numeric.
    let sum = || sql::<Nullable<BigInt>>("CAST(SUM(cost_nanos) AS BIGINT)");
    let mut amounts = Vec::with_capacity(spenders.len());
    for (spender, from) in spenders {
        let from = StoredTime(from);
        let of_requests = requests::table.filter(requests::started_at.ge(from));
        let spent: Option<i64> = match spender {
            Spender::Key(key) => {
                let of_key = of_requests.filter(requests::key_id.eq(StoredId::from(key)));
                of_key.select(sum()).get_result(conn).await?
            }
            Spender::User(user) => {
                let of_user = of_requests.filter(requests::user_id.eq(StoredId::from(user)));
                of_user.select(sum()).get_result(conn).await?
            }
            Spender::Account(account) => {
                let of_account = attempts::table
                    .filter(attempts::started_at.ge(from))
                    .filter(attempts::account_id.eq(StoredId::from(account)));
                of_account.select(sum()).get_result(conn).await?
            }
        };
        amounts.push(Nanodollars::from_nanos(spent.unwrap_or(0)));
    }
    Ok(amounts)
}
