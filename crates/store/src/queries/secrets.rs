use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use gateway_domain::Timestamp;

use super::system::{Kind, bump};
use super::{Conn, audit};
use crate::audit::NewEntry;
use crate::schema::{instance_secrets, upstream_accounts};
use crate::secrets::SealedPlace;
use crate::types::StoredId;
use crate::{AuditEvent, StoreError};

pub(crate) async fn instance(conn: &mut Conn, name: &'static str) -> Result<Option<String>, StoreError> {
    let sealed = instance_secrets::table
        .find(name)
        .select(instance_secrets::sealed)
        .get_result(conn)
        .await;
    Ok(sealed.optional()?)
}

pub(crate) async fn instances(conn: &mut Conn) -> Result<Vec<(String, String)>, StoreError> {
    Ok(instance_secrets::table
        .order(instance_secrets::name)
        .select((instance_secrets::name, instance_secrets::sealed))
        .load(conn)
        .await?)
}

pub(crate) async fn keep(conn: &mut Conn, name: &'static str, sealed: String) -> Result<String, StoreError> {
    write_tx!(conn, {
        diesel::insert_into(instance_secrets::table)
            .values((
                instance_secrets::name.eq(name),
                instance_secrets::sealed.eq(sealed),
            ))
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
        Ok(instance_secrets::table
            .find(name)
            .select(instance_secrets::sealed)
            .get_result(conn)
            .await?)
    })
}

/// The condition is what a change of the secret meanwhile does not meet.
pub(crate) async fn reseal(
    conn: &mut Conn,
    place: SealedPlace,
    old: String,
    new: String,
    event: AuditEvent,
    at: Timestamp,
) -> Result<bool, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Accounts).await?;
        let resealed = match place {
            SealedPlace::Credential(id) => {
                let account = upstream_accounts::table.find(StoredId::from(id));
                diesel::update(account.filter(upstream_accounts::credential_sealed.eq(old)))
                    .set(upstream_accounts::credential_sealed.eq(new))
                    .execute(conn)
                    .await?
            }
            SealedPlace::AdminCredential(id) => {
                let account = upstream_accounts::table.find(StoredId::from(id));
                diesel::update(account.filter(upstream_accounts::admin_credential_sealed.eq(Some(old))))
                    .set(upstream_accounts::admin_credential_sealed.eq(Some(new)))
                    .execute(conn)
                    .await?
            }
            SealedPlace::Instance(name) => {
                let secret = instance_secrets::table.find(name);
                diesel::update(secret.filter(instance_secrets::sealed.eq(old)))
                    .set(instance_secrets::sealed.eq(new))
                    .execute(conn)
                    .await?
            }
        };
        if resealed > 0 {
            audit::append(conn, NewEntry::of_event(event, at)).await?;
        }
        Ok(resealed > 0)
    })
}
