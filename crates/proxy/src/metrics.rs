use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use gateway_alerting::AlertKind;
use gateway_balancing::HealthStatus;
use gateway_ledger::Shortage;
use gateway_metering::RequestRecord;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::Shared;

/// Seconds; from what a cached answer takes to what a long one does.
const LATENCY_BUCKETS: [f64; 14] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0,
];

/// What the gateway has counted since it started.
///
/// No label takes a value that a client can choose.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    faults: Family<FaultLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    cost: Family<ProviderLabels, Counter<f64, AtomicU64>>,
    duration: Family<StreamLabels, Histogram, fn() -> Histogram>,
    ttft: Family<StreamLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    unpriced: Counter,
    missing_usage: Counter,
    refused_retries: Counter,
    alerts: Family<AlertLabels, Counter>,
    failed_deliveries: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    dialect: &'static str,
    status: &'static str,
    http_status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    account_id: String,
    provider: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaultLabels {
    provider: &'static str,
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    provider: &'static str,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StreamLabels {
    dialect: &'static str,
    stream: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlertLabels {
    kind: &'static str,
}

fn latency_histogram() -> Histogram {
    Histogram::new(LATENCY_BUCKETS)
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("gateway");
        let requests = Family::default();
        registry.register("requests", "Requests ended, by how they ended", requests.clone());
        let attempts = Family::default();
        registry.register(
            "attempts",
            "Tries at upstream accounts, by how they ended",
            attempts.clone(),
        );
        let faults = Family::default();
        registry.register("faults", "Failed attempts, by fault class", faults.clone());
        let tokens = Family::default();
        registry.register("tokens", "Tokens used, by rate", tokens.clone());
        let cost = Family::default();
        registry.register("cost_usd", "Cost of what was used, in US dollars", cost.clone());
        let duration = Family::new_with_constructor(latency_histogram as fn() -> Histogram);
        let help = "Time from a request's arrival to its last byte";
        registry.register_with_unit("request_duration", help, Unit::Seconds, duration.clone());
        let ttft = Family::new_with_constructor(latency_histogram as fn() -> Histogram);
        let help = "Time from a streamed request's arrival to its first content";
        registry.register_with_unit("time_to_first_token", help, Unit::Seconds, ttft.clone());
        let in_flight = Gauge::default();
        registry.register("requests_in_flight", "Requests open now", in_flight.clone());
        let unpriced = Counter::default();
        registry.register(
            "unpriced_attempts",
            "Attempts whose model has no known price",
            unpriced.clone(),
        );
        let missing_usage = Counter::default();
        registry.register(
            "attempts_without_usage",
            "Answers that named no usage",
            missing_usage.clone(),
        );
        let refused_retries = Counter::default();
        registry.register(
            "retries_refused",
            "Further tries that were not made because too many had been",
            refused_retries.clone(),
        );
        let alerts = Family::default();
        registry.register("alerts", "Alerts raised by this process, by kind", alerts.clone());
        let failed_deliveries = Counter::default();
        registry.register(
            "alert_deliveries_failed",
            "Attempts to send an alert that its webhook did not accept",
            failed_deliveries.clone(),
        );
        Self {
            registry,
            requests,
            attempts,
            faults,
            tokens,
            cost,
            duration,
            ttft,
            in_flight,
            unpriced,
            missing_usage,
            refused_retries,
            alerts,
            failed_deliveries,
        }
    }

    pub(crate) fn request_started(&self) {
        self.in_flight.inc();
    }

    pub(crate) fn model_unpriced(&self) {
        self.unpriced.inc();
    }

    pub(crate) fn usage_missing(&self) {
        self.missing_usage.inc();
    }

    pub(crate) fn retry_refused(&self) {
        self.refused_retries.inc();
    }

    /// An alert was raised.
    pub fn alert_raised(&self, kind: AlertKind) {
        let kind = kind.as_str();
        self.alerts.get_or_create(&AlertLabels { kind }).inc();
    }

    /// A webhook did not accept an alert.
    pub fn alert_not_delivered(&self) {
        self.failed_deliveries.inc();
    }

    pub(crate) fn request_ended(&self, record: &RequestRecord) {
        self.in_flight.dec();
        let dialect = record.dialect.as_str();
        let status = record.status.as_str();
        let http_status = record.http_status.unwrap_or(0);
        self.requests
            .get_or_create(&RequestLabels {
                dialect,
                status,
                http_status,
            })
            .inc();
        let stream = StreamLabels {
            dialect,
            stream: if record.stream { "true" } else { "false" },
        };
        self.duration
            .get_or_create(&stream)
            .observe(record.latency.as_secs_f64());
        if let Some(ttft) = record.ttft {
            self.ttft.get_or_create(&stream).observe(ttft.as_secs_f64());
        }
        for attempt in &record.attempts {
            let provider = attempt.provider.as_str();
            let labels = AttemptLabels {
                account_id: attempt.account_id.to_string(),
                provider,
                status: attempt.status.as_str(),
            };
            self.attempts.get_or_create(&labels).inc();
            if let Some(fault) = attempt.fault {
                self.faults
                    .get_or_create(&FaultLabels {
                        provider,
                        class: fault.as_str(),
                    })
                    .inc();
            }
            let tokens = &attempt.usage.tokens;
            let kinds = [
                ("input", tokens.input),
                ("cache_read", tokens.cache_read),
                ("cache_write_5m", tokens.cache_write_5m),
                ("cache_write_1h", tokens.cache_write_1h),
                ("output", tokens.output),
            ];
            for (kind, count) in kinds.into_iter().filter(|(_, count)| *count > 0) {
                self.tokens
                    .get_or_create(&TokenLabels { provider, kind })
                    .inc_by(count);
            }
            if let Some(cost) = attempt.cost {
                #[expect(clippy::cast_precision_loss, reason = "a graph needs no nano-dollars")]
                let dollars = cost.as_nanos() as f64 / 1e9;
                self.cost
                    .get_or_create(&ProviderLabels { provider })
                    .inc_by(dollars);
            }
        }
    }

    /// OpenMetrics text without its closing line: what was counted, and the state of accounts, ledger and streams as of now.
    pub(crate) fn encode(&self, shared: &Shared) -> String {
        let mut out = String::new();
        if text::encode_registry(&mut out, &self.registry).is_err() {
            tracing::error!("the metrics cannot be written");
        }
        gauges(&mut out, shared);
        out
    }
}

/// What is read at the moment of the scrape rather than counted.
fn gauges(out: &mut String, shared: &Shared) {
    let pool = shared.catalogue.pool();
    let accounts = pool.accounts();
    let mut status_lines = String::new();
    let mut in_flight_lines = String::new();
    for account in &accounts {
        let Some(health) = pool.health(account.id) else {
            continue;
        };
        let (id, provider) = (account.id, account.provider);
        for status in HealthStatus::ALL {
            let value = u8::from(health.status == status);
            let _ = writeln!(
                status_lines,
                "gateway_account_status{{account_id=\"{id}\",provider=\"{provider}\",status=\"{}\"}} {value}",
                status.as_str()
            );
        }
        let _ = writeln!(
            in_flight_lines,
            "gateway_account_in_flight{{account_id=\"{id}\"}} {}",
            health.in_flight
        );
    }
    out.push_str("# HELP gateway_account_status Which state an upstream account is in: 1 for that one.\n");
    out.push_str("# TYPE gateway_account_status gauge\n");
    out.push_str(&status_lines);
    out.push_str("# HELP gateway_account_in_flight Requests open at an upstream account.\n");
    out.push_str("# TYPE gateway_account_in_flight gauge\n");
    out.push_str(&in_flight_lines);
    out.push_str("# HELP gateway_requests_waiting Requests that wait for a place at an upstream account.\n");
    out.push_str("# TYPE gateway_requests_waiting gauge\n");
    let _ = writeln!(out, "gateway_requests_waiting {}", pool.waiting());
    out.push_str("# HELP gateway_ledger_queue Finished requests that wait to be written to the database.\n");
    out.push_str("# TYPE gateway_ledger_queue gauge\n");
    let _ = writeln!(out, "gateway_ledger_queue {}", shared.ledger.depth());
    out.push_str("# HELP gateway_ledger_written Requests written to the database.\n");
    out.push_str("# TYPE gateway_ledger_written counter\n");
    let _ = writeln!(out, "gateway_ledger_written_total {}", shared.ledger.written());
    out.push_str(
        "# HELP gateway_ledger_rejected Requests set aside since the database can never keep them.\n",
    );
    out.push_str("# TYPE gateway_ledger_rejected counter\n");
    let _ = writeln!(out, "gateway_ledger_rejected_total {}", shared.ledger.rejected());
    out.push_str("# HELP gateway_journal_bytes What the journal takes of the disk.\n");
    out.push_str("# TYPE gateway_journal_bytes gauge\n");
    let _ = writeln!(out, "gateway_journal_bytes {}", shared.ledger.journal_bytes());
    out.push_str("# HELP gateway_journal_full Whether new requests are refused since the journal or its disk is full.\n");
    out.push_str("# TYPE gateway_journal_full gauge\n");
    let is_full = matches!(shared.ledger.shortage(), Some(Shortage::Journal | Shortage::Disk));
    let _ = writeln!(out, "gateway_journal_full {}", u8::from(is_full));
    out.push_str("# HELP gateway_open_streams Streams open now.\n");
    out.push_str("# TYPE gateway_open_streams gauge\n");
    let open_streams = shared.open_streams.load(Ordering::Relaxed);
    let _ = writeln!(out, "gateway_open_streams {open_streams}");
}
