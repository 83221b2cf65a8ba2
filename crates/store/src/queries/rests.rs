use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;
use gateway_domain::Timestamp;

use super::Conn;
use crate::StoreError;
use crate::rests::{RestChange, RestChanges, RestKey, RestRow};
use crate::schema::account_rests;
use crate::types::StoredTime;

pub(crate) async fn save(
    conn: &mut Conn,
    mut changes: RestChanges,
    now: Timestamp,
) -> Result<(), StoreError> {
    let now = StoredTime(now);
    write_tx!(conn, {
        // Those that are over take their place in the order, where one statement would lock them in any.
        let over = account_rests::table
            .filter(account_rests::ends_at.le(now))
            .select((account_rests::account_id, account_rests::family))
            .load::<RestKey>(conn)
            .await?;
        for key in over {
            changes.entry(key).or_insert(RestChange::ForgetIfOver);
        }
        for ((account_id, family), change) in changes {
            match change {
                RestChange::Keep(row) => {
                    diesel::insert_into(account_rests::table)
                        .values(row)
                        .on_conflict((account_rests::account_id, account_rests::family))
                        .do_update()
                        .set((
                            account_rests::class.eq(excluded(account_rests::class)),
                            account_rests::reason.eq(excluded(account_rests::reason)),
                            account_rests::quota_window.eq(excluded(account_rests::quota_window)),
                            account_rests::ends_at.eq(excluded(account_rests::ends_at)),
                        ))
                        .execute(conn)
                        .await?;
                }
                RestChange::Forget => {
                    diesel::delete(account_rests::table.find((account_id, family)))
                        .execute(conn)
                        .await?;
                }
                // Meanwhile another instance may have written it anew.
                RestChange::ForgetIfOver => {
                    diesel::delete(account_rests::table.find((account_id, family)))
                        .filter(account_rests::ends_at.le(now))
                        .execute(conn)
                        .await?;
                }
            }
        }
        Ok(())
    })
}

pub(crate) async fn later_than(conn: &mut Conn, now: Timestamp) -> Result<Vec<RestRow>, StoreError> {
    Ok(account_rests::table
        .filter(account_rests::ends_at.gt(StoredTime(now)))
        .order((account_rests::account_id, account_rests::family))
        .select(RestRow::as_select())
        .load(conn)
        .await?)
}
