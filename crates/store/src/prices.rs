use std::collections::BTreeMap;

use diesel::prelude::*;
use gateway_auth::Scope;
use gateway_domain::{AccountId, Nanodollars, PicodollarsPerToken, PriceFactor, PriceId, Timestamp};
use gateway_metering::{ListedTier, OperatorPrice, RateSheet, Rates, Terms};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::audit::{AuditTarget, Document, Shown, document};
use crate::schema::price_versions;
use crate::store::{change, query};
use crate::types::{StoredDoc, StoredId, StoredTime};
use crate::{Changes, Store, StoreError};

impl Store {
    /// Every price that was ever set, for a model or for an account, with when it was taken back: an attempt is
    /// charged by what was in force when it began.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn price_versions(&self) -> Result<Vec<OperatorPrice>, StoreError> {
        let mut by_subject: BTreeMap<(Option<StoredId>, String), Vec<OperatorPrice>> = BTreeMap::new();
        for row in query!(self, read, prices::all())? {
            let subject = (row.account_id, row.model.clone());
            let versions = by_subject.entry(subject).or_default();
            let effective_from = row.effective_from.into();
            match (row.into_price()?, versions.last_mut()) {
                (Some(price), _) => versions.push(price),
                (None, Some(ended)) => ended.ended_at = Some(effective_from),
                (None, None) => {}
            }
        }
        Ok(by_subject.into_values().flatten().collect())
    }
}

impl Changes<'_> {
    /// Sets the price of `model` from now on, for every account that has no price of its own.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn put_price(&self, model: &str, sheet: RateSheet) -> Result<OperatorPrice, StoreError> {
        let by = self.signature();
        let price = price_from(by.1, None, model, Terms::Rates(sheet));
        let row = PriceRow::of(&price)?;
        change!(self.store, prices::put(row, by))?;
        Ok(price)
    }

    /// Returns `model` to the listed price from now on, and says whether another was set.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn delete_price(&self, model: &str) -> Result<bool, StoreError> {
        let by = self.signature();
        let row = PriceRow::end(None, model, by.1)?;
        change!(self.store, prices::delete(row, by))
    }

    /// Sets what an account pays for `model` from now on; `None` if `scope` has no such account of its own.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn put_account_price(
        &self,
        scope: Scope,
        account_id: AccountId,
        model: &str,
        terms: Terms,
    ) -> Result<Option<OperatorPrice>, StoreError> {
        let by = self.signature();
        let price = price_from(by.1, Some(account_id), model, terms);
        let row = PriceRow::of(&price)?;
        let is_put = change!(self.store, prices::put_for_account(scope, account_id, row, by))?;
        Ok(is_put.then_some(price))
    }

    /// Lets an account pay for `model` what every account does, from now on, and says whether `scope` has such an
    /// account of its own with a price of its own.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn delete_account_price(
        &self,
        scope: Scope,
        account_id: AccountId,
        model: &str,
    ) -> Result<bool, StoreError> {
        let by = self.signature();
        let row = PriceRow::end(Some(account_id), model, by.1)?;
        change!(self.store, prices::delete_for_account(scope, account_id, row, by))
    }
}

fn price_from(
    effective_from: Timestamp,
    account_id: Option<AccountId>,
    model: &str,
    terms: Terms,
) -> OperatorPrice {
    OperatorPrice {
        id: PriceId::random(),
        account_id,
        model: model.to_owned(),
        terms,
        effective_from,
        ended_at: None,
    }
}

/// One dated version; with neither rates nor a factor it ends the one before it.
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
    pub(crate) account_id: Option<StoredId>,
    tiers: StoredDoc,
    web_searches_per_1k_nanos: Option<i64>,
    factor_millionths: Option<i64>,
}

/// Rates in pico-dollars, as they stand in a document.
#[derive(Serialize, Deserialize)]
struct TierDoc {
    above_input_tokens: u64,
    input: i64,
    output: i64,
    cache_read: Option<i64>,
    cache_write_5m: Option<i64>,
    cache_write_1h: Option<i64>,
}

impl PriceRow {
    fn of(price: &OperatorPrice) -> Result<Self, StoreError> {
        let picos = |rate: PicodollarsPerToken| rate.as_picos();
        let mut row = Self::end(price.account_id, &price.model, price.effective_from)?;
        row.id = price.id.into();
        match &price.terms {
            Terms::Factor(factor) => row.factor_millionths = Some(factor.as_millionths()),
            Terms::Rates(sheet) => {
                let tiers: Vec<_> = sheet.tiers.iter().map(TierDoc::from).collect();
                row.input_picos = Some(picos(sheet.rates.input));
                row.output_picos = Some(picos(sheet.rates.output));
                row.cache_read_picos = sheet.rates.cache_read.map(picos);
                row.cache_write_5m_picos = sheet.rates.cache_write_5m.map(picos);
                row.cache_write_1h_picos = sheet.rates.cache_write_1h.map(picos);
                row.tiers = StoredDoc::of(&tiers)?;
                row.web_searches_per_1k_nanos = sheet.web_searches_per_1k.map(Nanodollars::as_nanos);
            }
        }
        Ok(row)
    }

    fn end(account_id: Option<AccountId>, model: &str, at: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            id: PriceId::random().into(),
            model: model.to_owned(),
            input_picos: None,
            output_picos: None,
            cache_read_picos: None,
            cache_write_5m_picos: None,
            cache_write_1h_picos: None,
            effective_from: at.into(),
            account_id: account_id.map(StoredId::from),
            tiers: StoredDoc::of::<[TierDoc]>(&[])?,
            web_searches_per_1k_nanos: None,
            factor_millionths: None,
        })
    }

    /// Whether it says that there is no such price any more.
    pub(crate) const fn is_end(&self) -> bool {
        self.input_picos.is_none() && self.factor_millionths.is_none()
    }

    /// `None` for an end.
    fn into_price(self) -> Result<Option<OperatorPrice>, StoreError> {
        let rate = PicodollarsPerToken::from_picos;
        let terms = match (self.factor_millionths, self.input_picos, self.output_picos) {
            (Some(millionths), ..) => Terms::Factor(PriceFactor::from_millionths(millionths)),
            (None, Some(input), Some(output)) => Terms::Rates(RateSheet {
                rates: Rates {
                    input: rate(input),
                    output: rate(output),
                    cache_read: self.cache_read_picos.map(rate),
                    cache_write_5m: self.cache_write_5m_picos.map(rate),
                    cache_write_1h: self.cache_write_1h_picos.map(rate),
                },
                tiers: self
                    .tiers
                    .read::<Vec<TierDoc>>()?
                    .into_iter()
                    .map(ListedTier::from)
                    .collect(),
                web_searches_per_1k: self.web_searches_per_1k_nanos.map(Nanodollars::from_nanos),
            }),
            _ => return Ok(None),
        };
        Ok(Some(OperatorPrice {
            id: self.id.into(),
            account_id: self.account_id.map(AccountId::from),
            model: self.model,
            terms,
            effective_from: self.effective_from.into(),
            ended_at: None,
        }))
    }
}

impl Shown for PriceRow {
    const KIND: AuditTarget = AuditTarget::Price;

    /// The model; behind the account whose price it is, unless it is everybody's.
    fn name(&self) -> String {
        match self.account_id {
            None => self.model.clone(),
            Some(account) => format!("{}/{}", AccountId::from(account), self.model),
        }
    }

    fn shown(&self) -> Result<Document, StoreError> {
        document(json!({
            "account_id": self.account_id.map(AccountId::from),
            "factor_millionths": self.factor_millionths,
            "input_picos": self.input_picos,
            "output_picos": self.output_picos,
            "cache_read_picos": self.cache_read_picos,
            "cache_write_5m_picos": self.cache_write_5m_picos,
            "cache_write_1h_picos": self.cache_write_1h_picos,
            "web_searches_per_1k_nanos": self.web_searches_per_1k_nanos,
            "tiers": self.tiers.read::<Value>()?,
        }))
    }

    fn secrets(&self) -> Vec<(&'static str, Option<&[u8]>)> {
        Vec::new()
    }
}

impl From<&ListedTier> for TierDoc {
    fn from(tier: &ListedTier) -> Self {
        let picos = |rate: PicodollarsPerToken| rate.as_picos();
        Self {
            above_input_tokens: tier.above_input_tokens,
            input: picos(tier.rates.input),
            output: picos(tier.rates.output),
            cache_read: tier.rates.cache_read.map(picos),
            cache_write_5m: tier.rates.cache_write_5m.map(picos),
            cache_write_1h: tier.rates.cache_write_1h.map(picos),
        }
    }
}

impl From<TierDoc> for ListedTier {
    fn from(tier: TierDoc) -> Self {
        let rate = PicodollarsPerToken::from_picos;
        Self {
            above_input_tokens: tier.above_input_tokens,
            rates: Rates {
                input: rate(tier.input),
                output: rate(tier.output),
                cache_read: tier.cache_read.map(rate),
                cache_write_5m: tier.cache_write_5m.map(rate),
                cache_write_1h: tier.cache_write_1h.map(rate),
            },
        }
    }
}
