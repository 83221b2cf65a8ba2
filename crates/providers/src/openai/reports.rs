//! The Usage and Costs API of an organisation.

mod line_item;

use gateway_domain::{OrganizationPart, Timestamp, TokenCounts};
use http::Request;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::form_urlencoded::Serializer;

use super::OpenAi;
use super::request::report;
use crate::amount::{self, Unit};
use crate::organization::{Framed, day_of, named};
use crate::{
    CostLine, InvalidTarget, MOST_REPORT_DAYS, OrganizationReports, ReportPage, ReportQuery, Target,
    UnreadableReport, UsageLine,
};

/// Searches of the web are in a report of their own, and a line of their own among the costs.
impl OrganizationReports for OpenAi {
    fn usage_request(&self, target: &Target, wanted: &ReportQuery<'_>) -> Result<Request<()>, InvalidTarget> {
        let query = query(wanted, "model");
        report(target, "/organization/usage/completions", &query)
    }

    fn cost_request(
        &self,
        target: &Target,
        wanted: &ReportQuery<'_>,
    ) -> Result<Option<Request<()>>, InvalidTarget> {
        let query = query(wanted, "line_item");
        report(target, "/organization/costs", &query).map(Some)
    }

    fn read_usage(&self, body: &[u8]) -> Result<ReportPage<UsageLine>, UnreadableReport> {
        let page: Framed<Bucket<Used>> = serde_json::from_slice(body)?;
        page.read(|bucket| {
            let day = bucket.day();
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
        _: &OrganizationPart,
    ) -> Result<ReportPage<CostLine>, UnreadableReport> {
        let page: Framed<Bucket<Charged<'_>>> = serde_json::from_slice(body)?;
        page.read(|bucket| {
            let day = bucket.day();
            let results = bucket.results.into_iter();
            results.filter_map(|charged| charged.into_line(day)).collect()
        })
    }
}

fn query(wanted: &ReportQuery<'_>, group_by: &str) -> String {
    let mut query = Serializer::new(String::new());
    query
        .append_pair("start_time", &wanted.from.as_seconds().to_string())
        .append_pair("end_time", &wanted.to.as_seconds().to_string())
        .append_pair("bucket_width", "1d")
        .append_pair("limit", &MOST_REPORT_DAYS.to_string())
        .append_pair("group_by[]", group_by);
    if let Some(id) = &wanted.part.api_key_id {
        query.append_pair("api_key_ids[]", id);
    }
    if let Some(id) = &wanted.part.project_id {
        query.append_pair("project_ids[]", id);
    }
    if let Some(page) = wanted.page {
        query.append_pair("page", page);
    }
    query.finish()
}

#[derive(Deserialize)]
struct Bucket<R> {
    start_time: i64,
    results: Vec<R>,
}

impl<R> Bucket<R> {
    fn day(&self) -> Timestamp {
        day_of(Timestamp::from_seconds(self.start_time))
    }
}

/// Input tokens are all of them: what was read from the cache and what was written to it is told once more.
#[derive(Deserialize)]
struct Used {
    model: Option<String>,
    input_tokens: Option<u64>,
    input_cached_tokens: Option<u64>,
    input_cache_write_tokens: Option<u64>,
    input_cache_write_12h_tokens: Option<u64>,
    output_tokens: Option<u64>,
    num_model_requests: Option<u64>,
}

impl Used {
    fn into_line(self, day: Timestamp) -> UsageLine {
        let cache_read = self.input_cached_tokens.unwrap_or(0);
        let long_write = self.input_cache_write_12h_tokens.unwrap_or(0);
        let written = self
            .input_cache_write_tokens
            .unwrap_or(long_write)
            .max(long_write);
        let input = self.input_tokens.unwrap_or(0);
        UsageLine {
            day,
            model: named(self.model),
            tokens: TokenCounts {
                input: input.saturating_sub(cache_read).saturating_sub(written),
                cache_read,
                cache_write_5m: written - long_write,
                cache_write_1h: long_write,
                output: self.output_tokens.unwrap_or(0),
                reasoning: 0,
            },
            web_searches: None,
            requests: self.num_model_requests,
        }
    }
}

#[derive(Deserialize)]
struct Charged<'a> {
    #[serde(borrow)]
    amount: Option<Amount<'a>>,
    line_item: Option<String>,
}

#[derive(Deserialize)]
struct Amount<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    currency: Option<String>,
}

impl Charged<'_> {
    fn into_line(self, day: Timestamp) -> Option<Result<CostLine, UnreadableReport>> {
        let amount = self.amount?;
        let cost = amount::read(amount.value?, amount.currency.as_deref(), Unit::Dollars);
        Some(cost.map(|cost| {
            CostLine {
                day,
                model: self
                    .line_item
                    .as_deref()
                    .and_then(line_item::model)
                    .map(str::to_owned),
                cost,
            }
        }))
    }
}
