use std::collections::BTreeMap;

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use gateway_auth::{Caller, Scope};
use gateway_balancing::{Health, HealthStatus};
use gateway_domain::{AccountId, Page, Paged, ProviderKind, Timestamp, UpstreamAccount, UserId};
use gateway_proxy::Engine;
use gateway_store::{AuditAction, AuditTarget};
use serde::Serialize;
use utoipa::ToSchema;

use crate::account_form::{AccountUpdate, NewAccount};
use crate::admin_credential::AdminCredentialView;
use crate::allowance_view::{BudgetView, Budgeted, LimitsView};
use crate::app::{self, App};
use crate::audit;
use crate::body::Json;
use crate::error::Problem;
use crate::face::Envelope;
use crate::health::HealthView;
use crate::path::Id;
use crate::policy::Member;
use crate::query::{List, Query, page, query};

/// An upstream account, without its credential.
#[derive(Serialize, ToSchema)]
#[schema(as = UpstreamAccount)]
pub(crate) struct AccountView {
    #[schema(value_type = Uuid)]
    id: AccountId,
    /// Whose keys it serves; `null` serves everybody's.
    #[schema(value_type = Option<Uuid>)]
    owner_id: Option<UserId>,
    name: String,
    #[schema(value_type = String, pattern = "^(anthropic|gemini|openai)$")]
    provider: ProviderKind,
    credential: CredentialView,
    /// What reads the provider's own count of usage; `null` is nothing.
    admin_credential: Option<AdminCredentialView>,
    base_url: String,
    proxy_url: Option<String>,
    is_active: bool,
    /// The lower is tried first.
    priority: i32,
    /// Its share among accounts of the same priority.
    weight: u16,
    /// Requests open at once; `null` is without limit.
    max_concurrency: Option<u32>,
    /// How fast it may be used.
    limits: LimitsView,
    /// How much it may cost.
    budget: BudgetView,
    /// Names or globs; empty means the provider's own families.
    models: Vec<String>,
    /// Names that clients ask for, and the provider's model that answers.
    model_map: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    health: HealthView,
}

/// What may be shown of a credential.
#[derive(Serialize, ToSchema)]
#[schema(as = Credential)]
struct CredentialView {
    /// `api_key` or `oauth`.
    #[schema(value_type = String)]
    r#type: &'static str,
    /// Its last characters.
    #[schema(example = "…wxyz")]
    hint: String,
}

/// What a member sees of an account that is shared.
#[derive(Serialize, ToSchema)]
pub(crate) struct SharedAccount {
    #[schema(value_type = Uuid)]
    id: AccountId,
    name: String,
    #[schema(value_type = String, pattern = "^(anthropic|gemini|openai)$")]
    provider: ProviderKind,
    health: HealthView,
}

/// An account, as far as the caller may see it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum VisibleAccount {
    /// One's own, or for an admin any.
    Whole(Box<AccountView>),
    /// Somebody else's that serves everybody.
    Shared(Box<SharedAccount>),
}

impl VisibleAccount {
    /// The accounts as they are shown to the caller, with one question to the database.
    async fn all_of(
        app: &App,
        caller: &Caller,
        accounts: Vec<UpstreamAccount>,
    ) -> Result<Vec<Self>, Problem> {
        let whole = accounts.iter().filter(|account| may_change(caller, account));
        let budgets = whole.map(Budgeted::from).collect();
        let mut budgets = BudgetView::all_of(app, budgets).await?.into_iter();
        let show = |account: UpstreamAccount| {
            let budget = may_change(caller, &account).then(|| budgets.next()).flatten();
            match budget {
                Some(budget) => Self::Whole(Box::new(AccountView::new(app, account, budget))),
                None => Self::shared(app, account),
            }
        };
        Ok(accounts.into_iter().map(show).collect())
    }

    fn shared(app: &App, account: UpstreamAccount) -> Self {
        let health = HealthView::for_members(cached_health(app, account.id));
        let (id, name, provider) = (account.id, account.name, account.provider);
        Self::Shared(Box::new(SharedAccount {
            id,
            name,
            provider,
            health,
        }))
    }
}

impl AccountView {
    /// The account, with what the present period has cost.
    async fn of(app: &App, account: UpstreamAccount) -> Result<Self, Problem> {
        let budget = BudgetView::of(app, Budgeted::from(&account)).await?;
        Ok(Self::new(app, account, budget))
    }

    fn new(app: &App, account: UpstreamAccount, budget: BudgetView) -> Self {
        Self {
            health: cached_health(app, account.id).into(),
            id: account.id,
            owner_id: account.owner_id,
            name: account.name,
            provider: account.provider,
            credential: CredentialView {
                r#type: account.credential_kind.as_str(),
                hint: account.credential_hint,
            },
            admin_credential: account.admin_credential.map(AdminCredentialView::from),
            base_url: account.base_url,
            proxy_url: account.proxy_url,
            is_active: account.is_active,
            priority: account.priority,
            weight: account.weight,
            max_concurrency: account.max_concurrency,
            limits: account.limits.into(),
            budget,
            models: account.models.into_iter().map(String::from).collect(),
            model_map: account.model_map,
            tags: account.tags,
            created_at: account.created_at,
            updated_at: account.updated_at,
            last_used_at: account.last_used_at,
        }
    }
}

query! {
    /// Which accounts are wanted.
    struct AccountQuery {
        /// `anthropic`, `gemini` or `openai`.
        #[param(value_type = Option<String>, pattern = "^(anthropic|gemini|openai)$")]
        provider: ProviderKind,
        /// A status of health: `healthy`, `degraded`, `cooling_down`, `unhealthy`, `disabled` or `unknown`.
        #[param(value_type = Option<String>, pattern = "^(healthy|degraded|cooling_down|unhealthy|disabled|unknown)$")]
        status: HealthStatus,
        /// From 1.
        #[param(minimum = 1)]
        page: u32,
        /// 1 to 100, 20 when left out.
        #[param(minimum = 1, maximum = 100)]
        page_size: u32,
    }
}

/// List the accounts: an admin sees all, a member their own and what may be shown of the shared ones.
#[utoipa::path(get, path = "/api/upstream-accounts", tag = "accounts", params(AccountQuery), security(("session" = [])), responses(
    (status = 200, description = "A page of accounts", body = List<VisibleAccount>),
    (status = 400, description = "A parameter is wrong", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn list(
    Member(caller): Member,
    request: HttpRequest,
    Query(query): Query<AccountQuery>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let page = page(query.page, query.page_size)?;
    let accounts = match query.status {
        None => {
            app.store
                .list_accounts(caller.scope(), query.provider, page)
                .await?
        }
        Some(status) => with_status(app, caller.scope(), query.provider, status, page).await?,
    };
    let views = VisibleAccount::all_of(app, &caller, accounts.items).await?;
    Ok(HttpResponse::Ok().json(List::new(views, accounts.total, page)))
}

/// Add an account: an admin's serves everybody, a member's that member's own keys only.
#[utoipa::path(post, path = "/api/upstream-accounts", tag = "accounts", request_body = NewAccount, security(("session" = [])), responses(
    (status = 201, description = "Added", body = AccountView),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn create(
    Member(caller): Member,
    request: HttpRequest,
    Json(body): Json<NewAccount>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let account = body.checked(app, &caller)?;
    let created = audit::changes(&request, &caller).create_account(account).await?;
    let account = created.ok_or_else(Problem::not_found)?;
    app.reload_accounts().await?;
    let location = format!("/api/upstream-accounts/{}", account.id);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .json(AccountView::of(app, account).await?))
}

/// One account.
#[utoipa::path(get, path = "/api/upstream-accounts/{id}", tag = "accounts", params(("id" = Uuid, Path)), security(("session" = [])), responses(
    (status = 200, description = "The account", body = VisibleAccount),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 404, description = "No such account, or not yours", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn read(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<AccountId>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let account = find(app, &caller, id).await?;
    let views = VisibleAccount::all_of(app, &caller, vec![account]).await?;
    Ok(HttpResponse::Ok().json(views.first()))
}

/// Change an account. Another server needs the credential anew.
#[utoipa::path(put, path = "/api/upstream-accounts/{id}", tag = "accounts", params(("id" = Uuid, Path)), request_body = AccountUpdate, security(("session" = [])), responses(
    (status = 200, description = "As it is now", body = AccountView),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "A shared account is not a member's to change", body = Envelope),
    (status = 404, description = "No such account, or not yours", body = Envelope),
    (status = 409, description = "`changed_meanwhile`: somebody else has led it elsewhere at the same time", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn update(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<AccountId>,
    Json(body): Json<AccountUpdate>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let account = find_to_change(app, &caller, id).await?;
    let changes = body.checked(app, &caller, id, account.provider, Some(&account))?;
    let updated = audit::changes(&request, &caller)
        .update_account(caller.scope(), id, changes)
        .await?;
    let account = updated.ok_or_else(Problem::not_found)?;
    app.reload_accounts().await?;
    Ok(HttpResponse::Ok().json(AccountView::of(app, account).await?))
}

/// Delete an account and its credential. What was used through it stays on record.
#[utoipa::path(delete, path = "/api/upstream-accounts/{id}", tag = "accounts", params(("id" = Uuid, Path)), security(("session" = [])), responses(
    (status = 204, description = "Deleted"),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "A shared account is not a member's to change", body = Envelope),
    (status = 404, description = "No such account, or not yours", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn remove(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<AccountId>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    find_to_change(app, &caller, id).await?;
    let changes = audit::changes(&request, &caller);
    if !changes.delete_account(caller.scope(), id).await? {
        return Err(Problem::not_found());
    }
    app.reload_accounts().await?;
    Ok(HttpResponse::NoContent().finish())
}

query! {
    /// How health is looked up.
    struct HealthQuery {
        /// `true` answers from memory and asks nobody.
        cached: bool,
    }
}

/// How an account is doing: asks its provider now, by the free models-list call.
///
/// From memory with `cached=true`, and for a shared account that the caller may not change.
#[utoipa::path(get, path = "/api/upstream-accounts/{id}/health", tag = "accounts", params(("id" = Uuid, Path), HealthQuery), security(("session" = [])), responses(
    (status = 200, description = "Whatever the finding", body = HealthView),
    (status = 400, description = "A parameter is wrong", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 404, description = "No such account, or not yours", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn health(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<AccountId>,
    Query(query): Query<HealthQuery>,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let account = find(app, &caller, id).await?;
    if !may_change(&caller, &account) {
        return Ok(HttpResponse::Ok().json(HealthView::for_members(cached_health(app, id))));
    }
    let is_live = !query.cached.unwrap_or(false);
    let probed = if is_live { engine.probe(id).await } else { None };
    let health = probed.unwrap_or_else(|| cached_health(app, id));
    Ok(HttpResponse::Ok().json(HealthView::from(health)))
}

/// Clear an account's cooldowns and failures.
#[utoipa::path(post, path = "/api/upstream-accounts/{id}/reset", tag = "accounts", params(("id" = Uuid, Path)), security(("session" = [])), responses(
    (status = 200, description = "How it is doing now", body = HealthView),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "A shared account is not a member's to change", body = Envelope),
    (status = 404, description = "No such account, or not yours", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn reset(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<AccountId>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    find_to_change(app, &caller, id).await?;
    let target = (AuditTarget::Account, id.to_string());
    audit::done(
        &request,
        audit::actor(&request, &caller),
        AuditAction::Reset,
        target,
    )
    .await?;
    let reset = app.proxy.catalogue().pool().reset(id);
    let health = reset.unwrap_or_else(|| cached_health(app, id));
    Ok(HttpResponse::Ok().json(HealthView::from(health)))
}

/// The account, if the caller may know of it.
async fn find(app: &App, caller: &Caller, id: AccountId) -> Result<UpstreamAccount, Problem> {
    let row = app.store.find_account(caller.scope(), id).await?;
    row.map(|row| row.account).ok_or_else(Problem::not_found)
}

/// The account, if the caller may change it.
pub(crate) async fn find_to_change(
    app: &App,
    caller: &Caller,
    id: AccountId,
) -> Result<UpstreamAccount, Problem> {
    let account = find(app, caller, id).await?;
    if may_change(caller, &account) {
        Ok(account)
    } else {
        Err(Problem::forbidden())
    }
}

/// A page of those that are doing like this. Health is in memory and not in the database, so they are counted here.
async fn with_status(
    app: &App,
    scope: Scope,
    provider: Option<ProviderKind>,
    status: HealthStatus,
    page: Page,
) -> Result<Paged<UpstreamAccount>, Problem> {
    let everything = Page {
        page: 1,
        page_size: u32::MAX,
    };
    let mut items = app.store.list_accounts(scope, provider, everything).await?.items;
    items.retain(|account| cached_health(app, account.id).status == status);
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let before = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let items = items
        .into_iter()
        .skip(before)
        .take(page.page_size as usize)
        .collect();
    Ok(Paged { items, total })
}

/// Whether the account is the caller's own, or any for an admin.
pub(crate) fn may_change(caller: &Caller, account: &UpstreamAccount) -> bool {
    caller.is_admin() || account.owner_id == Some(caller.user.id)
}

/// What memory says; nothing of an account that the catalogue had to leave out.
fn cached_health(app: &App, id: AccountId) -> Health {
    app.proxy.catalogue().pool().health(id).unwrap_or(Health {
        status: HealthStatus::Unknown,
        reason: None,
        until: None,
        checked_at: None,
        latency: None,
        http_status: None,
        in_flight: 0,
        success_rate: None,
        ttft: None,
        rate_limits: gateway_domain::RateLimits::default(),
    })
}
