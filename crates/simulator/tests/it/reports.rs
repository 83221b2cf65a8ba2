//! What an organisation's admin reads.

use std::sync::Arc;
use std::time::Duration;

use gateway_domain::{Clock, ManualClock, Nanodollars, PicodollarsPerToken, ProviderKind};
use gateway_simulator::{Endpoint, ModelRates, Organization, Script, Simulator};
use serde_json::{Value, json};

use crate::client::{Answer, Request, call};
use crate::openai::{KEY, chat, get, user, with_key};

const ADMIN: &str = "sk-ant-admin01-test";
const CLAUDE: &str = "claude-sonnet-5-5";

fn dollars_per_million(dollars: i64) -> PicodollarsPerToken {
    PicodollarsPerToken::from_picos(dollars * 1_000_000)
}

fn rates() -> ModelRates {
    ModelRates {
        input: dollars_per_million(3),
        output: dollars_per_million(15),
        web_search: Nanodollars::from_nanos(10_000_000),
        ..ModelRates::default()
    }
}

/// A simulator at noon of 2026-06-15 whose organisation can be asked.
async fn simulator(organization: Organization) -> (Simulator, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at("2026-06-15T12:00:00Z".parse().unwrap()));
    let simulator = Simulator::builder()
        .clock(Arc::clone(&clock) as Arc<dyn Clock>)
        .start()
        .await;
    simulator.open_organization(organization);
    (simulator, clock)
}

fn organization() -> Organization {
    Organization::new(ADMIN)
        .rates(CLAUDE, rates())
        .rates("gpt-4o", rates())
}

fn anthropic(simulator: &Simulator, report: &str, query: &str) -> Answer {
    let target = format!("/v1/organizations/{report}?starting_at=2026-06-14T00%3A00%3A00Z{query}");
    call(simulator.address(), &Request::get(&target).key(ADMIN))
}

fn openai(simulator: &Simulator, report: &str, query: &str) -> Answer {
    let target = format!("/v1/organization/{report}?start_time=1781395200{query}");
    call(simulator.address(), &with_key(Request::get(&target), ADMIN))
}

fn say_hello(simulator: &Simulator, key: &str) {
    let answer = call(simulator.address(), &Request::hello().key(key));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn anthropics_reports_are_what_was_billed_by_day_and_model() {
    let (simulator, clock) = simulator(organization()).await;
    say_hello(&simulator, "sk-a");
    say_hello(&simulator, "sk-b");
    clock.advance(Duration::from_secs(86_400));
    say_hello(&simulator, "sk-a");
    let usage = anthropic(&simulator, "usage_report/messages", "&group_by%5B%5D=model").json();
    assert_eq!(
        (&usage["has_more"], &usage["next_page"]),
        (&json!(false), &Value::Null)
    );
    let data = usage["data"].as_array().unwrap();
    let starts: Vec<&Value> = data.iter().map(|bucket| &bucket["starting_at"]).collect();
    assert_eq!(
        starts,
        [
            "2026-06-14T00:00:00Z",
            "2026-06-15T00:00:00Z",
            "2026-06-16T00:00:00Z"
        ]
    );
    assert_eq!(data[0]["results"], json!([]));
    let tokens = simulator.billed("sk-b").tokens;
    let row = &data[1]["results"][0];
    assert_eq!(
        (&row["model"], &row["api_key_id"]),
        (&json!(CLAUDE), &Value::Null)
    );
    assert_eq!(row["uncached_input_tokens"], 2 * tokens.input);
    assert_eq!(row["output_tokens"], 2 * tokens.output);
    assert_eq!(data[2]["results"][0]["output_tokens"], tokens.output);

    let key = Organization::api_key_id(ProviderKind::Anthropic, "sk-b");
    let only = anthropic(
        &simulator,
        "usage_report/messages",
        &format!("&api_key_ids[]={key}&group_by[]=api_key_id"),
    );
    let row = &only.json()["data"][1]["results"][0];
    assert_eq!(
        (&row["api_key_id"], &row["output_tokens"]),
        (&json!(key), &json!(tokens.output))
    );

    let costs = anthropic(
        &simulator,
        "cost_report",
        "&group_by[]=description&group_by[]=workspace_id",
    )
    .json();
    let rows = costs["data"][1]["results"].as_array().unwrap();
    assert_eq!(rows.len(), 4, "{costs}");
    let workspace = Organization::group_id(ProviderKind::Anthropic, "sk-a");
    let of_output = rows
        .iter()
        .find(|row| row["workspace_id"] == workspace && row["token_type"] == "output_tokens")
        .unwrap();
    let cents = format!("0.{:010}", tokens.output * 15_000_000);
    assert_eq!(
        (&of_output["amount"], &of_output["model"]),
        (&json!(cents), &json!(CLAUDE))
    );
    assert_eq!(
        anthropic(&simulator, "cost_report", "&api_key_ids[]=x").status,
        400
    );
}

#[tokio::test]
async fn openais_reports_are_what_was_billed_by_day_and_model() {
    let (simulator, _) = simulator(organization()).await;
    let hello = json!({"model": "gpt-4o", "messages": [user("Hello")]});
    assert_eq!(chat(&simulator, &hello).status, 200);
    let tokens = simulator.billed(KEY).tokens;
    let usage = openai(&simulator, "usage/completions", "&group_by=model&limit=31").json();
    let bucket = &usage["data"][1];
    assert_eq!(
        (&bucket["start_time"], &bucket["end_time"]),
        (&json!(1_781_481_600), &json!(1_781_568_000))
    );
    let row = &bucket["results"][0];
    assert_eq!(
        (&row["model"], &row["num_model_requests"]),
        (&json!("gpt-4o"), &json!(1))
    );
    assert_eq!(
        (&row["input_tokens"], &row["output_tokens"]),
        (&json!(tokens.total_input()), &json!(tokens.output))
    );
    let costs = openai(&simulator, "costs", "&group_by=line_item").text();
    let output = format!(
        r#""amount":{{"value":0.{:012},"currency":"usd"}},"line_item":"gpt-4o, output""#,
        tokens.output * 15_000_000
    );
    assert!(costs.contains(&output), "{costs}");
    let of_others = openai(
        &simulator,
        "usage/completions",
        "&project_ids[]=proj_x&group_by[]=model",
    )
    .json();
    assert_eq!(of_others["data"][1]["results"], json!([]));
}

#[tokio::test]
async fn pages_follow_each_other_and_late_usage_comes_late() {
    let late = organization()
        .days_per_page(1)
        .reported_after(Duration::from_secs(300));
    let (simulator, clock) = simulator(late).await;
    say_hello(&simulator, "sk-a");
    let first = anthropic(&simulator, "usage_report/messages", "").json();
    assert_eq!(
        (first["data"].as_array().unwrap().len(), &first["has_more"]),
        (1, &json!(true))
    );
    let next = format!("&page={}", first["next_page"].as_str().unwrap());
    let second = || anthropic(&simulator, "usage_report/messages", &next).json();
    assert_eq!(second()["has_more"], false);
    assert_eq!(second()["data"][0]["results"], json!([]));
    clock.advance(Duration::from_secs(360));
    assert_eq!(second()["data"][0]["results"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn only_the_admins_key_reads_reports_and_it_does_nothing_else() {
    let (simulator, _) = simulator(organization()).await;
    let target = "/v1/organizations/cost_report?starting_at=2026-06-14T00%3A00%3A00Z";
    let usual = call(simulator.address(), &Request::get(target));
    assert_eq!(
        (usual.status, usual.error_type().as_str()),
        (401, "authentication_error")
    );
    let usual = call(simulator.address(), &get("/v1/organization/costs?start_time=0"));
    assert_eq!(usual.status, 401);
    assert!(
        usual.error_message().starts_with("Incorrect API key provided"),
        "{}",
        usual.text()
    );
    assert_eq!(
        call(simulator.address(), &Request::hello().key(ADMIN)).status,
        401
    );
    for query in [
        "&unknown=1",
        "&limit=32",
        "&page=x",
        "&group_by[]=colour",
        "&bucket_width=1w",
    ] {
        assert_eq!(
            anthropic(&simulator, "usage_report/messages", query).status,
            400,
            "{query}"
        );
    }
    simulator.next(Script::status(500).on(Endpoint::Reports));
    assert_eq!(anthropic(&simulator, "cost_report", "").status, 500);
    assert_eq!(anthropic(&simulator, "cost_report", "").status, 200);

    let nobody = Simulator::start().await;
    assert_eq!(anthropic(&nobody, "cost_report", "").status, 401);
}
