//! Who did what: the log itself, and what the face writes into it.

mod list;
mod repeats;

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, rt};
use gateway_auth::{Caller, network_of};
use gateway_store::{Actor, AuditAction, AuditEvent, AuditResult, AuditTarget, Changes};
use serde_json::Map;
use tracing::Instrument as _;

pub(crate) use list::*;
pub(crate) use repeats::Repeats;

use self::repeats::Kind;
use crate::app::App;
use crate::error::{Code, Problem};
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

/// Does what is begun to its end, also if the client goes away meanwhile: that it was done shall be written down.
pub(crate) async fn unbroken(
    work: impl Future<Output = Result<HttpResponse, Problem>> + 'static,
) -> Result<HttpResponse, Problem> {
    rt::spawn(work.in_current_span())
        .await
        .unwrap_or_else(|_| Err(Problem::new(Code::InternalError, "the gateway failed to answer")))
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
    /// Writes it down, unless it was a moment ago, or many others of its kind from the same network: these are counted.
    ///
    /// It differs from others in its actor and in `what`. What it was done to is looked up only if it is written down.
    pub(crate) async fn note(
        self,
        request: &HttpRequest,
        what: &str,
        target_id: impl AsyncFnOnce() -> Option<String>,
    ) {
        let app = app::of(request);
        let kind = Kind {
            action: self.action,
            target: self.target,
            result: self.result,
            network: self.actor.address.map(network_of),
        };
        let what = (&self.actor.name, what);
        let Some(unwritten) = app.repeats.begin(kind, what, app.clock.monotonic()) else {
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
        record(app, event).await;
    }
}

impl App {
    /// Writes down, once a minute, how many refusals were only counted.
    pub async fn keep_noting_repeats(&self) {
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            self.note_repeats(self.clock.monotonic()).await;
        }
    }

    /// Writes all of them down, as the process ends.
    pub async fn note_last_repeats(&self) {
        self.note_repeats(Duration::MAX).await;
    }

    async fn note_repeats(&self, now: Duration) {
        for (kind, unwritten) in self.repeats.over(now) {
            let event = AuditEvent {
                actor: Actor {
                    address: kind.network,
                    ..Actor::gateway("audit log")
                },
                action: kind.action,
                target: kind.target,
                target_id: None,
                result: kind.result,
                details: Map::from_iter([("unwritten_before".to_owned(), unwritten.into())]),
            };
            record(self, event).await;
        }
    }
}

async fn record(app: &App, event: AuditEvent) {
    if let Err(error) = app.store.record_audit(event).await {
        tracing::warn!(%error, "a refusal is not in the audit log");
    }
}

/// Writes down that somebody of whom nothing is known tries too often.
pub(crate) async fn throttled(request: &HttpRequest, action: AuditAction, target: AuditTarget) {
    let refused = Refused {
        actor: stranger(request),
        action,
        target,
        result: AuditResult::Throttled,
    };
    refused.note(request, "", async || None).await;
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
    refused.note(request, &route, async || Some(route.clone())).await;
}
