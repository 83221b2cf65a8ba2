//! What is asked of an organisation's own reports, and how they are read.

use gateway_domain::{Credential, Nanodollars, OrganizationPart, ReportScope, Timestamp, TokenCounts};
use gateway_providers::{
    CostLine, OrganizationReports, Provider, ReportQuery, Target, UnreadableReport, UsageLine,
};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};

use crate::support::{anthropic, gemini, openai};

const ADMIN_KEY: &str = "sk-ant-admin01-the-organisations-own";
const ANTHROPIC_USAGE: &str = include_str!("../fixtures/reports/anthropic_usage.json");
const ANTHROPIC_COST: &str = include_str!("../fixtures/reports/anthropic_cost.json");
const OPENAI_USAGE: &str = include_str!("../fixtures/reports/openai_usage.json");
const OPENAI_COSTS: &str = include_str!("../fixtures/reports/openai_costs.json");

fn reports(provider: &dyn Provider) -> &'static dyn OrganizationReports {
    provider.organization_reports().expect("the provider has reports")
}

fn day(text: &str) -> Timestamp {
    format!("{text}T00:00:00Z").parse().expect("a day")
}

fn query<'a>(part: &'a OrganizationPart, page: Option<&'a str>) -> ReportQuery<'a> {
    ReportQuery {
        from: day("2026-11-20"),
        to: day("2026-11-22"),
        part,
        page,
    }
}

fn target(base_url: &str) -> Target {
    Target::parse(base_url, Credential::ApiKey(ADMIN_KEY.into())).expect("a target")
}

/// The addresses of both reports, without their scheme.
fn asked(
    provider: &dyn Provider,
    base_url: &str,
    part: &OrganizationPart,
    page: Option<&str>,
) -> (String, Option<String>) {
    let (reports, target) = (reports(provider), target(base_url));
    let usage = reports
        .usage_request(&target, &query(part, page))
        .expect("a request");
    let cost = reports
        .cost_request(&target, &query(part, page))
        .expect("a request");
    (
        usage.uri().to_string(),
        cost.map(|request| request.uri().to_string()),
    )
}

fn part(api_key_id: Option<&str>, workspace_id: Option<&str>, project_id: Option<&str>) -> OrganizationPart {
    OrganizationPart {
        api_key_id: api_key_id.map(str::to_owned),
        workspace_id: workspace_id.map(str::to_owned),
        project_id: project_id.map(str::to_owned),
    }
}

#[test]
fn anthropic_is_asked_by_model_and_day_for_the_part_that_is_meant() {
    let days =
        "starting_at=2026-11-20T00%3A00%3A00Z&ending_at=2026-11-22T00%3A00%3A00Z&bucket_width=1d&limit=31";
    let usage = format!("https://api.anthropic.com/v1/organizations/usage_report/messages?{days}");
    let cost = format!("https://api.anthropic.com/v1/organizations/cost_report?{days}");
    let base_url = anthropic().default_base_url();
    assert_eq!(
        asked(
            anthropic(),
            base_url,
            &OrganizationPart::default(),
            Some("page_a=")
        ),
        (
            format!("{usage}&page=page_a%3D&group_by%5B%5D=model"),
            Some(format!("{cost}&page=page_a%3D&group_by%5B%5D=description"))
        )
    );
    assert_eq!(
        asked(anthropic(), base_url, &part(None, Some("wrkspc_1"), None), None),
        (
            format!("{usage}&group_by%5B%5D=model&workspace_ids%5B%5D=wrkspc_1"),
            Some(format!(
                "{cost}&group_by%5B%5D=description&group_by%5B%5D=workspace_id"
            ))
        )
    );
    // Costs are not broken down to keys.
    assert_eq!(
        asked(
            anthropic(),
            base_url,
            &part(Some("apikey_1"), Some("wrkspc_1"), None),
            None
        ),
        (
            format!("{usage}&group_by%5B%5D=model&api_key_ids%5B%5D=apikey_1&workspace_ids%5B%5D=wrkspc_1"),
            None
        )
    );
}

#[test]
fn openai_is_asked_by_model_and_line_item_for_the_part_that_is_meant() {
    let days = "start_time=1795132800&end_time=1795305600&bucket_width=1d&limit=31";
    let address = |path: &str| format!("http://localhost:9000/v1/organization/{path}?{days}");
    for base_url in ["http://localhost:9000", "http://localhost:9000/v1/"] {
        assert_eq!(
            asked(
                openai(),
                base_url,
                &part(Some("key_1"), None, Some("proj_1")),
                Some("p")
            ),
            (
                format!(
                    "{}&group_by%5B%5D=model&api_key_ids%5B%5D=key_1&project_ids%5B%5D=proj_1&page=p",
                    address("usage/completions")
                ),
                Some(format!(
                    "{}&group_by%5B%5D=line_item&api_key_ids%5B%5D=key_1&project_ids%5B%5D=proj_1&page=p",
                    address("costs")
                ))
            )
        );
    }
}

#[test]
fn reports_are_asked_for_with_the_admins_key_and_without_a_body() {
    let part = OrganizationPart::default();
    let ask = |provider: &dyn Provider| {
        reports(provider)
            .usage_request(&target(provider.default_base_url()), &query(&part, None))
            .expect("a request")
    };
    let request = ask(anthropic());
    assert_eq!(request.method(), "GET");
    assert_eq!(request.headers()["x-api-key"], ADMIN_KEY);
    assert_eq!(request.headers()["anthropic-version"], "2023-06-01");
    assert!(!format!("{request:?}").contains(ADMIN_KEY));
    let request = ask(openai());
    assert_eq!(request.headers()["authorization"], format!("Bearer {ADMIN_KEY}"));
    assert!(!format!("{request:?}").contains(ADMIN_KEY));
}

#[test]
fn a_provider_without_reports_says_so() {
    assert!(gemini().organization_reports().is_none());
}

#[test]
fn the_narrowest_id_is_the_scope() {
    assert_eq!(part(None, None, None).scope(), ReportScope::Organization);
    assert_eq!(part(None, Some("w"), None).scope(), ReportScope::Workspace);
    assert_eq!(part(None, None, Some("p")).scope(), ReportScope::Project);
    assert_eq!(part(Some("k"), Some("w"), None).scope(), ReportScope::ApiKey);
}

#[test]
fn anthropics_usage_is_read_bucket_by_bucket() {
    let page = reports(anthropic())
        .read_usage(ANTHROPIC_USAGE.as_bytes())
        .expect("a report");
    assert_eq!(page.next.as_deref(), Some("page_MjAyNS0wNS0xNFQwMDowMDowMFo="));
    let line = |model: &str, tokens: TokenCounts, web_searches| UsageLine {
        day: day("2026-11-20"),
        model: Some(model.to_owned()),
        tokens,
        web_searches: Some(web_searches),
        requests: None,
    };
    let sonnet = TokenCounts {
        input: 1500,
        cache_read: 200,
        cache_write_5m: 500,
        cache_write_1h: 1000,
        output: 500,
        reasoning: 0,
    };
    let opus = TokenCounts {
        input: 7,
        output: 3,
        ..TokenCounts::default()
    };
    assert_eq!(
        page.lines,
        [
            line("claude-sonnet-4-5-20250929", sonnet, 10),
            line("claude-opus-5", opus, 0)
        ]
    );
}

fn cost(model: Option<&str>, nanos: i64) -> CostLine {
    CostLine {
        day: day("2026-11-20"),
        model: model.map(str::to_owned),
        cost: Nanodollars::from_nanos(nanos),
    }
}

#[test]
fn anthropics_cents_become_dollars_to_the_last_digit() {
    let read = |part: &OrganizationPart| {
        let page = reports(anthropic()).read_costs(ANTHROPIC_COST.as_bytes(), part);
        page.expect("a report").lines
    };
    let sonnet = Some("claude-sonnet-4-5-20250929");
    let all = [
        cost(sonnet, 1_237_891_200),
        cost(sonnet, 3_600),
        cost(None, 100_000_000),
    ];
    assert_eq!(read(&OrganizationPart::default()), all);
    // The report cannot be asked for one workspace only.
    let of_a_workspace = read(&part(None, Some("wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ"), None));
    assert_eq!(of_a_workspace, [all[0].clone(), all[2].clone()]);
}

#[test]
fn openais_inclusive_input_is_taken_apart() {
    let page = reports(openai())
        .read_usage(OPENAI_USAGE.as_bytes())
        .expect("a report");
    assert_eq!(page.next.as_deref(), Some("page_AAAAAGdGxdEiJdKOAAAAAGcqsYA="));
    let line = |model: &str, tokens: TokenCounts, requests| UsageLine {
        day: day("2026-11-20"),
        model: Some(model.to_owned()),
        tokens,
        web_searches: None,
        requests: Some(requests),
    };
    let cached = TokenCounts {
        input: 1300,
        cache_read: 3000,
        cache_write_5m: 500,
        cache_write_1h: 200,
        output: 1000,
        reasoning: 0,
    };
    let plain = TokenCounts {
        input: 40,
        output: 10,
        ..TokenCounts::default()
    };
    assert_eq!(
        page.lines,
        [
            line("gpt-5.5-2026-04-23", cached, 5),
            line("gpt-4o-mini-2024-07-18", plain, 1)
        ]
    );
}

#[test]
fn openais_costs_are_read_digit_by_digit() {
    let page = reports(openai()).read_costs(OPENAI_COSTS.as_bytes(), &OrganizationPart::default());
    let page = page.expect("a report");
    assert_eq!(page.next, None);
    let model = Some("gpt-5.5-2026-04-23");
    assert_eq!(
        page.lines,
        [
            cost(model, 130_808_050),
            cost(model, 561_771_250),
            cost(model, 0),
            cost(None, 60_000_000)
        ]
    );
}

#[test]
fn what_is_no_report_is_refused_and_not_quoted() {
    let secret = "sk-ant-admin01-quoted";
    let read = |body: &str| {
        let usage = reports(anthropic()).read_usage(body.as_bytes()).map(|_| ());
        let costs = reports(openai())
            .read_costs(body.as_bytes(), &OrganizationPart::default())
            .map(|_| ());
        [usage, costs]
    };
    for body in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"data": null}"#,
        r#"{"data": [{}]}"#,
        r#"{"data": [], "has_more": true}"#,
        r#"{"data": "sk-ant-admin01-quoted"}"#,
        r#"{"data": [{"starting_at": "sk-ant-admin01-quoted", "start_time": "sk-ant-admin01-quoted", "results": []}]}"#,
    ] {
        for outcome in read(body) {
            let error: UnreadableReport = outcome.expect_err(body);
            assert!(!error.to_string().contains(secret), "{error}");
        }
    }
    for amount in [
        r#"{"value": 1, "currency": "eur"}"#,
        r#"{"value": true}"#,
        r#"{"value": 1e30}"#,
    ] {
        let body = format!(r#"{{"data": [{{"start_time": 0, "results": [{{"amount": {amount}}}]}}]}}"#);
        let read = reports(openai()).read_costs(body.as_bytes(), &OrganizationPart::default());
        assert!(read.is_err(), "{body}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in vec(any::<u8>(), 0..200), start in any::<i64>(), tokens in any::<u64>()) {
        let whole = format!(
            r#"{{"data":[{{"start_time":{start},"results":[{{"input_tokens":{tokens},"input_cached_tokens":{tokens},
            "input_cache_write_12h_tokens":{tokens},"model":""}}]}}]}}"#
        );
        for body in [bytes.as_slice(), whole.as_bytes()] {
            for provider in [anthropic(), openai()] {
                let _ = reports(provider).read_usage(body);
                let _ = reports(provider).read_costs(body, &OrganizationPart::default());
            }
        }
    }
}
