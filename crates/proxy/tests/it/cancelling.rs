use std::time::Duration;

use futures_util::StreamExt;
use gateway_domain::UsageSource;
use gateway_metering::Outcome;
use gateway_proxy::{AnswerBody, ProxySettings, StreamCut};
use gateway_simulator::{Fault, Point, Script, Simulator};

use crate::rig::{Rig, account, message, text};

#[tokio::test]
async fn leaving_in_the_middle_of_a_stream_cancels_upstream_and_is_booked() {
    let simulator = Simulator::start().await;
    simulator.next(Script::text("one two three ".repeat(50)).fault(Fault::Stall(Point::AfterEvents(6))));
    let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;

    let AnswerBody::Stream(mut stream) = rig.call(&message(true)).await.body else {
        panic!("no stream")
    };
    assert!(stream.next().await.is_some());
    assert_eq!(rig.health(0).in_flight, 1);
    drop(stream);

    simulator.wait_for_disconnects(1).await;
    assert_eq!(rig.health(0).in_flight, 0);
    let rows = rig.rows().await;
    assert_eq!(rows[0].status, Outcome::Cancelled);
    assert_eq!(rows[0].attempts[0].usage_source, UsageSource::Partial);
    assert!(rows[0].tokens().input > 0);
}

#[tokio::test]
async fn leaving_before_the_answer_cancels_upstream_and_is_booked() {
    let simulator = Simulator::start().await;
    simulator.next(Script::new().fault(Fault::Stall(Point::BeforeHead)));
    let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;

    let message = message(false);
    tokio::select! {
        _ = rig.call(&message) => panic!("it never answers"),
        () = simulator.wait_for_requests(1) => {}
    }

    simulator.wait_for_disconnects(1).await;
    assert_eq!(rig.health(0).in_flight, 0);
    let rows = rig.rows().await;
    assert_eq!((rows[0].status, rows[0].http_status), (Outcome::Cancelled, None));
    assert_eq!(rows[0].attempts[0].status, Outcome::Cancelled);
}

fn cuts_readers_soon() -> ProxySettings {
    ProxySettings {
        reader_timeout_seconds: 1,
        ..ProxySettings::default()
    }
}

#[tokio::test]
async fn a_client_that_stops_reading_is_cut() {
    let simulator = Simulator::start().await;
    simulator.next(Script::text("one two three ".repeat(50)).fault(Fault::Stall(Point::AfterEvents(6))));
    let rig = Rig::with_settings(vec![account(&simulator, "sk-ant-first")], cuts_readers_soon()).await;

    let AnswerBody::Stream(mut stream) = rig.call(&message(true)).await.body else {
        panic!("no stream")
    };
    assert!(stream.next().await.unwrap().is_ok());

    simulator.wait_for_disconnects(1).await;
    assert_eq!(rig.health(0).in_flight, 0);
    let metrics = rig.engine.shared().scrape();
    assert!(metrics.contains("gateway_open_streams 0"), "{metrics}");
    let rows = rig.rows().await;
    assert_eq!(rows[0].status, Outcome::Cancelled);
    assert_eq!(rows[0].attempts[0].fault, None);
    // Whoever reads on finds no proper end.
    assert_eq!(stream.next().await, Some(Err(StreamCut)));
    assert_eq!(stream.next().await, None);
    drop(stream);
    assert_eq!(rig.rows().await.len(), 1);
}

#[tokio::test]
async fn a_client_that_waits_for_the_provider_is_not_cut() {
    let simulator = Simulator::start().await;
    simulator.next(Script::text("one two three four five six").between_chunks(Duration::from_millis(1500)));
    let rig = Rig::with_settings(vec![account(&simulator, "sk-ant-first")], cuts_readers_soon()).await;

    let text = text(rig.call(&message(true)).await).await;

    assert!(text.contains("message_stop"), "{text}");
    assert_eq!(rig.rows().await[0].status, Outcome::Ok);
}
