use actix_web::{HttpRequest, HttpResponse};
use gateway_auth::Scope;
use gateway_domain::{ApiKey, BudgetPeriod, Timestamp};
use gateway_store::UsageFilter;
use serde::Serialize;
use utoipa::ToSchema;

use crate::allowance_view::{BudgetView, Budgeted, LimitsView, current_period};
use crate::app::{self, App};
use crate::error::Problem;
use crate::keys::KeyView;
use crate::policy::GatewayKey;
use crate::usage_view::TotalsView;

/// What the calling key may use and has used.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyUsage {
    key: KeyView,
    /// What all keys of its user together may use.
    user: UserAllowance,
    /// Since midnight UTC.
    today: TotalsView,
    /// Since the budget's period began.
    period: TotalsView,
}

/// The limits and the budget of a key's user.
#[derive(Serialize, ToSchema)]
struct UserAllowance {
    limits: LimitsView,
    budget: BudgetView,
}

/// The calling key's own limits, budget and spend.
#[utoipa::path(get, path = "/v1/usage", tag = "llm", security(("bearer_key" = []), ("x_api_key" = []), ("x_goog_api_key" = [])), responses(
    (status = 200, description = "Limits, budget and spend", body = KeyUsage),
    (status = 401, description = "No API key, or none that works", body = Object),
    (status = 403, description = "Not from this address", body = Object),
    (status = 429, description = "Too many unknown API keys came from this address", body = Object),
    (status = 503, description = "The database is away", body = Object),
))]
pub(crate) async fn own_usage(
    GatewayKey(stored): GatewayKey,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    // Read anew: the cached key does not know when it was last used.
    let own = Scope::Only(stored.key.user_id);
    let key = app
        .store
        .find_key(own, stored.key.id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let today = totals_since(app, &key, BudgetPeriod::Day).await?;
    let period = totals_since(app, &key, key.budget.period).await?;
    let owner = &stored.owner;
    let user = UserAllowance {
        limits: owner.limits.into(),
        budget: BudgetView::of(app, Budgeted::from(owner)).await?,
    };
    let usage = KeyUsage {
        user,
        key: KeyView::of(app, key).await?,
        today,
        period,
    };
    Ok(HttpResponse::Ok().json(usage))
}

async fn totals_since(app: &App, key: &ApiKey, period: BudgetPeriod) -> Result<TotalsView, Problem> {
    let now = app.clock.now();
    let (from, _) = current_period(period, now);
    let to = Timestamp::from_micros(now.as_micros().saturating_add(1));
    let filter = UsageFilter {
        key_id: Some(key.id),
        ..UsageFilter::between(Scope::Only(key.user_id), from, to)
    };
    Ok(app.store.summary(filter, None).await?.totals.into())
}
