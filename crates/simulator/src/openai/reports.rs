//! The Usage and Costs API.

use std::collections::BTreeMap;

use gateway_domain::ProviderKind;
use serde_json::{Value, json};

use super::usage::Inclusive;
use crate::dialect::{Report, Reported};
use crate::error::ApiError;
use crate::organization::{Entry, Meter, Names, Organization, Page, decimal};
use crate::record::Billed;

/// Dollars have so many digits in front of the trillionth of one.
const DOLLAR_DECIMALS: u32 = 12;

const USAGE: Names = Names {
    provider: ProviderKind::OpenAi,
    from: "start_time",
    to: "end_time",
    keys: Some("api_key_ids"),
    groups: Some("project_ids"),
    group_by: &[
        "project_id",
        "user_id",
        "api_key_id",
        "model",
        "batch",
        "service_tier",
    ],
    most_days: 31,
    read_time: |text| text.parse().ok(),
};

const COSTS: Names = Names {
    group_by: &["project_id", "line_item", "api_key_id"],
    most_days: 180,
    ..USAGE
};

pub(super) fn write(report: Report, query: &str, reported: &Reported<'_>) -> Result<Vec<u8>, ApiError> {
    let (names, rows): (Names, Rows) = match report {
        Report::Usage => (USAGE, used),
        Report::Costs => (COSTS, charged),
    };
    let page = Page::parse(query, names)?;
    let pages = page.days(reported.organization, reported.now.as_seconds());
    let buckets: Vec<String> = pages
        .days
        .iter()
        .map(|day| {
            let entries: Vec<&Entry> = reported.of_day(*day).filter(|entry| page.wants(entry)).collect();
            let results = rows(&page, &entries, reported.organization).join(",");
            let end = day + 86_400;
            format!(r#"{{"object":"bucket","start_time":{day},"end_time":{end},"results":[{results}]}}"#)
        })
        .collect();
    Ok(format!(
        r#"{{"object":"page","data":[{}],"has_more":{},"next_page":{}}}"#,
        buckets.join(","),
        pages.next.is_some(),
        Value::from(pages.next),
    )
    .into_bytes())
}

/// Each row as JSON, since an amount has more digits than a number of a JSON library.
type Rows = fn(&Page, &[&Entry], &Organization) -> Vec<String>;

fn used(page: &Page, entries: &[&Entry], _: &Organization) -> Vec<String> {
    let mut groups: BTreeMap<[Option<String>; 3], Billed> = BTreeMap::new();
    for entry in entries {
        let model = page.groups_by("model").then(|| entry.model.clone());
        let [project_id, api_key_id] = owner(page, entry);
        groups
            .entry([model, project_id, api_key_id])
            .or_default()
            .add(&entry.billed);
    }
    groups
        .into_iter()
        .map(|([model, project_id, api_key_id], billed)| {
            let tokens = Inclusive::from(billed.tokens);
            json!({
                "object": "organization.usage.completions.result",
                "input_tokens": tokens.input,
                "output_tokens": tokens.output,
                "input_cached_tokens": tokens.cached,
                "input_cache_write_tokens": tokens.written,
                "input_cache_write_30m_tokens": billed.tokens.cache_write_5m,
                "input_cache_write_12h_tokens": billed.tokens.cache_write_1h,
                "input_audio_tokens": 0,
                "output_audio_tokens": 0,
                "num_model_requests": billed.messages,
                "project_id": project_id,
                "user_id": null,
                "api_key_id": api_key_id,
                "model": model,
                "batch": null,
                "service_tier": page.groups_by("service_tier").then_some("default"),
            })
            .to_string()
        })
        .collect()
}

fn charged(page: &Page, entries: &[&Entry], organization: &Organization) -> Vec<String> {
    let mut groups: BTreeMap<[Option<String>; 3], i128> = BTreeMap::new();
    for entry in entries {
        let Some(rates) = organization.rates.get(&entry.model) else {
            continue;
        };
        let [project_id, api_key_id] = owner(page, entry);
        for (meter, picodollars) in rates.charges(entry) {
            let line_item = page
                .groups_by("line_item")
                .then(|| line_item(&entry.model, meter));
            let key = [line_item, project_id.clone(), api_key_id.clone()];
            *groups.entry(key).or_default() += picodollars;
        }
    }
    groups
        .into_iter()
        .map(|([line_item, project_id, api_key_id], picodollars)| {
            format!(
                r#"{{"object":"organization.costs.result","amount":{{"value":{},"currency":"usd"}},"line_item":{},"project_id":{},"api_key_id":{}}}"#,
                decimal(picodollars, DOLLAR_DECIMALS),
                Value::from(line_item),
                Value::from(project_id),
                Value::from(api_key_id),
            )
        })
        .collect()
}

/// The ids that the report tells of whom an entry belongs to: project and key.
fn owner(page: &Page, entry: &Entry) -> [Option<String>; 2] {
    let provider = ProviderKind::OpenAi;
    [
        page.groups_by("project_id")
            .then(|| Organization::group_id(provider, &entry.credential)),
        page.groups_by("api_key_id")
            .then(|| Organization::api_key_id(provider, &entry.credential)),
    ]
}

fn line_item(model: &str, meter: Meter) -> String {
    let what = match meter {
        Meter::Input => "input",
        Meter::CacheRead => "cached input",
        Meter::CacheWriteShort => "cache write 30m",
        Meter::CacheWriteLong => "cache write 12h",
        Meter::Output => "output",
        Meter::WebSearch => return "web search tool calls".to_owned(),
    };
    format!("{model}, {what}")
}
