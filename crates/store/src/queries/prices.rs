use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Conn;
use super::system::{Kind, bump};
use crate::StoreError;
use crate::prices::PriceRow;
use crate::schema::price_versions;

/// Every version, each model's oldest first.
pub(crate) async fn all(conn: &mut Conn) -> Result<Vec<PriceRow>, StoreError> {
    Ok(price_versions::table
        .order((
            price_versions::model,
            price_versions::effective_from,
            price_versions::id,
        ))
        .select(PriceRow::as_select())
        .load(conn)
        .await?)
}

pub(crate) async fn put(conn: &mut Conn, row: PriceRow) -> Result<(), StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Prices).await?;
        diesel::insert_into(price_versions::table)
            .values(row)
            .execute(conn)
            .await?;
        Ok(())
    })
}

pub(crate) async fn delete(conn: &mut Conn, row: PriceRow) -> Result<bool, StoreError> {
    write_tx!(conn, {
        bump(conn, Kind::Prices).await?;
        let latest = price_versions::table
            .filter(price_versions::model.eq(row.model.clone()))
            .order((price_versions::effective_from.desc(), price_versions::id.desc()))
            .select(price_versions::input_picos)
            .first::<Option<i64>>(conn)
            .await
            .optional()?;
        if latest.flatten().is_none() {
            return Ok(false);
        }
        diesel::insert_into(price_versions::table)
            .values(row)
            .execute(conn)
            .await?;
        Ok(true)
    })
}
