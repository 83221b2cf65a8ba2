use actix_web::{HttpRequest, HttpResponse, web};
use gateway_domain::{Nanodollars, PicodollarsPerToken, Timestamp};
use gateway_metering::{ListedPrice, ListedTier, Rates};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app;
use crate::audit;
use crate::body::Json;
use crate::error::Problem;
use crate::face::Envelope;
use crate::policy::{Admin, Member};
use crate::price_form::{PriceForm, checked_model};

/// What a million tokens cost, in US dollars.
#[derive(Serialize, ToSchema)]
#[schema(as = Rates)]
pub(crate) struct RatesView {
    #[schema(value_type = f64, example = 3.0)]
    input: PicodollarsPerToken,
    #[schema(value_type = f64, example = 15.0)]
    output: PicodollarsPerToken,
    #[schema(value_type = Option<f64>, example = 0.3)]
    cache_read: Option<PicodollarsPerToken>,
    #[schema(value_type = Option<f64>, example = 3.75)]
    cache_write_5m: Option<PicodollarsPerToken>,
    #[schema(value_type = Option<f64>, example = 6.0)]
    cache_write_1h: Option<PicodollarsPerToken>,
}

impl From<Rates> for RatesView {
    fn from(rates: Rates) -> Self {
        Self {
            input: rates.input,
            output: rates.output,
            cache_read: rates.cache_read,
            cache_write_5m: rates.cache_write_5m,
            cache_write_1h: rates.cache_write_1h,
        }
    }
}

/// What a model costs.
#[derive(Serialize, ToSchema)]
#[schema(as = Price)]
pub(crate) struct PriceView {
    model: String,
    /// `null` for an operator's price, which counts for every provider.
    #[schema(value_type = Option<String>)]
    provider: Option<&'static str>,
    #[serde(flatten)]
    rates: RatesView,
    /// The rates of longer prompts.
    tiers: Vec<TierView>,
    /// What a thousand searches of the web cost.
    #[schema(value_type = Option<f64>)]
    web_searches_per_1k_usd: Option<Nanodollars>,
    /// The most tokens that a request and its answer may have together.
    context_window: Option<u64>,
    /// Stands in the usage rows that were reckoned by this price.
    version: String,
    /// Since when, if it was not always so.
    #[schema(value_type = Option<String>, format = DateTime)]
    effective_from: Option<Timestamp>,
    /// `shipped`, `file` or `operator`.
    #[schema(value_type = String)]
    source: &'static str,
}

/// The rates of requests with a long prompt.
#[derive(Serialize, ToSchema)]
#[schema(as = PriceTier)]
pub(crate) struct TierView {
    /// With more input than this, caches included, a request is charged at these rates throughout.
    above_input_tokens: u64,
    #[serde(flatten)]
    rates: RatesView,
}

impl From<ListedPrice> for PriceView {
    fn from(price: ListedPrice) -> Self {
        Self {
            model: price.model,
            provider: price.provider.map(gateway_domain::ProviderKind::as_str),
            rates: price.rates.into(),
            tiers: price.tiers.into_iter().map(TierView::from).collect(),
            web_searches_per_1k_usd: price.web_searches_per_1k,
            context_window: price.context_window,
            version: price.version,
            effective_from: price.effective_from,
            source: price.source.as_str(),
        }
    }
}

impl From<ListedTier> for TierView {
    fn from(tier: ListedTier) -> Self {
        Self {
            above_input_tokens: tier.above_input_tokens,
            rates: tier.rates.into(),
        }
    }
}

/// The prices in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct PriceList {
    data: Vec<PriceView>,
}

/// List the prices in force, an operator's instead of those that they replace.
#[utoipa::path(get, path = "/api/prices", tag = "prices", security(("session" = [])), responses(
    (status = 200, description = "Every price", body = PriceList),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn list(_: Member, request: HttpRequest) -> HttpResponse {
    let app = app::of(&request);
    let prices = app.proxy.prices().current().list(app.clock.now());
    HttpResponse::Ok().json(PriceList {
        data: prices.into_iter().map(PriceView::from).collect(),
    })
}

/// Set a model's price from now on; rows already written keep theirs.
#[utoipa::path(put, path = "/api/prices/{model}", tag = "prices", request_body = PriceForm, security(("session" = [])),
    params(("model" = String, Path, description = "The model's name")), responses(
    (status = 200, description = "The price in force", body = PriceView),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not an admin", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn set(
    Admin(caller): Admin,
    request: HttpRequest,
    model: web::Path<String>,
    Json(form): Json<PriceForm>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let model = checked_model(&model)?;
    let sheet = form.checked()?;
    audit::changes(&request, &caller).put_price(model, sheet).await?;
    app.reload_prices().await?;
    let listed = app.proxy.prices().current().list(app.clock.now());
    let set = listed
        .into_iter()
        .find(|price| price.model == model)
        .ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(PriceView::from(set)))
}

/// Return to the listed price of a model.
#[utoipa::path(delete, path = "/api/prices/{model}", tag = "prices", security(("session" = [])),
    params(("model" = String, Path, description = "The model's name")), responses(
    (status = 204, description = "The listed price is in force again"),
    (status = 400, description = "Not a model's name", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not an admin", body = Envelope),
    (status = 404, description = "No operator's price is set for the model", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn unset(
    Admin(caller): Admin,
    request: HttpRequest,
    model: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let changes = audit::changes(&request, &caller);
    if !changes.delete_price(checked_model(&model)?).await? {
        return Err(Problem::not_found());
    }
    app.reload_prices().await?;
    Ok(HttpResponse::NoContent().finish())
}
