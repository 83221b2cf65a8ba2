use std::collections::BTreeMap;
use std::fmt::Write as _;

use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse};
use gateway_domain::Timestamp;
use gateway_ledger::Shortage;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{self, App};
use crate::face::Envelope;
use crate::health::milliseconds;
use crate::policy::{Observer, Public, Scraper};

/// Whether it can serve.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    ready: bool,
    /// What is missing: `starting`, `draining`, `database`, `ledger`, `journal`, `disk`.
    #[schema(value_type = Vec<String>)]
    missing: Vec<&'static str>,
}

/// How the gateway is doing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Overview {
    /// `ok`, or `unavailable`.
    #[schema(value_type = String)]
    status: &'static str,
    /// What is missing: `starting`, `draining`, `database`, `ledger`, `journal`, `disk`.
    #[schema(value_type = Vec<String>)]
    missing: Vec<&'static str>,
    #[schema(value_type = String)]
    version: &'static str,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    uptime_seconds: u64,
    database: DatabaseView,
    accounts: AccountCounts,
    /// What an operator should mend, such as a default password that still works: for whoever may read the metrics, or asks
    /// on the gateway's own machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    warnings: Option<Vec<&'static str>>,
}

/// How the database is doing.
#[derive(Serialize, ToSchema)]
#[schema(as = Database)]
struct DatabaseView {
    /// `sqlite` or `postgres`.
    backend: String,
    /// How long it took to answer; `null` when it is away.
    latency_ms: Option<f64>,
}

/// How many upstream accounts there are.
#[derive(Serialize, ToSchema)]
struct AccountCounts {
    total: usize,
    /// By what their health is, in one word.
    by_status: BTreeMap<&'static str, usize>,
}

impl Overview {
    async fn of(app: &App, observer: Observer) -> Self {
        let latency = app.pulse.latency(app).await;
        let missing = missing(app, latency.is_some());
        Self {
            status: if missing.is_empty() { "ok" } else { "unavailable" },
            missing,
            version: env!("CARGO_PKG_VERSION"),
            started_at: app.started_at,
            uptime_seconds: app.clock.now().since(app.started_at).as_secs(),
            database: DatabaseView {
                backend: app.store.backend().to_string(),
                latency_ms: latency.map(milliseconds),
            },
            accounts: count_accounts(app),
            warnings: match observer {
                Observer::Operator => Some(warnings(app).await),
                Observer::Stranger => None,
            },
        }
    }
}

/// Whether a gateway is here; clients ask before they send.
#[utoipa::path(get, path = "/", tag = "operations", responses((status = 200, description = "Yes")))]
pub(crate) async fn root(_: Public) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .body("ok\n")
}

/// Whether a gateway is here; clients ask before they send.
#[utoipa::path(head, path = "/", tag = "operations", responses((status = 200, description = "Yes")))]
pub(crate) async fn root_head(_: Public) -> HttpResponse {
    HttpResponse::Ok().finish()
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, description = "It does")))]
pub(crate) async fn alive(_: Public) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .body("ok\n")
}

/// Whether it can serve.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses(
    (status = 200, description = "It can", body = Ready),
    (status = 503, description = "It cannot: `missing` says why", body = Ready),
))]
pub(crate) async fn ready(_: Public, request: HttpRequest) -> HttpResponse {
    let app = app::of(&request);
    let missing = missing(app, app.pulse.latency(app).await.is_some());
    let is_ready = missing.is_empty();
    let mut answer = if is_ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    answer.json(Ready {
        ready: is_ready,
        missing,
    })
}

/// How the gateway is doing, with version, uptime, database and accounts; for operators with what they should mend.
#[utoipa::path(get, path = "/health", tag = "operations", security((), ("metrics_token" = []), ("session" = [])), responses(
    (status = 200, description = "It can serve", body = Overview),
    (status = 503, description = "It cannot: `missing` says why", body = Overview),
))]
pub(crate) async fn overview(observer: Observer, request: HttpRequest) -> HttpResponse {
    let overview = Overview::of(app::of(&request), observer).await;
    let is_ready = overview.missing.is_empty();
    let mut answer = if is_ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    answer.json(overview)
}

/// What has been counted, as Prometheus reads it.
#[utoipa::path(get, path = "/metrics", tag = "operations", security(("metrics_token" = []), ("session" = []), ()), responses(
    (status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"),
    (status = 401, description = "Neither an admin's token nor the configured one", body = Envelope),
    (status = 403, description = "Not an admin", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn metrics(_: Scraper, request: HttpRequest) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(metrics_of(app::of(&request)))
}

fn metrics_of(app: &App) -> String {
    let mut text = app.proxy.scrape();
    text.push_str("# HELP gateway_client_connections Connections of clients that are open.\n");
    text.push_str("# TYPE gateway_client_connections gauge\n");
    let _ = writeln!(text, "gateway_client_connections {}", app.connections.count());
    text.push_str("# HELP gateway_database_connections Connections of the database pools.\n");
    text.push_str("# TYPE gateway_database_connections gauge\n");
    for pool in app.store.pools() {
        let name = pool.name;
        let states = [
            ("busy", pool.open.saturating_sub(pool.idle)),
            ("idle", pool.idle),
            ("waited_for", pool.waiting),
        ];
        for (state, count) in states {
            let _ = writeln!(
                text,
                "gateway_database_connections{{pool=\"{name}\",state=\"{state}\"}} {count}"
            );
        }
    }
    text.push_str("# EOF\n");
    text
}

fn missing(app: &App, has_database: bool) -> Vec<&'static str> {
    let database = (!has_database).then_some("database");
    let ledger = app.proxy.ledger().shortage().map(Shortage::as_str);
    app.readiness
        .obstacle()
        .into_iter()
        .chain(database)
        .chain(ledger)
        .collect()
}

fn count_accounts(app: &App) -> AccountCounts {
    let pool = app.proxy.catalogue().pool();
    let accounts = pool.accounts();
    let mut by_status = BTreeMap::new();
    for health in accounts.iter().filter_map(|account| pool.health(account.id)) {
        *by_status.entry(health.status.as_str()).or_default() += 1;
    }
    AccountCounts {
        total: accounts.len(),
        by_status,
    }
}

async fn warnings(app: &App) -> Vec<&'static str> {
    match app.store.has_default_passwords(app.sessions.hasher()).await {
        Ok(users) if !users.is_empty() => vec!["a default password still works; change it"],
        _ => Vec::new(),
    }
}
