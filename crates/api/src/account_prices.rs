use actix_web::{HttpRequest, HttpResponse, web};
use gateway_domain::{AccountId, Nanodollars, PicodollarsPerToken, PriceFactor, Timestamp};
use gateway_metering::{OperatorPrice, Rates, Terms};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::find_to_change;
use crate::app;
use crate::audit;
use crate::body::Json;
use crate::error::Problem;
use crate::face::Envelope;
use crate::path::Id;
use crate::policy::Member;
use crate::price_form::{AccountPriceForm, checked_model};
use crate::prices::TierView;

/// What an account pays for a model, or with `*` for every other.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountPrice)]
pub(crate) struct AccountPriceView {
    model: String,
    /// The share of what all others pay; `null` for rates of its own.
    #[schema(value_type = Option<f64>)]
    multiplier: Option<PriceFactor>,
    /// What a million tokens cost, in US dollars, and so on with the next four; `null` with a multiplier.
    #[schema(value_type = Option<f64>)]
    input: Option<PicodollarsPerToken>,
    #[schema(value_type = Option<f64>)]
    output: Option<PicodollarsPerToken>,
    #[schema(value_type = Option<f64>)]
    cache_read: Option<PicodollarsPerToken>,
    #[schema(value_type = Option<f64>)]
    cache_write_5m: Option<PicodollarsPerToken>,
    #[schema(value_type = Option<f64>)]
    cache_write_1h: Option<PicodollarsPerToken>,
    /// The rates of longer prompts.
    tiers: Vec<TierView>,
    /// What a thousand searches of the web cost; `null` is as listed.
    #[schema(value_type = Option<f64>)]
    web_searches_per_1k_usd: Option<Nanodollars>,
    /// Stands in the usage rows that were reckoned by this price.
    version: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    effective_from: Timestamp,
}

impl From<&OperatorPrice> for AccountPriceView {
    fn from(price: &OperatorPrice) -> Self {
        let (multiplier, sheet) = match &price.terms {
            Terms::Factor(factor) => (Some(*factor), None),
            Terms::Rates(sheet) => (None, Some(sheet)),
        };
        let rate = |pick: fn(&Rates) -> Option<PicodollarsPerToken>| pick(&sheet?.rates);
        Self {
            model: price.model.clone(),
            multiplier,
            input: rate(|rates| Some(rates.input)),
            output: rate(|rates| Some(rates.output)),
            cache_read: rate(|rates| rates.cache_read),
            cache_write_5m: rate(|rates| rates.cache_write_5m),
            cache_write_1h: rate(|rates| rates.cache_write_1h),
            tiers: sheet.map_or_else(Vec::new, |sheet| {
                sheet.tiers.iter().copied().map(TierView::from).collect()
            }),
            web_searches_per_1k_usd: sheet.and_then(|sheet| sheet.web_searches_per_1k),
            version: price.version(),
            effective_from: price.effective_from,
        }
    }
}

/// The prices of its own that an account has.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountPriceList {
    data: Vec<AccountPriceView>,
}

/// The last part of the path.
#[derive(Deserialize)]
pub(crate) struct ModelPath {
    model: String,
}

impl ModelPath {
    fn checked(&self) -> Result<&str, Problem> {
        match self.model.as_str() {
            OperatorPrice::EVERY_MODEL => Ok(OperatorPrice::EVERY_MODEL),
            model => checked_model(model),
        }
    }
}

/// List an account's own prices in force; whatever is not among them costs what it costs everybody.
#[utoipa::path(get, path = "/api/upstream-accounts/{id}/prices", tag = "prices", params(("id" = Uuid, Path)), security(("session" = [])), responses(
    (status = 200, description = "The account's own prices", body = AccountPriceList),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "A shared account's prices are not a member's to see", body = Envelope),
    (status = 404, description = "No such account, or not yours", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn list(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<AccountId>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    find_to_change(app, &caller, id).await?;
    let catalogue = app.proxy.prices().current();
    let own = catalogue.list_of(id, app.clock.now());
    Ok(HttpResponse::Ok().json(AccountPriceList {
        data: own.into_iter().map(AccountPriceView::from).collect(),
    }))
}

/// Set what an account pays for a model from now on; rows already written keep their price.
#[utoipa::path(put, path = "/api/upstream-accounts/{id}/prices/{model}", tag = "prices", request_body = AccountPriceForm, security(("session" = [])),
    params(("id" = Uuid, Path), ("model" = String, Path, description = "The model's name, or `*` for every one without a price of its own")), responses(
    (status = 200, description = "The price in force", body = AccountPriceView),
    (status = 400, description = "Malformed JSON, or no name of a model", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "A shared account is not a member's to change", body = Envelope),
    (status = 404, description = "No such account, or not yours", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn set(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<AccountId>,
    path: web::Path<ModelPath>,
    Json(form): Json<AccountPriceForm>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    find_to_change(app, &caller, id).await?;
    let model = path.checked()?;
    let terms = form.checked(model)?;
    let set = audit::changes(&request, &caller)
        .put_account_price(caller.scope(), id, model, terms)
        .await?;
    let price = set.ok_or_else(Problem::not_found)?;
    app.reload_prices().await?;
    Ok(HttpResponse::Ok().json(AccountPriceView::from(&price)))
}

/// Let an account pay for a model what everybody does.
#[utoipa::path(delete, path = "/api/upstream-accounts/{id}/prices/{model}", tag = "prices", security(("session" = [])),
    params(("id" = Uuid, Path), ("model" = String, Path, description = "The model's name, or `*`")), responses(
    (status = 204, description = "Everybody's price is in force again"),
    (status = 400, description = "Not a model's name", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "A shared account is not a member's to change", body = Envelope),
    (status = 404, description = "No such account, or not yours, or without a price of its own for the model", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn unset(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<AccountId>,
    path: web::Path<ModelPath>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    find_to_change(app, &caller, id).await?;
    let deleted = audit::changes(&request, &caller)
        .delete_account_price(caller.scope(), id, path.checked()?)
        .await?;
    if !deleted {
        return Err(Problem::not_found());
    }
    app.reload_prices().await?;
    Ok(HttpResponse::NoContent().finish())
}
