use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse};
use gateway_auth::Caller;
use gateway_domain::{Limits, Role, Timestamp, User, UserId};
use gateway_store::UserChanges;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::allowance_form::{BudgetUpdate, LimitsUpdate, NO_BUDGET};
use crate::allowance_view::{BudgetView, Budgeted, LimitsView};
use crate::app::{self, App};
use crate::audit;
use crate::body::Json;
use crate::error::Problem;
use crate::face::Envelope;
use crate::object::present_object;
use crate::patch::present;
use crate::path::Id;
use crate::policy::Admin;
use crate::query::{List, Query, page, query};
use crate::rules::Check;
use crate::secret::Secret;

/// A person who can sign in.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserView {
    #[schema(value_type = Uuid)]
    id: UserId,
    username: String,
    email: String,
    #[schema(value_type = String, pattern = "^(admin|member)$")]
    role: Role,
    is_active: bool,
    /// Whether the password is one that somebody else knows.
    must_change_password: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_login_at: Option<Timestamp>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            email: user.email,
            role: user.role,
            is_active: user.is_active,
            must_change_password: user.must_change_password,
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_login_at: user.last_login_at,
        }
    }
}

/// A user as an admin sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ManagedUser {
    #[serde(flatten)]
    user: UserView,
    limits: LimitsView,
    budget: BudgetView,
}

impl ManagedUser {
    /// The user, with what the present period has cost.
    async fn of(app: &App, user: User) -> Result<Self, Problem> {
        let budget = BudgetView::of(app, Budgeted::from(&user)).await?;
        Ok(Self::new(user, budget))
    }

    /// The same for many users, with one question to the database.
    async fn all_of(app: &App, users: Vec<User>) -> Result<Vec<Self>, Problem> {
        let budgets = users.iter().map(Budgeted::from).collect();
        let budgets = BudgetView::all_of(app, budgets).await?;
        let shown = users.into_iter().zip(budgets);
        Ok(shown.map(|(user, budget)| Self::new(user, budget)).collect())
    }

    fn new(user: User, budget: BudgetView) -> Self {
        Self {
            limits: user.limits.into(),
            budget,
            user: user.into(),
        }
    }
}

/// A user to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// 1 to 64 letters, digits, `.`, `_` or `-`.
    username: String,
    email: String,
    /// 8 to 72 bytes, for admins 12 to 72. The user has to change it.
    #[schema(value_type = String, format = Password)]
    password: Secret,
    #[schema(value_type = String, pattern = "^(admin|member)$")]
    role: Role,
    /// How fast all of the user's keys together may be used.
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    limits: Option<LimitsUpdate>,
    /// How much they may cost together.
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    budget: Option<BudgetUpdate>,
}

/// Changes of a user; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserUpdate {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    email: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, value_type = Option<String>, pattern = "^(admin|member)$")]
    role: Option<Role>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    is_active: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, value_type = Option<String>, format = Password)]
    password: Option<Secret>,
    /// How fast all of the user's keys together may be used.
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    limits: Option<LimitsUpdate>,
    /// How much they may cost together.
    #[serde(default, deserialize_with = "present_object")]
    #[schema(nullable = false)]
    budget: Option<BudgetUpdate>,
}

/// Characters of what is searched for. Longer than any name.
const MOST_OF_Q: usize = 320;

query! {
    /// Which users are wanted.
    struct UserQuery {
        /// A part of the username or the e-mail address.
        #[param(max_length = 320)]
        q: String,
        /// From 1.
        #[param(minimum = 1)]
        page: u32,
        /// 1 to 100, 20 when left out.
        #[param(minimum = 1, maximum = 100)]
        page_size: u32,
    }
}

/// List the users.
#[utoipa::path(get, path = "/api/users", tag = "users", params(UserQuery), security(("session" = [])), responses(
    (status = 200, description = "A page of users", body = List<ManagedUser>),
    (status = 400, description = "A parameter is wrong", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not an admin", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn list(
    _: Admin,
    request: HttpRequest,
    Query(query): Query<UserQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page(query.page, query.page_size)?;
    let app = app::of(&request);
    if query.q.as_ref().is_some_and(|q| q.chars().count() > MOST_OF_Q) {
        return Err(Problem::parameter("q", "expected at most 320 characters"));
    }
    let users = app.store.list_users(query.q.as_deref(), page).await?;
    let views = ManagedUser::all_of(app, users.items).await?;
    Ok(HttpResponse::Ok().json(List::new(views, users.total, page)))
}

/// Make a user.
#[utoipa::path(post, path = "/api/users", tag = "users", request_body = NewUser, security(("session" = [])), responses(
    (status = 201, description = "Made", body = ManagedUser),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not an admin", body = Envelope),
    (status = 409, description = "`username_taken` or `email_taken`", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn create(
    Admin(caller): Admin,
    request: HttpRequest,
    Json(body): Json<NewUser>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let user = body.checked(app).await?;
    let user = audit::changes(&request, &caller).create_user(user).await?;
    let location = format!("/api/users/{}", user.id);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .json(ManagedUser::of(app, user).await?))
}

/// One user.
#[utoipa::path(get, path = "/api/users/{id}", tag = "users", params(("id" = Uuid, Path)), security(("session" = [])), responses(
    (status = 200, description = "The user", body = ManagedUser),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not an admin", body = Envelope),
    (status = 404, description = "No such user", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn read(
    _: Admin,
    request: HttpRequest,
    Id(id): Id<UserId>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let user = app.store.find_user(id).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(ManagedUser::of(app, user).await?))
}

/// Change a user.
///
/// A new role holds from the next request on. A new password and a deactivation end the user's sign-ins, a deactivation stops
/// the user's API keys.
#[utoipa::path(put, path = "/api/users/{id}", tag = "users", params(("id" = Uuid, Path)), request_body = UserUpdate, security(("session" = [])), responses(
    (status = 200, description = "As it is now", body = ManagedUser),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not an admin", body = Envelope),
    (status = 404, description = "No such user", body = Envelope),
    (status = 409, description = "`email_taken` or `last_admin`", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn update(
    Admin(caller): Admin,
    request: HttpRequest,
    Id(id): Id<UserId>,
    Json(body): Json<UserUpdate>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let user = app.store.find_user(id).await?.ok_or_else(Problem::not_found)?;
    let changes = body.checked(app, &caller, &user).await?;
    let user = audit::changes(&request, &caller)
        .update_user(id, changes)
        .await?
        .ok_or_else(Problem::not_found)?;
    app.forget_keys();
    Ok(HttpResponse::Ok().json(ManagedUser::of(app, user).await?))
}

/// Delete a user, with all of the user's API keys and own accounts. What was used stays on record.
#[utoipa::path(delete, path = "/api/users/{id}", tag = "users", params(("id" = Uuid, Path)), security(("session" = [])), responses(
    (status = 204, description = "Deleted"),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not an admin", body = Envelope),
    (status = 404, description = "No such user", body = Envelope),
    (status = 409, description = "`last_admin`", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn remove(
    Admin(caller): Admin,
    request: HttpRequest,
    Id(id): Id<UserId>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    if !audit::changes(&request, &caller).delete_user(id).await? {
        return Err(Problem::not_found());
    }
    app.forget_keys();
    app.reload_accounts().await?;
    Ok(HttpResponse::NoContent().finish())
}

impl NewUser {
    async fn checked(self, app: &App) -> Result<gateway_store::NewUser, Problem> {
        let mut check = Check::default();
        check.username("username", &self.username);
        check.email("email", &self.email);
        check.password("password", &self.password, self.role);
        let limits = self.limits.map_or_else(Limits::default, |wish| {
            wish.checked(&mut check, Limits::default())
        });
        let budget = self
            .budget
            .map_or(NO_BUDGET, |wish| wish.checked(&mut check, NO_BUDGET));
        check.finish()?;
        let password_hash = app
            .sessions
            .hash_new_password(self.password.into_inner(), self.role)
            .await?;
        Ok(gateway_store::NewUser {
            username: self.username,
            email: self.email,
            password_hash,
            role: self.role,
            must_change_password: true,
            limits,
            budget,
        })
    }
}

impl UserUpdate {
    async fn checked(self, app: &App, caller: &Caller, user: &User) -> Result<UserChanges, Problem> {
        let role = self.role.unwrap_or(user.role);
        let mut check = Check::default();
        if let Some(email) = &self.email {
            check.email("email", email);
        }
        if let Some(password) = &self.password {
            check.password("password", password, role);
        }
        let limits = self.limits.map(|wish| wish.checked(&mut check, user.limits));
        let budget = self.budget.map(|wish| wish.checked(&mut check, user.budget));
        check.finish()?;
        let password_hash = match self.password {
            Some(password) => Some(
                app.sessions
                    .hash_new_password(password.into_inner(), role)
                    .await?,
            ),
            None => None,
        };
        // A password that somebody else has chosen is one that somebody else knows.
        let must_change_password = password_hash.is_some().then_some(caller.user.id != user.id);
        let (email, role, is_active) = (self.email, self.role, self.is_active);
        Ok(UserChanges {
            email,
            role,
            is_active,
            password_hash,
            must_change_password,
            limits,
            budget,
        })
    }
}
