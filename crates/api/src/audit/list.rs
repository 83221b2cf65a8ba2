use actix_web::{HttpRequest, HttpResponse};
use gateway_domain::{Timestamp, UserId};
use gateway_store::{AuditEntry, AuditFilter};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::app;
use crate::error::Problem;
use crate::face::Envelope;
use crate::policy::Admin;
use crate::query::{Query, page_size, query};

/// Something that was done, or refused.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditView {
    /// Its number, from 1.
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The user who did it; `null` for whoever was not signed in, and for the gateway itself.
    #[schema(value_type = Option<Uuid>)]
    actor_id: Option<UserId>,
    /// What the user was called at the time.
    actor: String,
    /// `sign_in`, `sign_out`, `refresh_token_reused`, `password_change`, `denial`, `create`, `change`, `delete`, `rotate`
    /// or `reset`.
    action: String,
    /// `user`, `api_key`, `account`, `price`, `session`, `master_key` or `route`.
    target_type: String,
    /// Which one: an id, the name of a model, or a method and a path.
    target_id: Option<String>,
    /// `done`, `refused` or `throttled`.
    result: String,
    /// The client's address.
    address: Option<String>,
    /// The `x-gateway-request-id` of the answer.
    request_id: Option<String>,
    /// What was changed as it was before, without secrets.
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// What was changed as it is since, without secrets; what else there is to say of a refusal.
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
}

/// A page of the log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditPage {
    data: Vec<AuditView>,
    /// Gets the next page; `null` on the last.
    next_cursor: Option<String>,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        let document = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            seq: entry.seq,
            at: entry.at,
            actor_id: entry.actor_id,
            actor: entry.actor,
            action: entry.action,
            target_type: entry.target,
            target_id: entry.target_id,
            result: entry.result,
            address: entry.address,
            request_id: entry.request_id,
            before: document(entry.before),
            after: document(entry.after),
        }
    }
}

query! {
    /// Which entries are wanted.
    struct AuditQuery {
        /// Only what this user did.
        #[param(value_type = Option<Uuid>)]
        actor_id: UserId,
        /// Only this action.
        action: String,
        /// Only what was done to this thing.
        target_id: String,
        /// The first moment.
        #[param(value_type = Option<String>, format = DateTime)]
        from: Timestamp,
        /// The first moment after.
        #[param(value_type = Option<String>, format = DateTime)]
        to: Timestamp,
        /// The `next_cursor` of the page before.
        cursor: i64,
        /// 1 to 100, 20 when left out.
        #[param(minimum = 1, maximum = 100)]
        page_size: u32,
    }
}

/// Who did what, when and from where, newest first.
#[utoipa::path(get, path = "/api/audit-log", tag = "audit", params(AuditQuery), security(("session" = [])), responses(
    (status = 200, description = "A page of the log", body = AuditPage),
    (status = 400, description = "A parameter is wrong", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not an admin", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn list(
    _: Admin,
    request: HttpRequest,
    Query(query): Query<AuditQuery>,
) -> Result<HttpResponse, Problem> {
    let size = page_size(query.page_size)?;
    let filter = AuditFilter {
        actor_id: query.actor_id,
        action: query.action,
        target_id: query.target_id,
        from: query.from,
        to: query.to,
        before: query.cursor,
    };
    let (entries, next) = app::of(&request).store.list_audit(filter, size).await?;
    Ok(HttpResponse::Ok().json(AuditPage {
        data: entries.into_iter().map(AuditView::from).collect(),
        next_cursor: next.map(|seq| seq.to_string()),
    }))
}
