//! The Usage and Cost API of an organisation.

use gateway_domain::{OrganizationPart, ReportScope, Timestamp, TokenCounts};
use http::Request;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::form_urlencoded::Serializer;

use super::Anthropic;
use super::request::report;
use crate::amount::{self, Unit};
use crate::organization::{Framed, day_of, named};
use crate::{
    CostLine, InvalidTarget, MOST_REPORT_DAYS, OrganizationReports, ReportPage, ReportQuery, Target,
    UnreadableReport, UsageLine,
};

/// Keys see no costs here: only workspaces do.
impl OrganizationReports for Anthropic {
    fn usage_request(&self, target: &Target, wanted: &ReportQuery<'_>) -> Result<Request<()>, InvalidTarget> {
        let mut query = query(wanted);
        query.append_pair("group_by[]", "model");
        if let Some(id) = &wanted.part.api_key_id {
            query.append_pair("api_key_ids[]", id);
        }
        if let Some(id) = &wanted.part.workspace_id {
            query.append_pair("workspace_ids[]", id);
        }
        report(target, "/v1/organizations/usage_report/messages", &query.finish())
    }

    fn cost_request(
        &self,
        target: &Target,
        wanted: &ReportQuery<'_>,
    ) -> Result<Option<Request<()>>, InvalidTarget> {
        if wanted.part.scope() == ReportScope::ApiKey {
            return Ok(None);
        }
        let mut query = query(wanted);
        query.append_pair("group_by[]", "description");
        if wanted.part.workspace_id.is_some() {
            query.append_pair("group_by[]", "workspace_id");
        }
        report(target, "/v1/organizations/cost_report", &query.finish()).map(Some)
    }

    fn read_usage(&self, body: &[u8]) -> Result<ReportPage<UsageLine>, UnreadableReport> {
        let page: Framed<Bucket<Used>> = serde_json::from_slice(body)?;
        page.read(|bucket| {
            let day = day_of(bucket.starting_at);
            Ok(bucket
                .results
                .into_iter()
                .map(|used| used.into_line(day))
                .collect())
        })
    }

    fn read_costs(
        &self,
        body: &[u8],
        part: &OrganizationPart,
    ) -> Result<ReportPage<CostLine>, UnreadableReport> {
        let page: Framed<Bucket<Charged<'_>>> = serde_json::from_slice(body)?;
        page.read(|bucket| {
            let day = day_of(bucket.starting_at);
            let wanted = bucket
                .results
                .into_iter()
                .filter(|charged| part.workspace_id.is_none() || charged.workspace_id == part.workspace_id);
            wanted.filter_map(|charged| charged.into_line(day)).collect()
        })
    }
}

fn query(wanted: &ReportQuery<'_>) -> Serializer<'static, String> {
    let mut query = Serializer::new(String::new());
    query
        .append_pair("starting_at", &wanted.from.to_string())
        .append_pair("ending_at", &wanted.to.to_string())
        .append_pair("bucket_width", "1d")
        .append_pair("limit", &MOST_REPORT_DAYS.to_string());
    if let Some(page) = wanted.page {
        query.append_pair("page", page);
    }
    query
}

#[derive(Deserialize)]
struct Bucket<R> {
    starting_at: Timestamp,
    results: Vec<R>,
}

#[derive(Deserialize)]
struct Used {
    model: Option<String>,
    uncached_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    server_tool_use: Option<ServerToolUse>,
}

#[derive(Deserialize, Default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Deserialize, Default)]
struct ServerToolUse {
    web_search_requests: Option<u64>,
}

impl Used {
    fn into_line(self, day: Timestamp) -> UsageLine {
        let writes = self.cache_creation.unwrap_or_default();
        let tools = self.server_tool_use.unwrap_or_default();
        UsageLine {
            day,
            model: named(self.model),
            tokens: TokenCounts {
                input: self.uncached_input_tokens.unwrap_or(0),
                cache_read: self.cache_read_input_tokens.unwrap_or(0),
                cache_write_5m: writes.ephemeral_5m_input_tokens.unwrap_or(0),
                cache_write_1h: writes.ephemeral_1h_input_tokens.unwrap_or(0),
                output: self.output_tokens.unwrap_or(0),
                reasoning: 0,
            },
            web_searches: Some(tools.web_search_requests.unwrap_or(0)),
            requests: None,
        }
    }
}

#[derive(Deserialize)]
struct Charged<'a> {
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    currency: Option<String>,
    model: Option<String>,
    workspace_id: Option<String>,
}

impl Charged<'_> {
    fn into_line(self, day: Timestamp) -> Option<Result<CostLine, UnreadableReport>> {
        let cost = amount::read(self.amount?, self.currency.as_deref(), Unit::Cents);
        Some(cost.map(|cost| CostLine {
            day,
            model: named(self.model),
            cost,
        }))
    }
}
