use actix_web::{HttpRequest, HttpResponse};
use gateway_alerting::Alert;
use gateway_domain::{AlertId, Spender, Timestamp};
use gateway_store::{Cursor, RaisedAlert, Slice};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::app;
use crate::error::{Code, Problem};
use crate::face::Envelope;
use crate::policy::Admin;
use crate::query::{Query, page_size, query};

/// An alert that was raised, and how far it has come on its way to the webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Alert)]
pub(crate) struct AlertView {
    /// The `webhook-id` that it is sent with.
    #[schema(value_type = Uuid)]
    id: AlertId,
    /// `budget_threshold`, `account_out`, `account_back` or `test`.
    kind: String,
    /// `null` for a test.
    subject: Option<SubjectView>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it is sent next; `null` when it was delivered, given up, or raised without a webhook.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
    /// How often it was sent.
    attempts: u32,
    /// When the webhook accepted it.
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    /// What the last attempt that failed came to.
    last_error: Option<String>,
    /// What is sent.
    #[schema(value_type = Object)]
    payload: Option<Box<RawValue>>,
}

/// Whom or what an alert is about.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertSubject)]
struct SubjectView {
    /// `api_key`, `user` or `account`.
    #[schema(value_type = String)]
    r#type: &'static str,
    #[schema(value_type = Uuid)]
    id: String,
}

/// A page of alerts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertPage {
    data: Vec<AlertView>,
    /// Gets the next page; `null` on the last.
    next_cursor: Option<String>,
}

/// A test that is on its way.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestAlert {
    /// The `webhook-id` that it is sent with.
    #[schema(value_type = Uuid)]
    id: AlertId,
}

impl From<Slice<RaisedAlert>> for AlertPage {
    fn from(slice: Slice<RaisedAlert>) -> Self {
        Self {
            data: slice.items.into_iter().map(AlertView::from).collect(),
            next_cursor: slice.next.map(|cursor| cursor.to_string()),
        }
    }
}

impl From<RaisedAlert> for AlertView {
    fn from(alert: RaisedAlert) -> Self {
        Self {
            id: alert.id,
            kind: alert.kind,
            subject: alert.subject.map(SubjectView::from),
            created_at: alert.created_at,
            next_attempt_at: alert.next_attempt_at,
            attempts: alert.attempts,
            delivered_at: alert.delivered_at,
            last_error: alert.last_error,
            payload: RawValue::from_string(alert.payload).ok(),
        }
    }
}

impl From<Spender> for SubjectView {
    fn from(subject: Spender) -> Self {
        Self {
            r#type: subject.kind(),
            id: subject.id().to_string(),
        }
    }
}

query! {
    /// Which alerts are wanted.
    struct AlertQuery {
        /// The `next_cursor` of the page before.
        #[param(value_type = Option<String>)]
        cursor: Cursor,
        /// 1 to 100, 20 when left out.
        #[param(minimum = 1, maximum = 100)]
        page_size: u32,
    }
}

/// The alerts that were raised, newest first.
#[utoipa::path(get, path = "/api/alerts", tag = "alerts", params(AlertQuery), security(("session" = [])), responses(
    (status = 200, description = "A page of alerts", body = AlertPage),
    (status = 400, description = "A parameter is wrong", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not an admin", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn list(
    _: Admin,
    request: HttpRequest,
    Query(query): Query<AlertQuery>,
) -> Result<HttpResponse, Problem> {
    let size = page_size(query.page_size)?;
    let page = app::of(&request).store.list_alerts(query.cursor, size).await?;
    Ok(HttpResponse::Ok().json(AlertPage::from(page)))
}

/// Send a test to the webhook, the way that alerts go.
#[utoipa::path(post, path = "/api/alerts/test", tag = "alerts", security(("session" = [])), responses(
    (status = 202, description = "On its way; `GET /api/alerts` shows what comes of it", body = TestAlert),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "Not an admin", body = Envelope),
    (status = 409, description = "`no_webhook`: none is configured", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn test(_: Admin, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    if !app.settings.has_webhook {
        return Err(no_webhook());
    }
    let alert = Alert::Test;
    let raised = app.store.raise_alert(&alert, Some(app.clock.now())).await?;
    let id = raised.expect("a test has no occasion that could have been told of");
    app.proxy.metrics().alert_raised(alert.kind());
    Ok(HttpResponse::Accepted().json(TestAlert { id }))
}

fn no_webhook() -> Problem {
    Problem::new(
        Code::NoWebhook,
        "no webhook is configured: set alerts.webhook_url and alerts.webhook_secret",
    )
}
