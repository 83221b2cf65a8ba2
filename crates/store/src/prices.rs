use std::collections::BTreeMap;

use diesel::prelude::*;
use gateway_domain::{PicodollarsPerToken, PriceId, Timestamp};
use gateway_metering::{OperatorPrice, Rates};

use crate::schema::price_versions;
use crate::store::{change, query};
use crate::types::{StoredId, StoredTime};
use crate::{Store, StoreError};

impl Store {
    /// The prices that operators set and that are in force, with their earlier versions: an attempt that began
    /// before a change is charged by the one before it.
    ///
    /// A model whose price was deleted has none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn current_prices(&self) -> Result<Vec<OperatorPrice>, StoreError> {
        let mut by_model: BTreeMap<String, Vec<OperatorPrice>> = BTreeMap::new();
        for row in query!(self, read, prices::all())? {
            let versions = by_model.entry(row.model.clone()).or_default();
            match row.into_price() {
                Some(price) => versions.push(price),
                None => versions.clear(),
            }
        }
        Ok(by_model.into_values().flatten().collect())
    }

    /// Sets the price of `model` from now on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn put_price(&self, model: &str, rates: Rates) -> Result<OperatorPrice, StoreError> {
        let picos = |rate: PicodollarsPerToken| rate.as_picos();
        let row = PriceRow {
            id: PriceId::random().into(),
            model: model.to_owned(),
            input_picos: Some(picos(rates.input)),
            output_picos: Some(picos(rates.output)),
            cache_read_picos: rates.cache_read.map(picos),
            cache_write_5m_picos: rates.cache_write_5m.map(picos),
            cache_write_1h_picos: rates.cache_write_1h.map(picos),
            effective_from: self.now().into(),
        };
        let price = row
            .clone()
            .into_price()
            .ok_or_else(|| StoreError::other("a price without rates"))?;
        change!(self, prices::put(row))?;
        Ok(price)
    }

    /// Returns `model` to the shipped price from now on, and says whether an operator had set another.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn delete_price(&self, model: &str) -> Result<bool, StoreError> {
        let row = PriceRow {
            id: PriceId::random().into(),
            model: model.to_owned(),
            input_picos: None,
            output_picos: None,
            cache_read_picos: None,
            cache_write_5m_picos: None,
            cache_write_1h_picos: None,
            effective_from: self.now().into(),
        };
        change!(self, prices::delete(row))
    }
}

/// One dated version; without rates it returns the model to the shipped price.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = price_versions, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct PriceRow {
    id: StoredId,
    pub(crate) model: String,
    input_picos: Option<i64>,
    output_picos: Option<i64>,
    cache_read_picos: Option<i64>,
    cache_write_5m_picos: Option<i64>,
    cache_write_1h_picos: Option<i64>,
    effective_from: StoredTime,
}

impl PriceRow {
    fn into_price(self) -> Option<OperatorPrice> {
        let rate = PicodollarsPerToken::from_picos;
        Some(OperatorPrice {
            id: self.id.into(),
            model: self.model,
            rates: Rates {
                input: rate(self.input_picos?),
                output: rate(self.output_picos?),
                cache_read: self.cache_read_picos.map(rate),
                cache_write_5m: self.cache_write_5m_picos.map(rate),
                cache_write_1h: self.cache_write_1h_picos.map(rate),
            },
            effective_from: Timestamp::from(self.effective_from),
        })
    }
}
