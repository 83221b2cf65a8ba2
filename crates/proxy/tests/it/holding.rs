use std::time::Duration;

use futures_util::StreamExt;
use gateway_domain::FaultClass;
use gateway_metering::Outcome;
use gateway_proxy::{AnswerBody, ProxySettings};
use gateway_simulator::{Fault, Point, Script, Simulator};
use http::StatusCode;

use crate::rig::{Rig, account, header, message, pair, text};

const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";

/// Two accounts at one simulator, and a client that waits for no head.
async fn impatient(first: Script, second: Script) -> (Simulator, Rig) {
    let simulator = Simulator::start().await;
    simulator.always_for("sk-ant-first", first);
    simulator.always_for("sk-ant-second", second);
    let settings = ProxySettings {
        hold_timeout_seconds: 0,
        ping_interval_seconds: 1,
        ..ProxySettings::default()
    };
    let rig = Rig::with_settings(pair(&simulator), settings).await;
    (simulator, rig)
}

fn slow() -> Script {
    Script::text("Hello").head_after(Duration::from_millis(200))
}

#[tokio::test]
async fn a_stream_without_content_is_kept_alive_with_pings() {
    let (_simulator, rig) = impatient(slow().content_after(Duration::from_millis(1100)), slow()).await;

    let answer = rig.call(&message(true)).await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(header(&answer, "content-type"), Some("text/event-stream"));
    assert_eq!(header(&answer, "x-gateway-account"), None);
    let text = text(answer).await;
    let (before, after) = text.split_once("event: message_start").expect(&text);
    assert_eq!(before, PING.repeat(2));
    assert!(!after.contains("event: message_start"), "{text}");
    assert!(after.ends_with("\"message_stop\"}\n\n"), "{text}");
    let rows = rig.rows().await;
    assert_eq!((rows[0].status, rows[0].http_status), (Outcome::Ok, Some(200)));
    assert!(rows[0].ttft.unwrap() > Duration::from_secs(1));
}

#[tokio::test]
async fn another_account_takes_over_although_the_head_is_sent() {
    for fault in [
        Fault::Reset(Point::BeforeHead),
        Fault::Reset(Point::AfterEvents(2)),
        Fault::EndAfter(1),
    ] {
        let (_simulator, rig) = impatient(slow().fault(fault), slow()).await;

        let text = text(rig.call(&message(true)).await).await;

        assert!(text.starts_with(PING), "{text}");
        assert_eq!(text.matches("event: message_start").count(), 1, "{text}");
        assert!(text.ends_with("\"message_stop\"}\n\n"), "{text}");
        let rows = rig.rows().await;
        assert_eq!((rows[0].status, rows[0].attempts.len()), (Outcome::Ok, 2));
    }
}

#[tokio::test]
async fn what_fails_after_the_head_is_sent_ends_with_an_error_event() {
    let refused = Script::status(400)
        .message("prompt is too long")
        .head_after(Duration::from_millis(200));
    let (_simulator, rig) = impatient(refused, slow()).await;

    let text = text(rig.call(&message(true)).await).await;

    let error = text
        .strip_prefix(PING)
        .and_then(|rest| rest.strip_prefix("event: error\ndata: "));
    let error: serde_json::Value = serde_json::from_str(error.expect(&text)).unwrap();
    assert_eq!(error["error"]["type"], "invalid_request_error");
    assert_eq!(error["error"]["message"], "prompt is too long");
    let rows = rig.rows().await;
    assert_eq!(
        (rows[0].status, rows[0].http_status, rows[0].fault),
        (Outcome::Error, Some(200), Some(FaultClass::Client))
    );
    assert_eq!(rows[0].attempts[0].http_status, Some(400));
}

#[tokio::test]
async fn leaving_while_kept_alive_cancels_upstream_and_is_booked() {
    let (simulator, rig) = impatient(Script::new().fault(Fault::Stall(Point::BeforeHead)), slow()).await;

    let AnswerBody::Stream(mut stream) = rig.call(&message(true)).await.body else {
        panic!("no stream")
    };
    tokio::select! {
        () = simulator.wait_for_requests(1) => {}
        () = async { while stream.next().await.is_some() {} } => panic!("it never ends"),
    }
    assert_eq!(rig.health(0).in_flight, 1);
    drop(stream);

    simulator.wait_for_disconnects(1).await;
    assert_eq!(rig.health(0).in_flight, 0);
    let rows = rig.rows().await;
    assert_eq!(
        (rows[0].status, rows[0].http_status),
        (Outcome::Cancelled, Some(200))
    );
    assert_eq!(rows[0].attempts[0].status, Outcome::Cancelled);
}

#[tokio::test]
async fn an_answer_that_is_not_streamed_is_awaited() {
    let refused = Script::status(529).head_after(Duration::from_millis(200));
    let (_simulator, rig) = impatient(refused.clone(), refused).await;

    let answer = rig.call(&message(false)).await;

    assert_eq!(answer.status.as_u16(), 529);
}

#[tokio::test]
async fn a_provider_that_says_anything_while_the_model_thinks_is_alive() {
    let simulator = Simulator::start().await;
    simulator.next(
        Script::text("Hello")
            .content_after(Duration::from_millis(1800))
            .ping_every(Duration::from_millis(300)),
    );
    let settings = ProxySettings {
        first_event_timeout_seconds: 1,
        ..ProxySettings::default()
    };
    let rig = Rig::with_settings(vec![account(&simulator, "sk-ant-first")], settings).await;

    let answer = rig.call(&message(true)).await;

    assert_eq!(header(&answer, "x-gateway-attempts"), Some("1"));
    let text = text(answer).await;
    assert!(text.ends_with("\"message_stop\"}\n\n"), "{text}");
    assert_eq!(rig.rows().await[0].status, Outcome::Ok);
}
