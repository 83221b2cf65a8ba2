use std::time::Duration;

use futures_util::StreamExt;
use gateway_domain::{FaultClass, UsageSource};
use gateway_metering::Outcome;
use gateway_proxy::{AnswerBody, ProxySettings};
use gateway_simulator::{Fault, Point, Script, Simulator};
use http::StatusCode;

use crate::rig::{Rig, account, message, text};

async fn broken(script: Script, class: FaultClass) {
    let simulator = Simulator::start().await;
    simulator.next(script);
    let settings = ProxySettings {
        idle_timeout_seconds: 1,
        ..ProxySettings::default()
    };
    let rig = Rig::with_settings(vec![account(&simulator, "sk-ant-first")], settings).await;

    let answer = rig.call(&message(true)).await;

    assert_eq!(answer.status, StatusCode::OK);
    let text = text(answer).await;
    assert!(text.contains("content_block_delta"), "{text}");
    assert!(!text.contains("message_stop"), "{text}");
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    let error = last.strip_prefix("event: error\ndata: ");
    let error: serde_json::Value = serde_json::from_str(error.expect(&text)).expect(&text);
    assert!(error["error"]["type"].is_string(), "{text}");
    let rows = rig.rows().await;
    assert_eq!(
        (rows[0].status, rows[0].fault),
        (Outcome::Interrupted, Some(class))
    );
    let attempt = &rows[0].attempts[0];
    assert_eq!(attempt.usage_source, UsageSource::Partial);
    assert!(attempt.usage.tokens.input > 0);
    assert!(attempt.usage.tokens.output > 0);
    assert!(attempt.cost.is_some());
    assert_eq!(rig.health(0).in_flight, 0);
}

fn long_text() -> Script {
    Script::text("one two three four five six seven eight nine ten ".repeat(20))
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error_event() {
    broken(
        long_text().fault(Fault::Reset(Point::AfterEvents(6))),
        FaultClass::Transport,
    )
    .await;
    broken(
        long_text().fault(Fault::HangUp(Point::InEvent(6))),
        FaultClass::Transport,
    )
    .await;
    broken(long_text().fault(Fault::EndAfter(6)), FaultClass::Server).await;
    broken(
        long_text().fault(Fault::Stall(Point::AfterEvents(6))),
        FaultClass::Transport,
    )
    .await;
}

#[tokio::test]
async fn an_error_event_of_the_provider_passes_and_is_booked() {
    let fault = Fault::ErrorEvent {
        after: 6,
        kind: "overloaded_error".to_owned(),
    };
    broken(long_text().fault(fault), FaultClass::Overload).await;
}

#[tokio::test]
async fn silence_does_not_count_while_the_client_does_not_ask() {
    let simulator = Simulator::start().await;
    simulator.next(Script::text("Hello").between_chunks(Duration::from_millis(1600)));
    let settings = ProxySettings {
        idle_timeout_seconds: 1,
        ..ProxySettings::default()
    };
    let rig = Rig::with_settings(vec![account(&simulator, "sk-ant-first")], settings).await;

    let AnswerBody::Stream(mut stream) = rig.call(&message(true)).await.body else {
        panic!("no stream")
    };
    let mut text = stream.next().await.unwrap().unwrap().to_vec();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    while let Some(chunk) = stream.next().await {
        text.extend_from_slice(&chunk.unwrap());
    }

    assert!(text.ends_with(b"\"message_stop\"}\n\n"));
    assert_eq!(rig.rows().await[0].status, Outcome::Ok);
}

#[tokio::test]
async fn chunk_borders_do_not_matter() {
    let simulator = Simulator::start().await;
    simulator.next(Script::text("Hello there").fault(Fault::OneByteChunks));
    let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;

    let text = text(rig.call(&message(true)).await).await;

    assert!(text.contains("message_stop"), "{text}");
    let rows = rig.rows().await;
    assert_eq!(rows[0].attempts[0].usage_source, UsageSource::Reported);
    assert_eq!(
        rows[0].tokens().output,
        simulator.billed("sk-ant-first").tokens.output
    );
}

#[tokio::test]
async fn streams_beyond_the_limit_are_refused() {
    let simulator = Simulator::start().await;
    let settings = ProxySettings {
        max_open_streams: 1,
        ..ProxySettings::default()
    };
    let rig = Rig::with_settings(vec![account(&simulator, "sk-ant-first")], settings).await;

    let first = rig.call(&message(true)).await;
    let second = rig.call(&message(true)).await;

    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(second.status.as_u16(), 529);
    text(first).await;
    assert_eq!(rig.call(&message(true)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_stream_that_stays_open_after_its_last_event_ends_cleanly() {
    let simulator = Simulator::start().await;
    let whole = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n\
        event: content_block_start\ndata: {\"type\":\"content_block_start\"}\n\n\
        event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":2}}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    simulator.next(Script::raw(200, "text/event-stream", whole).fault(Fault::LongContentLength(10)));
    let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;

    let text = text(rig.call(&message(true)).await).await;

    assert_eq!(text, whole);
    let rows = rig.rows().await;
    assert_eq!((rows[0].status, rows[0].tokens().output), (Outcome::Ok, 2));
}
