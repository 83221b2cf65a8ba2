use actix_web::http::header::USER_AGENT;
use actix_web::{HttpRequest, HttpResponse};
use gateway_auth::{AuthError, Directory as _, SignIn, TokenPair};
use gateway_domain::SessionId;
use gateway_store::{Actor, AuditAction, AuditResult, AuditTarget};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::address::ClientAddress;
use crate::audit::{self, Refused};
use crate::body::{Json, OptionalJson};
use crate::error::Problem;
use crate::face::Envelope;
use crate::policy::{Public, SignedIn};
use crate::secret::Secret;
use crate::users::UserView;
use crate::{app, default_credentials};

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The username, or the e-mail address.
    username: String,
    #[schema(value_type = String, format = Password)]
    password: Secret,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    /// Works once.
    #[schema(value_type = String, format = Password)]
    refresh_token: Secret,
}

/// A change of one's own password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    #[schema(value_type = String, format = Password)]
    current_password: Secret,
    /// 8 to 72 bytes, for admins 12 to 72.
    #[schema(value_type = String, format = Password)]
    new_password: Secret,
}

/// What signing in gives.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// Goes with every request as `Authorization: Bearer`.
    access_token: String,
    /// Gets the next pair; works once.
    refresh_token: String,
    #[schema(value_type = String, example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: u64,
    user: UserView,
}

impl From<TokenPair> for Tokens {
    fn from(pair: TokenPair) -> Self {
        Self {
            access_token: pair.access_token.expose_secret().to_owned(),
            refresh_token: pair.refresh_token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: pair.expires_in.as_secs(),
            user: pair.user.into(),
        }
    }
}

/// Sign in.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = Login, responses(
    (status = 200, description = "Signed in", body = Tokens),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "`invalid_credentials`: unknown user, wrong password or deactivated user", body = Envelope),
    (status = 403, description = "`password_change_required`: a published password, from another machine", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 429, description = "`too_many_attempts`", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn login(
    _: Public,
    request: HttpRequest,
    ClientAddress(address): ClientAddress,
    Json(login): Json<Login>,
) -> Result<HttpResponse, Problem> {
    audit::unbroken(async move {
        if let Err(problem) = default_credentials::refuse_published(login.password.expose(), &request) {
            let actor = audit::stranger(&request);
            note_failure(
                &request,
                AuditResult::Refused,
                AuditAction::SignIn,
                actor,
                &login.username,
            )
            .await;
            return Err(problem);
        }
        let user_agent = request
            .headers()
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        let sign_in = SignIn {
            login: login.username,
            password: login.password.into_inner(),
            address,
            user_agent: user_agent.map(|agent| agent.chars().take(400).collect()),
        };
        let login = sign_in.login.clone();
        match app::of(&request).sessions.sign_in(sign_in).await {
            Ok(pair) => {
                let actor = Actor {
                    user_id: Some(pair.user.id),
                    name: pair.user.username.clone(),
                    ..audit::stranger(&request)
                };
                let target = (AuditTarget::User, pair.user.id.to_string());
                audit::done(&request, actor, AuditAction::SignIn, target).await?;
                Ok(HttpResponse::Ok().json(Tokens::from(pair)))
            }
            Err(error) => {
                if let Some(result) = failure(&error) {
                    let actor = audit::stranger(&request);
                    note_failure(&request, result, AuditAction::SignIn, actor, &login).await;
                }
                Err(error.into())
            }
        }
    })
    .await
}

/// Exchange a refresh token for a new pair.
///
/// A token works once; presenting a used one again ends the whole sign-in.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "auth", request_body = Refresh, responses(
    (status = 200, description = "A new pair", body = Tokens),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "`invalid_token`", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 429, description = "`too_many_attempts`", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn refresh(
    _: Public,
    request: HttpRequest,
    ClientAddress(address): ClientAddress,
    Json(refresh): Json<Refresh>,
) -> Result<HttpResponse, Problem> {
    audit::unbroken(async move {
        let refreshed = app::of(&request)
            .sessions
            .refresh(refresh.refresh_token.expose(), address)
            .await;
        match &refreshed {
            Err(AuthError::RefreshTokenReused { session_id }) => {
                note_reuse(&request, audit::stranger(&request), *session_id).await?;
            }
            Err(AuthError::TooManyAttempts { .. }) => {
                audit::throttled(&request, AuditAction::Refresh, AuditTarget::Session).await;
            }
            _ => {}
        }
        Ok(HttpResponse::Ok().json(Tokens::from(refreshed?)))
    })
    .await
}

/// Writes down that a refresh token came a second time, and that the sign-in has ended by it.
async fn note_reuse(request: &HttpRequest, actor: Actor, session_id: SessionId) -> Result<(), Problem> {
    let target = (AuditTarget::Session, session_id.to_string());
    audit::done(request, actor, AuditAction::RefreshTokenReused, target).await
}

/// How a failure is called in the log; `None` for what says nothing about who tries.
fn failure(error: &AuthError) -> Option<AuditResult> {
    match error {
        AuthError::InvalidCredentials => Some(AuditResult::Refused),
        AuthError::TooManyAttempts { .. } => Some(AuditResult::Throttled),
        _ => None,
    }
}

/// Writes down that somebody could not prove to be who they say. What was typed is not: some people type their password
/// there.
async fn note_failure(
    request: &HttpRequest,
    result: AuditResult,
    action: AuditAction,
    actor: Actor,
    login: &str,
) {
    let refused = Refused {
        actor,
        action,
        target: AuditTarget::User,
        result,
    };
    refused
        .note(request, &login.to_lowercase(), async || {
            // Nobody has such a name.
            if login.contains('\0') {
                return None;
            }
            let user = app::of(request).store.user_by_login(login).await.ok().flatten();
            user.map(|(user, _)| user.id.to_string())
        })
        .await;
}

/// Sign out: both tokens end at once.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", request_body = Option<Refresh>, security(("session" = [])), responses(
    (status = 204, description = "Signed out"),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "Not valid", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn logout(
    SignedIn(caller): SignedIn,
    request: HttpRequest,
    OptionalJson(body): OptionalJson<Refresh>,
) -> Result<HttpResponse, Problem> {
    audit::unbroken(async move {
        let refresh_token = body.as_ref().map(|body| body.refresh_token.expose());
        let reused = app::of(&request)
            .sessions
            .sign_out(&caller, refresh_token)
            .await?;
        let target = (AuditTarget::Session, caller.session_id.to_string());
        let actor = audit::actor(&request, &caller);
        if let Some(session_id) = reused {
            note_reuse(&request, actor.clone(), session_id).await?;
        }
        audit::done(&request, actor, AuditAction::SignOut, target).await?;
        Ok(HttpResponse::NoContent().finish())
    })
    .await
}

/// Who am I?
#[utoipa::path(get, path = "/api/auth/me", tag = "auth", security(("session" = [])), responses(
    (status = 200, description = "The user that the token belongs to", body = UserView),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn me(SignedIn(caller): SignedIn) -> HttpResponse {
    HttpResponse::Ok().json(UserView::from(caller.user))
}

/// Change one's own password: every other sign-in of the user ends.
#[utoipa::path(post, path = "/api/auth/password", tag = "auth", request_body = PasswordChange, security(("session" = [])), responses(
    (status = 204, description = "Changed"),
    (status = 400, description = "Malformed JSON", body = Envelope),
    (status = 401, description = "Not signed in, or `invalid_credentials`: the current password is wrong", body = Envelope),
    (status = 413, description = "Too large", body = Envelope),
    (status = 415, description = "Not JSON", body = Envelope),
    (status = 422, description = "The new password is too short, too long or too common", body = Envelope),
    (status = 429, description = "`too_many_attempts`", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn change_password(
    SignedIn(caller): SignedIn,
    request: HttpRequest,
    Json(change): Json<PasswordChange>,
) -> Result<HttpResponse, Problem> {
    audit::unbroken(async move {
        let (current, new) = (
            change.current_password.into_inner(),
            change.new_password.into_inner(),
        );
        let changed = app::of(&request)
            .sessions
            .change_password(&caller, current, new)
            .await;
        let actor = audit::actor(&request, &caller);
        if let Err(error) = changed {
            if let Some(result) = failure(&error) {
                let username = &caller.user.username;
                note_failure(&request, result, AuditAction::PasswordChange, actor, username).await;
            }
            return Err(Problem::from(error).about("new_password"));
        }
        let target = (AuditTarget::User, caller.user.id.to_string());
        audit::done(&request, actor, AuditAction::PasswordChange, target).await?;
        Ok(HttpResponse::NoContent().finish())
    })
    .await
}
