//! Who did what: the log itself, and what the face writes into it.

mod list;
mod repeats;

use actix_web::HttpRequest;
use gateway_auth::Caller;
use gateway_store::{Actor, AuditAction, AuditEvent, AuditResult, AuditTarget, Changes};
use serde_json::Map;

pub(crate) use list::*;
pub(crate) use repeats::Repeats;

use crate::error::Problem;
use crate::{address, app, exchange};

/// Changes in the caller's name.
pub(crate) fn changes<'a>(request: &'a HttpRequest, caller: &Caller) -> Changes<'a> {
    app::of(request).store.by(actor(request, caller))
}

/// Whoever is signed in.
pub(crate) fn actor(request: &HttpRequest, caller: &Caller) -> Actor {
    Actor {
        user_id: Some(caller.user.id),
        name: caller.user.username.clone(),
        ..stranger(request)
    }
}

/// Whoever is not.
pub(crate) fn stranger(request: &HttpRequest) -> Actor {
    Actor::stranger(address::of(request), exchange::name_of(request).id.to_string())
}

/// Writes down what was done.
///
/// # Errors
///
/// When it cannot be written down: nobody shall have the use of it then.
pub(crate) async fn done(
    request: &HttpRequest,
    actor: Actor,
    action: AuditAction,
    (target, target_id): (AuditTarget, String),
) -> Result<(), Problem> {
    let event = AuditEvent {
        actor,
        action,
        target,
        target_id: Some(target_id),
        result: AuditResult::Done,
        details: Map::new(),
    };
    Ok(app::of(request).store.record_audit(event).await?)
}

/// What was asked for in vain.
pub(crate) struct Refused {
    pub(crate) actor: Actor,
    pub(crate) action: AuditAction,
    pub(crate) target: AuditTarget,
    pub(crate) result: AuditResult,
}

impl Refused {
    /// Writes it down: the first of its kind from this address at once, and how many there were since once a minute.
    ///
    /// What it was done to is looked up only if it is written down.
    pub(crate) async fn note(self, request: &HttpRequest, target_id: impl AsyncFnOnce() -> Option<String>) {
        let app = app::of(request);
        let kind = (self.action, self.result, self.actor.address);
        let Some(unwritten) = app.repeats.begin(kind, app.clock.monotonic()) else {
            return;
        };
        let mut details = Map::new();
        if unwritten > 0 {
            details.insert("unwritten_before".to_owned(), unwritten.into());
        }
        let event = AuditEvent {
            actor: self.actor,
            action: self.action,
            target: self.target,
            target_id: target_id().await,
            result: self.result,
            details,
        };
        if let Err(error) = app.store.record_audit(event).await {
            tracing::warn!(%error, "a refusal is not in the audit log");
        }
    }
}

/// Writes down that a caller asked for what it may not have.
pub(crate) async fn denied(request: &HttpRequest, actor: Actor) {
    let path = request.match_pattern().unwrap_or_default();
    let refused = Refused {
        actor,
        action: AuditAction::Denial,
        target: AuditTarget::Route,
        result: AuditResult::Refused,
    };
    let route = format!("{} {path}", request.method());
    refused.note(request, async || Some(route)).await;
}
