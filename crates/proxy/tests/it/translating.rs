//! Clients of one dialect with accounts of another.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use gateway_domain::{Credential, Dialect, FaultClass, ProviderKind, UpstreamAccount, UsageSource};
use gateway_metering::Outcome;
use gateway_protocol::{Address, Framing, StreamPhase, codec};
use gateway_proxy::{AnswerBody, ProxySettings};
use gateway_simulator::{Fault, Point, Reply, Script, Simulator};
use http::StatusCode;
use serde_json::{Value, json};

use crate::rig::{Rig, account_of, body, header, text};

/// A provider, a credential as its are, and a model that it alone serves.
const PROVIDERS: [(ProviderKind, &str, &str); 3] = [
    (ProviderKind::Anthropic, "sk-ant-simulated", "claude-sonnet-5-5"),
    (ProviderKind::OpenAi, "sk-simulated", "gpt-4.1"),
    (ProviderKind::Gemini, "AIza-simulated", "gemini-2.5-flash"),
];

fn accounts(simulator: &Simulator) -> Vec<(UpstreamAccount, Credential)> {
    PROVIDERS
        .map(|(kind, secret, _)| account_of(kind, &simulator.base_url(), secret))
        .into()
}

/// Every account serves `shared` with a model of its own.
fn sharing(simulator: &Simulator) -> Vec<(UpstreamAccount, Credential)> {
    let mut accounts = accounts(simulator);
    for ((account, _), (_, _, model)) in accounts.iter_mut().zip(PROVIDERS) {
        account.model_map = BTreeMap::from([("shared".to_owned(), model.to_owned())]);
    }
    accounts
}

async fn ask(rig: &Rig, dialect: Dialect, model: &str, stream: bool) -> gateway_proxy::Answer {
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let request = match dialect {
        Dialect::Anthropic => {
            json!({"model": model, "max_tokens": 1000, "stream": stream, "messages": messages})
        }
        Dialect::OpenAiChat => json!({"model": model, "stream": stream, "messages": messages}),
        Dialect::OpenAiResponses => json!({"model": model, "stream": stream, "input": "Hi"}),
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
    };
    let address = Address {
        model: Some(model),
        stream,
        framing: Framing::Events,
    };
    rig.call_in(dialect, &request.to_string(), &address).await
}

fn phase_of(dialect: Dialect, stream: &[u8]) -> StreamPhase {
    let mut reader = codec(dialect).unwrap().stream_reader();
    reader.push(stream);
    reader.end();
    reader.phase()
}

fn long_text() -> Script {
    Script::text("one two three four five six seven eight nine ten ".repeat(20))
}

#[tokio::test]
async fn a_stream_that_breaks_is_told_so_in_every_dialect() {
    let faults = [
        (Fault::Reset(Point::AfterEvents(6)), FaultClass::Transport),
        (Fault::HangUp(Point::InEvent(6)), FaultClass::Transport),
        (Fault::EndAfter(6), FaultClass::Server),
        (
            Fault::ErrorEvent {
                after: 6,
                kind: "overloaded_error".to_owned(),
            },
            FaultClass::Overload,
        ),
    ];
    let simulator = Simulator::start().await;
    for (fault, class) in faults {
        for dialect in Dialect::ALL {
            for (kind, _, model) in PROVIDERS {
                let case = format!("{dialect} asks {kind}, {fault:?}");
                let rig = Rig::new(accounts(&simulator)).await;
                simulator.next(long_text().fault(fault.clone()));
                let answer = ask(&rig, dialect, model, true).await;
                assert_eq!(answer.status, StatusCode::OK, "{case}");
                let stream = body(answer).await;
                let shown = String::from_utf8_lossy(&stream);
                assert!(shown.contains("one"), "{case}: {shown}");
                assert_eq!(phase_of(dialect, &stream), StreamPhase::Failed, "{case}: {shown}");
                let rows = rig.rows().await;
                assert_eq!(rows[0].status, Outcome::Interrupted, "{case}");
                assert_eq!(rows[0].fault, Some(class), "{case}");
                let attempt = &rows[0].attempts[0];
                assert!(
                    matches!(
                        attempt.usage_source,
                        UsageSource::Partial | UsageSource::Estimated
                    ),
                    "{case}: {attempt:?}"
                );
                assert!(attempt.usage.tokens.input > 0, "{case}: {attempt:?}");
                assert!(attempt.usage.tokens.output > 0, "{case}: {attempt:?}");
                assert!(attempt.cost.is_some(), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn an_account_of_another_provider_takes_over_before_the_first_content() {
    let simulator = Simulator::start().await;
    for dialect in Dialect::ALL {
        for stream in [false, true] {
            let rig = Rig::new(sharing(&simulator)).await;
            simulator.next_for("sk-ant-simulated", Script::status(529));
            simulator.next_for("sk-simulated", Script::status(429).header("retry-after", "30"));
            simulator.next(Script::text("Taken over"));
            let answer = ask(&rig, dialect, "shared", stream).await;
            assert_eq!(answer.status, StatusCode::OK, "{dialect}");
            assert_eq!(header(&answer, "x-gateway-attempts"), Some("3"), "{dialect}");
            let told = body(answer).await;
            let shown = String::from_utf8_lossy(&told);
            assert!(shown.contains("Taken"), "{dialect}: {shown}");
            if stream {
                assert_eq!(
                    phase_of(dialect, &told),
                    StreamPhase::Finished,
                    "{dialect}: {shown}"
                );
            }
            let rows = rig.rows().await;
            let kinds: Vec<ProviderKind> = rows[0].attempts.iter().map(|attempt| attempt.provider).collect();
            assert_eq!(kinds, PROVIDERS.map(|(kind, _, _)| kind), "{dialect}");
        }
    }
}

#[tokio::test]
async fn the_same_conversation_costs_the_same_in_every_dialect() {
    let simulator = Simulator::start().await;
    for (kind, _, model) in PROVIDERS {
        let mut costs = Vec::new();
        for dialect in Dialect::ALL {
            for stream in [false, true] {
                let rig = Rig::new(accounts(&simulator)).await;
                simulator.next(Script::text("One answer"));
                body(ask(&rig, dialect, model, stream).await).await;
                let attempt = rig.rows().await[0].attempts[0].clone();
                assert_eq!(
                    attempt.usage_source,
                    UsageSource::Reported,
                    "{dialect} asks {kind}"
                );
                costs.push((attempt.usage.tokens, attempt.cost.unwrap()));
            }
        }
        assert!(costs.iter().all(|cost| *cost == costs[0]), "{kind}: {costs:?}");
    }
}

#[tokio::test]
async fn each_event_is_told_before_the_next_has_come() {
    let simulator = Simulator::start().await;
    for dialect in Dialect::ALL {
        for (kind, _, model) in PROVIDERS {
            let rig = Rig::new(accounts(&simulator)).await;
            // Nothing follows the first pieces of text: whoever waits for more waits in vain.
            simulator.next(long_text().fault(Fault::Stall(Point::AfterEvents(6))));
            let AnswerBody::Stream(mut stream) = ask(&rig, dialect, model, true).await.body else {
                panic!("no stream")
            };
            let mut seen = Vec::new();
            while !String::from_utf8_lossy(&seen).contains("three") {
                let next = tokio::time::timeout(Duration::from_secs(20), stream.next()).await;
                seen.extend_from_slice(&next.expect("it waits").unwrap().unwrap());
            }
            drop(stream);
            let rows = rig.rows().await;
            assert_eq!(rows[0].status, Outcome::Cancelled, "{dialect} asks {kind}");
            assert!(
                rows[0].attempts[0].usage.tokens.output > 0,
                "{dialect} asks {kind}"
            );
            assert_eq!(rig.health(0).in_flight, 0);
        }
    }
    simulator.wait_for_disconnects(12).await;
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive_where_the_clients_own_provider_would_do_so() {
    let simulator = Simulator::start().await;
    let settings = ProxySettings {
        ping_interval_seconds: 1,
        ..ProxySettings::default()
    };
    let rig = Rig::with_settings(accounts(&simulator), settings).await;
    for (dialect, sign) in [
        (Dialect::Anthropic, Some("event: ping\n")),
        (Dialect::OpenAiChat, Some(": ")),
        (Dialect::Gemini, None),
    ] {
        let model = if dialect == Dialect::Gemini {
            "gpt-4.1"
        } else {
            "gemini-2.5-flash"
        };
        simulator
            .next(Script::text("one two three four five six").between_chunks(Duration::from_millis(2_500)));
        let told = text(ask(&rig, dialect, model, true).await).await;
        match sign {
            Some(sign) => assert!(told.contains(sign), "{dialect}: {told}"),
            None => assert!(
                told.lines()
                    .all(|line| line.is_empty() || line.starts_with("data: {")),
                "{told}"
            ),
        }
    }
}

#[tokio::test]
async fn nonsense_is_asked_for_once_more() {
    let simulator = Simulator::start().await;
    for stream in [false, true] {
        let rig = Rig::new(accounts(&simulator)).await;
        let nonsense = || Script::reply(Reply::new().stop_reason("MALFORMED_FUNCTION_CALL"));
        simulator.next(nonsense());
        simulator.next(Script::text("Sense"));
        let answer = ask(&rig, Dialect::Anthropic, "gemini-2.5-flash", stream).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(header(&answer, "x-gateway-attempts"), Some("2"));
        assert!(text(answer).await.contains("Sense"));

        simulator.next(nonsense());
        simulator.next(nonsense());
        let answer = ask(&rig, Dialect::Anthropic, "gemini-2.5-flash", stream).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
        let error: Value = serde_json::from_slice(&body(answer).await).unwrap();
        assert_eq!(error["error"]["type"], "api_error");
        assert_eq!(rig.rows().await[1].attempts.len(), 2);
    }
}

#[tokio::test]
async fn a_server_that_wants_tools_in_responses_is_asked_there() {
    let simulator = Simulator::start().await;
    let rig = Rig::new(accounts(&simulator)).await;
    let request = json!({
        "model": "gpt-5.6-sol", "max_tokens": 4000, "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"},
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"name": "now", "input_schema": {"type": "object"}}],
    });
    let answer = rig
        .call_in(Dialect::Anthropic, &request.to_string(), &Address::default())
        .await;
    let (status, attempts) = (
        answer.status,
        header(&answer, "x-gateway-attempts").map(str::to_owned),
    );
    let told = text(answer).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert_eq!(attempts.as_deref(), Some("1"));
    let targets: Vec<String> = simulator
        .received()
        .into_iter()
        .map(|received| received.target)
        .collect();
    assert_eq!(targets, ["/v1/chat/completions", "/v1/responses"]);
}

#[tokio::test]
async fn a_refused_stream_keeps_its_status() {
    let simulator = Simulator::start().await;
    for dialect in Dialect::ALL {
        for (kind, _, model) in PROVIDERS {
            for status in [400, 413, 429, 500] {
                let rig = Rig::new(accounts(&simulator)).await;
                simulator.next(Script::status(status));
                let answer = ask(&rig, dialect, model, true).await;
                assert_eq!(answer.status.as_u16(), status, "{dialect} asks {kind}");
                assert!(matches!(answer.body, AnswerBody::Whole(_)));
                // What an error says is not billed as output.
                let rows = rig.rows().await;
                assert_eq!(rows[0].tokens().total(), 0, "{dialect} asks {kind}");
            }
        }
    }
}

#[tokio::test]
async fn a_compressed_answer_is_no_free_one() {
    let simulator = Simulator::start().await;
    for (kind, _, model) in PROVIDERS {
        for stream in [false, true] {
            let rig = Rig::new(accounts(&simulator)).await;
            simulator.next(Script::text("Hello").fault(Fault::Gzip));
            let answer = ask(&rig, Dialect::OpenAiChat, model, stream).await;
            assert!(answer.status.is_server_error(), "{kind}: {}", answer.status);
            let row = rig.rows().await.remove(0);
            assert_eq!(
                (row.status, row.fault),
                (Outcome::Error, Some(FaultClass::Server)),
                "{kind}"
            );
        }
    }
}
