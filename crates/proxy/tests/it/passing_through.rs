use gateway_domain::UsageSource;
use gateway_metering::Outcome;
use gateway_providers::Operation;
use gateway_simulator::{Endpoint, Script, Simulator};
use http::{HeaderMap, StatusCode};

use crate::rig::{Rig, account, body, header, message, text};

#[tokio::test]
async fn request_and_answer_bytes_are_untouched() {
    let simulator = Simulator::start().await;
    let odd = "{\"id\":\"msg_1\",  \"unknown\":1.0e2,\"content\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":1E0}}\n";
    simulator.next(Script::raw(200, "application/json", odd));
    let rig = Rig::new(vec![account(&simulator, "sk-ant-one-1234")]).await;
    let sent =
        "{ \"model\":\"claude-sonnet-5-5\",\t\"max_tokens\": 1.0e1,\"messages\":[],\"x\":\"\\ud800\" }";
    let mut headers = HeaderMap::new();
    headers.insert("anthropic-beta", "one,two".parse().unwrap());
    headers.insert("anthropic-future", "kept".parse().unwrap());
    headers.insert("x-api-key", "sk-gw-secret".parse().unwrap());
    headers.insert("cookie", "a=b".parse().unwrap());
    let sent = sent.replace("1.0e1", "10");

    let answer = rig
        .call_with(&sent, headers, Some("beta=true"), Operation::CreateMessage)
        .await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(body(answer).await, odd);
    let received = &simulator.received()[0];
    assert_eq!(received.target, "/v1/messages?beta=true");
    assert_eq!(received.body, sent);
    assert_eq!(received.header("anthropic-beta"), Some("one,two"));
    assert_eq!(received.header("anthropic-future"), Some("kept"));
    assert_eq!(received.header("x-api-key"), Some("sk-ant-one-1234"));
    assert_eq!(received.header("cookie"), None);
}

#[tokio::test]
async fn a_mapped_model_is_spliced_in_place() {
    let simulator = Simulator::start().await;
    let (mut mapped, credential) = account(&simulator, "sk-ant-one-1234");
    mapped
        .model_map
        .insert("claude-sonnet-5-5".to_owned(), "claude-haiku-5-5".to_owned());
    let rig = Rig::new(vec![(mapped, credential)]).await;

    let answer = rig.call(&message(false)).await;

    assert_eq!(answer.status, StatusCode::OK);
    let expected = message(false).replace("claude-sonnet-5-5", "claude-haiku-5-5");
    assert_eq!(simulator.received()[0].body, expected);
    let rows = rig.rows().await;
    assert_eq!(rows[0].model, "claude-sonnet-5-5");
    assert_eq!(rows[0].attempts[0].upstream_model, "claude-haiku-5-5");
}

#[tokio::test]
async fn the_answer_says_who_served_it_and_hides_the_organisation() {
    let simulator = Simulator::start().await;
    let rig = Rig::new(vec![account(&simulator, "sk-ant-one-1234")]).await;

    let answer = rig.call(&message(false)).await;

    assert_eq!(
        header(&answer, "x-gateway-account"),
        Some(rig.account_id(0).to_string().as_str())
    );
    assert_eq!(header(&answer, "x-gateway-attempts"), Some("1"));
    assert!(
        header(&answer, "x-gateway-overhead-ms")
            .unwrap()
            .parse::<f64>()
            .unwrap()
            >= 0.0
    );
    assert!(header(&answer, "request-id").is_some());
    assert!(header(&answer, "anthropic-ratelimit-requests-remaining").is_some());
    for hidden in ["anthropic-organization-id", "set-cookie", "server", "cf-ray"] {
        assert_eq!(header(&answer, hidden), None, "{hidden}");
    }
}

#[tokio::test]
async fn what_the_provider_bills_is_what_the_row_says() {
    let simulator = Simulator::start().await;
    let rig = Rig::new(vec![account(&simulator, "sk-ant-one-1234")]).await;

    text(rig.call(&message(false)).await).await;
    text(rig.call(&message(true)).await).await;

    let rows = rig.rows().await;
    assert_eq!(rows.len(), 2);
    let billed = simulator.billed("sk-ant-one-1234").tokens;
    let total = |pick: fn(&gateway_domain::TokenCounts) -> u64| {
        rows.iter().map(|row| pick(&row.tokens())).sum::<u64>()
    };
    assert_eq!(total(|tokens| tokens.input), billed.input);
    assert_eq!(total(|tokens| tokens.output), billed.output);
    for row in &rows {
        assert_eq!((row.status, row.http_status), (Outcome::Ok, Some(200)));
        assert_eq!(row.attempts[0].usage_source, UsageSource::Reported);
        assert!(row.cost().unwrap().as_nanos() > 0);
        assert!(row.attempts[0].price_version.is_some());
        assert!(
            row.attempts[0]
                .upstream_message_id
                .as_deref()
                .unwrap()
                .starts_with("msg_")
        );
        assert!(row.attempts[0].upstream_request_id.is_some());
    }
    assert_eq!(rows[0].ttft, None);
    assert!(rows[1].ttft.is_some());
}

#[tokio::test]
async fn counting_tokens_is_free_and_leaves_no_row() {
    let simulator = Simulator::start().await;
    let rig = Rig::new(vec![account(&simulator, "sk-ant-one-1234")]).await;
    let question = r#"{"model":"claude-sonnet-5-5","messages":[{"role":"user","content":"Hello"}]}"#;

    let answer = rig
        .call_with(question, HeaderMap::new(), None, Operation::CountTokens)
        .await;

    assert_eq!(answer.status, StatusCode::OK);
    assert!(text(answer).await.contains("input_tokens"));
    assert_eq!(simulator.received()[0].path(), "/v1/messages/count_tokens");
    assert!(rig.rows().await.is_empty());
}

#[tokio::test]
async fn a_model_without_a_price_costs_nothing_known() {
    let simulator = Simulator::start().await;
    simulator.next(Script::raw(
        200,
        "application/json",
        r#"{"usage":{"input_tokens":3,"output_tokens":1}}"#,
    ));
    let (mut own, credential) = account(&simulator, "sk-ant-one-1234");
    own.models = vec!["house-model".parse().unwrap()];
    let rig = Rig::new(vec![(own, credential)]).await;

    rig.call(&message(false).replace("claude-sonnet-5-5", "house-model"))
        .await;

    let rows = rig.rows().await;
    assert_eq!(rows[0].cost(), None);
    assert_eq!(rows[0].tokens().input, 3);
    assert!(
        rig.engine
            .shared()
            .scrape()
            .contains("gateway_unpriced_attempts_total 1")
    );
}

#[tokio::test]
async fn request_ids_service_tiers_and_headers_of_tomorrow_pass() {
    let simulator = Simulator::start().await;
    let script = Script::text("Hi").header("anthropic-tomorrow", "kept");
    simulator.next(script);
    let rig = Rig::new(vec![account(&simulator, "sk-ant-one-1234")]).await;
    let answer = rig.call(&message(false)).await;
    let received = simulator.received().remove(0);
    assert_eq!(header(&answer, "request-id"), Some(received.request_id.as_str()));
    assert_eq!(header(&answer, "anthropic-tomorrow"), Some("kept"));
    assert!(text(answer).await.contains(r#""service_tier":"standard""#));
}

#[tokio::test]
async fn cache_marks_on_tools_stay_within_the_dialect() {
    let simulator = Simulator::start().await;
    let rig = Rig::new(vec![account(&simulator, "sk-ant-one-1234")]).await;
    let sent = r#"{"model":"claude-sonnet-5-5","max_tokens":64,"tools":[{"name":"f","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":"Hi"}]}"#;
    assert_eq!(rig.call(sent).await.status, StatusCode::OK);
    assert_eq!(simulator.received()[0].body, sent);
}

#[tokio::test]
async fn an_error_of_a_count_is_told() {
    let simulator = Simulator::start().await;
    let rig = Rig::new(vec![account(&simulator, "sk-ant-one-1234")]).await;
    simulator.next(Script::status(400).message("tools: no").on(Endpoint::CountTokens));
    let count = Operation::CountTokens;
    let answer = rig
        .call_with(&message(false), HeaderMap::new(), None, count)
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(text(answer).await.contains("tools: no"));
}
