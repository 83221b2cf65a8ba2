//! The Usage and Cost API.

use std::collections::BTreeMap;

use gateway_domain::{ProviderKind, Timestamp};
use serde_json::{Value, json};

use super::ApiError;
use crate::dialect::{Report, Reported};
use crate::organization::{Entry, Meter, Names, Organization, Page, decimal};
use crate::record::Billed;

/// Cents have so many digits in front of the trillionth of a dollar.
const CENT_DECIMALS: u32 = 10;

const USAGE: Names = Names {
    provider: ProviderKind::Anthropic,
    from: "starting_at",
    to: "ending_at",
    keys: Some("api_key_ids"),
    groups: Some("workspace_ids"),
    group_by: &[
        "api_key_id",
        "workspace_id",
        "model",
        "service_tier",
        "context_window",
    ],
    most_days: 31,
    read_time: |text| text.parse::<Timestamp>().ok().map(Timestamp::as_seconds),
};

/// Costs can be told for workspaces, and not be narrowed to them.
const COSTS: Names = Names {
    keys: None,
    groups: None,
    group_by: &["workspace_id", "description"],
    ..USAGE
};

pub(super) fn write(report: Report, query: &str, reported: &Reported<'_>) -> Result<Vec<u8>, ApiError> {
    let (names, rows): (Names, Rows) = match report {
        Report::Usage => (USAGE, used),
        Report::Costs => (COSTS, charged),
    };
    let page = Page::parse(query, names)?;
    let pages = page.days(reported.organization, reported.now.as_seconds());
    let data: Vec<Value> = pages
        .days
        .iter()
        .map(|day| {
            let entries: Vec<&Entry> = reported.of_day(*day).filter(|entry| page.wants(entry)).collect();
            json!({
                "starting_at": Timestamp::from_seconds(*day).to_string(),
                "ending_at": Timestamp::from_seconds(day + 86_400).to_string(),
                "results": rows(&page, &entries, reported.organization),
            })
        })
        .collect();
    Ok(
        json!({"data": data, "has_more": pages.next.is_some(), "next_page": pages.next})
            .to_string()
            .into_bytes(),
    )
}

type Rows = fn(&Page, &[&Entry], &Organization) -> Vec<Value>;

fn used(page: &Page, entries: &[&Entry], _: &Organization) -> Vec<Value> {
    let told = |what: &str, text: String| page.groups_by(what).then_some(text);
    let mut groups: BTreeMap<[Option<String>; 3], Billed> = BTreeMap::new();
    for entry in entries {
        let key = [
            told("model", entry.model.clone()),
            told(
                "api_key_id",
                Organization::api_key_id(ProviderKind::Anthropic, &entry.credential),
            ),
            told(
                "workspace_id",
                Organization::group_id(ProviderKind::Anthropic, &entry.credential),
            ),
        ];
        groups.entry(key).or_default().add(&entry.billed);
    }
    groups
        .into_iter()
        .map(|([model, api_key_id, workspace_id], billed)| {
            let tokens = billed.tokens;
            json!({
                "uncached_input_tokens": tokens.input,
                "cache_creation": {
                    "ephemeral_1h_input_tokens": tokens.cache_write_1h,
                    "ephemeral_5m_input_tokens": tokens.cache_write_5m,
                },
                "cache_read_input_tokens": tokens.cache_read,
                "output_tokens": tokens.output,
                "server_tool_use": {"web_search_requests": billed.web_searches},
                "api_key_id": api_key_id,
                "workspace_id": workspace_id,
                "model": model,
                "service_tier": told("service_tier", "standard".to_owned()),
                "context_window": told("context_window", "0-200k".to_owned()),
            })
        })
        .collect()
}

/// The model, if it is for one, and what is charged.
type Description = (Option<String>, Meter);

fn charged(page: &Page, entries: &[&Entry], organization: &Organization) -> Vec<Value> {
    let is_described = page.groups_by("description");
    let mut groups: BTreeMap<(Option<String>, Option<Description>), i128> = BTreeMap::new();
    for entry in entries {
        let Some(rates) = organization.rates.get(&entry.model) else {
            continue;
        };
        let workspace = page
            .groups_by("workspace_id")
            .then(|| Organization::group_id(ProviderKind::Anthropic, &entry.credential));
        for (meter, picodollars) in rates.charges(entry) {
            let model = (meter != Meter::WebSearch).then(|| entry.model.clone());
            let description = is_described.then_some((model, meter));
            *groups.entry((workspace.clone(), description)).or_default() += picodollars;
        }
    }
    groups
        .into_iter()
        .map(|((workspace_id, description), picodollars)| {
            let meter = description.as_ref().map(|(_, meter)| *meter);
            let model = description.and_then(|(model, _)| model);
            json!({
                "currency": "USD",
                "amount": decimal(picodollars, CENT_DECIMALS),
                "workspace_id": workspace_id,
                "description": meter.map(|meter| match &model {
                    Some(model) => format!("{model} Usage - {}", token_type(meter).unwrap_or_default()),
                    None => "Web Search Usage".to_owned(),
                }),
                "cost_type": meter.map(|meter| match meter {
                    Meter::WebSearch => "web_search",
                    _ => "tokens",
                }),
                "context_window": model.as_ref().map(|_| "0-200k"),
                "model": model,
                "service_tier": model.as_ref().map(|_| "standard"),
                "token_type": meter.and_then(token_type),
            })
        })
        .collect()
}

const fn token_type(meter: Meter) -> Option<&'static str> {
    match meter {
        Meter::Input => Some("uncached_input_tokens"),
        Meter::CacheRead => Some("cache_read_input_tokens"),
        Meter::CacheWriteShort => Some("cache_creation.ephemeral_5m_input_tokens"),
        Meter::CacheWriteLong => Some("cache_creation.ephemeral_1h_input_tokens"),
        Meter::Output => Some("output_tokens"),
        Meter::WebSearch => None,
    }
}
