use std::fmt::{Display, Write as _};
use std::str::FromStr;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use bytes::Bytes;
use futures_util::stream;
use gateway_domain::{AccountId, ApiKeyId, Nanodollars, RequestId, Timestamp, UserId};
use gateway_store::{Cursor, ExportedAttempt, Slice, Store, StoreError, UsageFilter};
use serde::Serialize;

use crate::app::App;
use crate::error::Problem;
use crate::health::milliseconds;
use crate::usage_view::TokensView;

/// Rows read from the database at once: neither side ever holds more.
const ROWS_AT_ONCE: u32 = 500;

/// How exported rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Comma-separated, with a line of names first.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// The word names no format.
#[derive(Debug, thiserror::Error)]
#[error("expected csv or jsonl")]
pub(crate) struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        match word {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::Jsonl),
            _ => Err(UnknownFormat),
        }
    }
}

impl Format {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/jsonl; charset=utf-8",
        }
    }

    const fn disposition(self) -> &'static str {
        match self {
            Self::Csv => "attachment; filename=\"usage.csv\"",
            Self::Jsonl => "attachment; filename=\"usage.jsonl\"",
        }
    }

    fn head(self) -> String {
        match self {
            Self::Csv => format!("{}\r\n", COLUMNS.join(",")),
            Self::Jsonl => String::new(),
        }
    }

    fn write(self, text: &mut String, row: &Row) {
        match self {
            Self::Csv => row.write_csv(text),
            Self::Jsonl => {
                let json = serde_json::to_string(row).expect("nothing in a row can fail to be written");
                text.push_str(&json);
                text.push('\n');
            }
        }
    }
}

/// Streams every row that `filter` lets through, oldest first.
pub(crate) async fn answer(app: &App, filter: UsageFilter, format: Format) -> Result<HttpResponse, Problem> {
    // The first rows before the head: a database that is away is still a proper answer then.
    let first = app
        .store
        .export_attempts(filter.clone(), None, ROWS_AT_ONCE)
        .await?;
    let body = rows(Arc::clone(&app.store), filter, format, first);
    Ok(HttpResponse::Ok()
        .content_type(format.content_type())
        .insert_header((CONTENT_DISPOSITION, format.disposition()))
        .streaming(body))
}

/// The pieces of the body. One that cannot be read breaks it off, so that nobody takes a part for the whole.
fn rows(
    store: Arc<Store>,
    filter: UsageFilter,
    format: Format,
    first: Slice<ExportedAttempt>,
) -> impl stream::Stream<Item = Result<Bytes, StoreError>> {
    stream::try_unfold((Some(first), format.head()), move |(slice, mut text)| {
        let (store, filter) = (Arc::clone(&store), filter.clone());
        async move {
            let Some(slice) = slice else {
                return Ok(None);
            };
            for attempt in slice.items {
                format.write(&mut text, &Row::from(attempt));
            }
            let next = match slice.next {
                Some(cursor) => Some(next_rows(&store, filter, cursor).await?),
                None => None,
            };
            Ok(Some((Bytes::from(text), (next, String::new()))))
        }
    })
}

/// The rows from `cursor` on. No connection is held while the client takes those before.
async fn next_rows(
    store: &Store,
    filter: UsageFilter,
    cursor: Cursor,
) -> Result<Slice<ExportedAttempt>, StoreError> {
    let rows = store.export_attempts(filter, Some(cursor), ROWS_AT_ONCE).await;
    if let Err(error) = &rows {
        tracing::warn!(%error, "an export breaks off: its client sees that it is not whole");
    }
    rows
}

/// The names of the columns, in order.
const COLUMNS: [&str; 31] = [
    "request_id",
    "attempt",
    "started_at",
    "user_id",
    "key_id",
    "account_id",
    "provider",
    "dialect",
    "model",
    "upstream_model",
    "stream",
    "status",
    "http_status",
    "fault",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "usage_source",
    "cost_usd",
    "price_version",
    "latency_ms",
    "ttft_ms",
    "upstream_request_id",
    "upstream_message_id",
    "web_searches",
    "service_tier",
    "speed",
    "inference_geo",
];

/// One attempt.
#[derive(Serialize)]
struct Row {
    request_id: RequestId,
    attempt: u16,
    started_at: Timestamp,
    user_id: UserId,
    key_id: ApiKeyId,
    account_id: AccountId,
    provider: String,
    dialect: String,
    model: String,
    upstream_model: String,
    stream: bool,
    status: &'static str,
    http_status: Option<u16>,
    fault: Option<String>,
    #[serde(flatten)]
    tokens: TokensView,
    usage_source: String,
    cost_usd: Option<Nanodollars>,
    price_version: Option<String>,
    latency_ms: f64,
    ttft_ms: Option<f64>,
    upstream_request_id: Option<String>,
    upstream_message_id: Option<String>,
    web_searches: u64,
    service_tier: Option<String>,
    speed: Option<String>,
    inference_geo: Option<String>,
}

impl From<ExportedAttempt> for Row {
    fn from(exported: ExportedAttempt) -> Self {
        let attempt = exported.attempt;
        Self {
            request_id: attempt.request_id,
            attempt: attempt.number,
            started_at: attempt.started_at,
            user_id: attempt.user_id,
            key_id: attempt.key_id,
            account_id: attempt.account_id,
            provider: attempt.provider,
            dialect: exported.dialect,
            model: attempt.model,
            upstream_model: attempt.upstream_model,
            stream: exported.stream,
            status: attempt.status.as_str(),
            http_status: attempt.http_status,
            fault: attempt.fault,
            tokens: attempt.usage.tokens.into(),
            usage_source: attempt.usage_source,
            cost_usd: attempt.cost,
            price_version: attempt.price_version,
            latency_ms: milliseconds(attempt.latency),
            ttft_ms: attempt.ttft.map(milliseconds),
            upstream_request_id: attempt.upstream_request_id,
            upstream_message_id: attempt.upstream_message_id,
            web_searches: attempt.usage.web_searches,
            service_tier: attempt.usage.service_tier,
            speed: attempt.usage.speed,
            inference_geo: attempt.usage.inference_geo,
        }
    }
}

impl Row {
    fn write_csv(&self, text: &mut String) {
        let tokens = &self.tokens;
        let _ = write!(text, "{},{},{},", self.request_id, self.attempt, self.started_at);
        let _ = write!(text, "{},{},{},", self.user_id, self.key_id, self.account_id);
        for word in [&self.provider, &self.dialect, &self.model, &self.upstream_model] {
            cell(text, word);
        }
        let _ = write!(text, "{},{},", self.stream, self.status);
        number(text, self.http_status);
        cell(text, self.fault.as_deref().unwrap_or_default());
        for count in [
            tokens.input_tokens,
            tokens.cache_read_tokens,
            tokens.cache_write_5m_tokens,
            tokens.cache_write_1h_tokens,
            tokens.output_tokens,
            tokens.reasoning_tokens,
        ] {
            let _ = write!(text, "{count},");
        }
        cell(text, &self.usage_source);
        number(text, self.cost_usd);
        cell(text, self.price_version.as_deref().unwrap_or_default());
        number(text, Some(self.latency_ms));
        number(text, self.ttft_ms);
        cell(text, self.upstream_request_id.as_deref().unwrap_or_default());
        cell(text, self.upstream_message_id.as_deref().unwrap_or_default());
        let _ = write!(text, "{},", self.web_searches);
        for word in [&self.service_tier, &self.speed, &self.inference_geo] {
            cell(text, word.as_deref().unwrap_or_default());
        }
        text.pop();
        text.push_str("\r\n");
    }
}

/// Writes one cell with a number, or with nothing, and a comma.
fn number(text: &mut String, value: Option<impl Display>) {
    if let Some(value) = value {
        let _ = write!(text, "{value}");
    }
    text.push(',');
}

/// Writes one cell with words and a comma, quoted where RFC 4180 wants it.
///
/// What a spreadsheet would take for a formula gets a `'` in front: clients choose what stands in `model`.
fn cell(text: &mut String, value: &str) {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let value = if is_formula {
        format!("'{value}")
    } else {
        value.to_owned()
    };
    if value.contains([',', '"', '\n', '\r']) {
        let _ = write!(text, "\"{}\",", value.replace('"', "\"\""));
    } else {
        let _ = write!(text, "{value},");
    }
}

#[cfg(test)]
mod tests {
    use gateway_domain::Nanodollars;

    use super::{cell, number};

    #[test]
    fn cells_are_quoted_and_are_no_formulas() {
        for (value, written) in [
            ("", ","),
            ("claude-sonnet-4-5", "claude-sonnet-4-5,"),
            ("a,b", "\"a,b\","),
            ("say \"hi\"", "\"say \"\"hi\"\"\","),
            ("two\nlines", "\"two\nlines\","),
            ("=cmd()", "'=cmd(),"),
            ("@sum", "'@sum,"),
            ("-1,2", "\"'-1,2\","),
            ("\n=cmd()", "\"'\n=cmd()\","),
            ("\"=cmd()", "\"\"\"=cmd()\","),
        ] {
            let mut text = String::new();
            cell(&mut text, value);
            assert_eq!(text, written, "{value}");
        }
    }

    #[test]
    fn numbers_are_exact_and_nothing_is_an_empty_cell() {
        let mut text = String::new();
        number(&mut text, Some(Nanodollars::from_nanos(-1)));
        number(&mut text, Some(Nanodollars::from_nanos(i64::MAX)));
        number(&mut text, None::<u16>);
        number(&mut text, Some(12.5));
        assert_eq!(text, "-0.000000001,9223372036.854775807,,12.5,");
    }
}
