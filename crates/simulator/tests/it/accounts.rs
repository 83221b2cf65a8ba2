//! Credentials, their caches, limits and bills.

use std::sync::Arc;
use std::time::Duration;

use gateway_domain::{ManualClock, Timestamp};
use gateway_simulator::{Endpoint, Script, Simulator};
use serde_json::{Value, json};

use crate::client::{Answer, Request, call, hello};

fn cached(ttl: &str) -> Value {
    let mut body = hello();
    body["system"] = json!([{
        "type": "text",
        "text": "word ".repeat(4_000),
        "cache_control": {"type": "ephemeral", "ttl": ttl},
    }]);
    body
}

fn usage(answer: &Answer) -> [u64; 4] {
    let usage = &answer.json()["usage"];
    [
        &usage["input_tokens"],
        &usage["cache_read_input_tokens"],
        &usage["cache_creation"]["ephemeral_5m_input_tokens"],
        &usage["cache_creation"]["ephemeral_1h_input_tokens"],
    ]
    .map(|count| count.as_u64().unwrap())
}

#[tokio::test]
async fn each_account_has_a_prompt_cache_that_expires() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_795_305_600)));
    let simulator = Simulator::builder().clock(clock.clone()).start().await;
    let ask = |key: &str, ttl: &str| {
        usage(&call(
            simulator.address(),
            &Request::message(&cached(ttl)).key(key),
        ))
    };
    assert_eq!(ask("one", "5m"), [7, 0, 5_000, 0]);
    assert_eq!(ask("one", "5m"), [7, 5_000, 0, 0]);
    assert_eq!(ask("two", "1h"), [7, 0, 0, 5_000]);
    clock.advance(Duration::from_secs(6 * 60));
    assert_eq!(ask("one", "5m"), [7, 0, 5_000, 0]);
    assert_eq!(ask("two", "1h"), [7, 5_000, 0, 0]);

    let billed = simulator.billed("one");
    assert_eq!(billed.messages, 3);
    assert_eq!(billed.tokens.cache_write_5m, 10_000);
    assert_eq!(billed.tokens.cache_read, 5_000);
    assert_eq!(simulator.billed_in_all().tokens.cache_write_1h, 5_000);
}

#[tokio::test]
async fn a_conversation_reads_what_its_start_has_written() {
    let simulator = Simulator::builder().shortest_cached_prompt(1).start().await;
    let mut body = hello();
    body["cache_control"] = json!({"type": "ephemeral"});
    let first = usage(&call(simulator.address(), &Request::message(&body)));
    assert_eq!(first, [3, 0, 4, 0]);
    body["messages"] = json!([
        body["messages"][0],
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": [{"type": "text", "text": "And on?"}]},
    ]);
    let second = usage(&call(simulator.address(), &Request::message(&body)));
    assert_eq!(second, [9, 4, 4, 0]);
}

#[tokio::test]
async fn only_accepted_credentials_are_served() {
    let simulator = Simulator::start().await;
    let refused = |request: &Request| {
        let answer = call(simulator.address(), request);
        assert_eq!(
            (answer.status, answer.error_type().as_str()),
            (401, "authentication_error")
        );
        answer.error_message()
    };
    let bearer = |token: &str| {
        Request::hello()
            .key("")
            .with("Authorization", &format!("Bearer {token}"))
    };
    assert_eq!(refused(&Request::hello().key("")), "x-api-key header is required");
    assert_eq!(call(simulator.address(), &bearer("any")).status, 200);

    simulator.accept_only(["good"]);
    assert_eq!(refused(&Request::hello()), "invalid x-api-key");
    assert_eq!(refused(&bearer("bad")), "Invalid bearer token");
    assert_eq!(
        call(simulator.address(), &Request::hello().key("good")).status,
        200
    );
    assert_eq!(call(simulator.address(), &bearer("good")).status, 200);
    simulator.accept_any();
    assert_eq!(call(simulator.address(), &Request::hello()).status, 200);
}

#[tokio::test]
async fn a_subscription_needs_its_beta_and_has_its_own_limits() {
    let simulator = Simulator::start().await;
    let request = Request::hello()
        .key("")
        .with("authorization", "Bearer sk-ant-oat01-x");
    assert_eq!(call(simulator.address(), &request).status, 401);
    let answer = call(
        simulator.address(),
        &request.with("anthropic-beta", "fine-grained, oauth-2025-04-20"),
    );
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("anthropic-ratelimit-unified-status"),
        Some("allowed")
    );
    assert_eq!(answer.header("anthropic-ratelimit-requests-limit"), None);
}

#[tokio::test]
async fn limits_are_told_and_enforced_if_wanted() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_795_305_600)));
    let simulator = Simulator::builder()
        .clock(clock.clone())
        .requests_per_minute(2)
        .start()
        .await;
    let ask = |key: &str| call(simulator.address(), &Request::hello().key(key));
    let first = ask("one");
    assert_eq!(first.header("anthropic-ratelimit-requests-remaining"), Some("1"));
    assert_eq!(
        first.header("anthropic-ratelimit-requests-reset"),
        Some("2026-11-22T00:01:00Z")
    );
    assert_eq!(ask("one").status, 200);
    let refused = ask("one");
    assert_eq!(
        (refused.status, refused.error_type().as_str()),
        (429, "rate_limit_error")
    );
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(
        refused.header("anthropic-ratelimit-requests-remaining"),
        Some("0")
    );
    assert_eq!(ask("two").status, 200);
    clock.advance(Duration::from_secs(60));
    assert_eq!(ask("one").status, 200);
}

#[tokio::test]
async fn scripts_of_an_account_come_before_those_for_everyone() {
    let simulator = Simulator::start().await;
    simulator.next(Script::status(500));
    simulator.next_for("bad", Script::status(403));
    simulator.always_for("bad", Script::status(401));
    let status = |key: &str| call(simulator.address(), &Request::hello().key(key)).status;
    assert_eq!([status("bad"), status("bad"), status("bad")], [403, 401, 401]);
    assert_eq!([status("good"), status("good")], [500, 200]);
    simulator.forget_scripts_of("bad");
    assert_eq!(status("bad"), 200);
}

#[tokio::test]
async fn a_refused_credential_takes_no_script_from_the_others() {
    let simulator = Simulator::builder().accept_only(["good"]).start().await;
    simulator.next(Script::text("for the good one"));
    let ask = |key: &str| call(simulator.address(), &Request::hello().key(key));
    assert_eq!(ask("bad").status, 401);
    assert_eq!(ask("good").json()["content"][0]["text"], "for the good one");
}

#[tokio::test]
async fn a_script_is_for_one_endpoint() {
    let simulator = Simulator::start().await;
    let messages = || call(simulator.address(), &Request::hello()).status;
    let models = || call(simulator.address(), &Request::get("/v1/models")).status;
    simulator.next(Script::status(503).on(Endpoint::Models));
    assert_eq!([messages(), models(), models()], [200, 503, 200]);
    simulator.always(Script::status(529).on(Endpoint::Every));
    assert_eq!([messages(), models()], [529, 529]);
    simulator.forget_scripts();
    assert_eq!([messages(), models()], [200, 200]);
}

#[tokio::test]
async fn chances_follow_from_the_seed() {
    let run = async |seed| {
        let simulator = Simulator::builder()
            .seed(seed)
            .chance(0.3, Script::status(529))
            .start()
            .await;
        let ask = |()| call(simulator.address(), &Request::hello()).status;
        [(); 40].map(ask)
    };
    let first = run(1).await;
    assert_eq!(first, run(1).await);
    assert_ne!(first, run(2).await);
    let failed = first.iter().filter(|status| **status == 529).count();
    assert!((3..25).contains(&failed), "{failed}");
}
