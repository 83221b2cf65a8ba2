use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse};
use gateway_auth::{Caller, IssuedKey, key_prefix};
use gateway_domain::{AccountId, ApiKey, ApiKeyId, Timestamp, UserId};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::allowance_view::{BudgetView, Budgeted, LimitsView};
use crate::app::{self, App};
use crate::audit;
use crate::body::{Json, OptionalJson};
use crate::error::Problem;
use crate::face::Envelope;
use crate::key_form::{KeyUpdate, NewKey, Rotation};
use crate::path::Id;
use crate::policy::Member;
use crate::query::{List, Query, page, query};

/// An API key of the gateway, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct KeyView {
    #[schema(value_type = Uuid)]
    id: ApiKeyId,
    #[schema(value_type = Uuid)]
    user_id: UserId,
    name: String,
    /// What may be shown of the key, such as `sk-gw-3fK9…`.
    prefix: String,
    is_active: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// Exact names or globs; empty means all.
    allowed_models: Vec<String>,
    /// Addresses or CIDR blocks; empty means all.
    allowed_ips: Vec<String>,
    /// Ids of upstream accounts; empty means all.
    #[schema(value_type = Vec<Uuid>)]
    allowed_accounts: Vec<AccountId>,
    tags: BTreeMap<String, String>,
    limits: LimitsView,
    budget: BudgetView,
}

/// An API key with its secret, this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedKeyView {
    #[serde(flatten)]
    api_key: KeyView,
    /// The whole key. It is never shown again.
    #[schema(example = "sk-gw-3fK9…")]
    key: String,
}

impl KeyView {
    /// The key as it is shown, with what its current period has cost.
    pub(crate) async fn of(app: &App, key: ApiKey) -> Result<Self, Problem> {
        let budget = BudgetView::of(app, Budgeted::from(&key)).await?;
        Ok(Self::new(key, budget))
    }

    /// The same for many keys, with one question to the database.
    async fn all_of(app: &App, keys: Vec<ApiKey>) -> Result<Vec<Self>, Problem> {
        let budgets = keys.iter().map(Budgeted::from).collect();
        let budgets = BudgetView::all_of(app, budgets).await?;
        let shown = keys.into_iter().zip(budgets);
        Ok(shown.map(|(key, budget)| Self::new(key, budget)).collect())
    }

    fn new(key: ApiKey, budget: BudgetView) -> Self {
        Self {
            id: key.id,
            user_id: key.user_id,
            name: key.name,
            prefix: key_prefix(&key.public_id),
            is_active: key.is_active,
            expires_at: key.expires_at,
            created_at: key.created_at,
            updated_at: key.updated_at,
            last_used_at: key.last_used_at,
            allowed_models: key.allowed_models.into_iter().map(String::from).collect(),
            allowed_ips: key.allowed_ips.iter().map(shown_block).collect(),
            allowed_accounts: key.allowed_accounts,
            tags: key.tags,
            limits: LimitsView::from(key.limits),
            budget,
        }
    }
}

/// A block as it was most likely written: a single address without its prefix length.
fn shown_block(block: &ipnet::IpNet) -> String {
    if block.prefix_len() == block.max_prefix_len() {
        block.addr().to_string()
    } else {
        block.to_string()
    }
}

query! {
    /// Which keys are wanted.
    struct KeyQuery {
        /// Only this user's; admins only see others'.
        #[param(value_type = Option<Uuid>)]
        user_id: UserId,
        /// From 1.
        #[param(minimum = 1)]
        page: u32,
        /// 1 to 100, 20 when left out.
        #[param(minimum = 1, maximum = 100)]
        page_size: u32,
    }
}

/// List API keys: an admin everybody's, a member their own.
#[utoipa::path(get, path = "/api/keys", tag = "keys", params(KeyQuery), security(("session" = [])), responses(
    (status = 200, description = "A page of keys", body = List<KeyView>),
    (status = 400, description = "A parameter is wrong", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn list(
    Member(caller): Member,
    request: HttpRequest,
    Query(query): Query<KeyQuery>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let page = page(query.page, query.page_size)?;
    let keys = app.store.list_keys(caller.scope(), query.user_id, page).await?;
    let views = KeyView::all_of(app, keys.items).await?;
    Ok(HttpResponse::Ok().json(List::new(views, keys.total, page)))
}

/// Make an API key. Its secret is in this answer and never again.
#[utoipa::path(post, path = "/api/keys", tag = "keys", request_body = NewKey, security(("session" = [])), responses(
    (status = 201, description = "Made", body = IssuedKeyView),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not for another user", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn create(
    Member(caller): Member,
    request: HttpRequest,
    Json(body): Json<NewKey>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let owner = owner(&caller, body.user_id)?;
    let issued = app.key_hasher.issue();
    let key = body.checked(app, owner, &issued)?;
    let key = audit::changes(&request, &caller).create_key(key).await?;
    reveal(app, key.ok_or_else(no_such_user)?, &issued).await
}

/// One API key.
#[utoipa::path(get, path = "/api/keys/{id}", tag = "keys", params(("id" = Uuid, Path)), security(("session" = [])), responses(
    (status = 200, description = "The key", body = KeyView),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 404, description = "No such key, or not yours", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn read(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<ApiKeyId>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let key = app
        .store
        .find_key(caller.scope(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(KeyView::of(app, key).await?))
}

/// Change an API key; it works by the new rules within a second on every instance.
#[utoipa::path(put, path = "/api/keys/{id}", tag = "keys", params(("id" = Uuid, Path)), request_body = KeyUpdate, security(("session" = [])), responses(
    (status = 200, description = "As it is now", body = KeyView),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 404, description = "No such key, or not yours", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn update(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<ApiKeyId>,
    Json(body): Json<KeyUpdate>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let key = app
        .store
        .find_key(caller.scope(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let changes = body.checked(app, key.user_id, key.limits, key.budget)?;
    let key = audit::changes(&request, &caller)
        .update_key(caller.scope(), id, changes)
        .await?
        .ok_or_else(Problem::not_found)?;
    app.forget_keys();
    Ok(HttpResponse::Ok().json(KeyView::of(app, key).await?))
}

/// Delete an API key. What was used with it stays on record.
#[utoipa::path(delete, path = "/api/keys/{id}", tag = "keys", params(("id" = Uuid, Path)), security(("session" = [])), responses(
    (status = 204, description = "Deleted"),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 404, description = "No such key, or not yours", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn remove(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<ApiKeyId>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let changes = audit::changes(&request, &caller);
    if !changes.delete_key(caller.scope(), id).await? {
        return Err(Problem::not_found());
    }
    app.forget_keys();
    Ok(HttpResponse::NoContent().finish())
}

/// Give an API key a new secret; the old one works until the grace ends.
#[utoipa::path(post, path = "/api/keys/{id}/rotate", tag = "keys", params(("id" = Uuid, Path)), request_body = Option<Rotation>, security(("session" = [])), responses(
    (status = 201, description = "The new secret, this once", body = IssuedKeyView),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 404, description = "No such key, or not yours", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn rotate(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<ApiKeyId>,
    OptionalJson(body): OptionalJson<Rotation>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let grace = body.unwrap_or_default().checked()?;
    let key = app
        .store
        .find_key(caller.scope(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let issued = app.key_hasher.reissue(&key.public_id);
    let previous_ends_at = (grace > Duration::ZERO).then(|| app.clock.now() + grace);
    let rotated = audit::changes(&request, &caller)
        .rotate_key(caller.scope(), id, issued.hash, previous_ends_at)
        .await?;
    app.forget_keys();
    reveal(app, rotated.ok_or_else(Problem::not_found)?, &issued).await
}

/// Whose key it shall be: the caller's own, or for an admin anybody's.
fn owner(caller: &Caller, wanted: Option<UserId>) -> Result<UserId, Problem> {
    let wanted = wanted.unwrap_or(caller.user.id);
    if caller.sees(wanted) {
        Ok(wanted)
    } else {
        Err(Problem::forbidden())
    }
}

fn no_such_user() -> Problem {
    Problem::invalid_field("user_id", "there is no such user")
}

async fn reveal(app: &App, key: ApiKey, issued: &IssuedKey) -> Result<HttpResponse, Problem> {
    let location = format!("/api/keys/{}", key.id);
    let view = IssuedKeyView {
        api_key: KeyView::of(app, key).await?,
        key: issued.key.expose_secret().to_owned(),
    };
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .json(view))
}
