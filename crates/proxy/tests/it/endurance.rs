//! Many requests while one of three accounts is of no use.

use std::net::TcpListener;

use futures_util::StreamExt as _;
use futures_util::stream;
use gateway_domain::{Credential, UpstreamAccount};
use gateway_metering::Outcome;
use gateway_proxy::ProxySettings;
use gateway_simulator::{Fault, Point, Script, Simulator};
use http::StatusCode;

use crate::rig::{Rig, account, account_at, message, text};

const REQUESTS: usize = 2_000;
const AT_ONCE: usize = 40;

fn settings() -> ProxySettings {
    ProxySettings {
        first_event_timeout_seconds: 4,
        answer_timeout_seconds: 4,
        ..ProxySettings::default()
    }
}

/// Sends many requests, every other one a stream, and says how many of them were not answered as they should be.
async fn endure(rig: &Rig, on_request: impl FnMut(usize)) -> usize {
    endure_some(rig, |number| number % 2 == 0, on_request).await
}

async fn endure_some(
    rig: &Rig,
    is_streamed: impl Fn(usize) -> bool,
    mut on_request: impl FnMut(usize),
) -> usize {
    let calls = stream::iter(0..REQUESTS).map(|number| {
        on_request(number);
        let is_streamed = is_streamed(number);
        async move {
            let answer = rig.call(&message(is_streamed)).await;
            let status = answer.status;
            let text = text(answer).await;
            is_whole(status, &text, is_streamed)
        }
    });
    let whole = calls.buffer_unordered(AT_ONCE);
    whole
        .filter(|is_whole| std::future::ready(!is_whole))
        .count()
        .await
}

/// Whether a client got one whole answer: nothing twice, nothing of two, and an error where it was cut.
#[track_caller]
fn is_whole(status: StatusCode, text: &str, is_streamed: bool) -> bool {
    if !is_streamed {
        return status == StatusCode::OK && text.contains("\"stop_reason\"");
    }
    let count = |event: &str| text.matches(&format!("event: {event}\n")).count();
    assert!(count("message_start") <= 1, "two answers: {text}");
    assert!(count("message_stop") <= 1, "two answers: {text}");
    let blocks: Vec<&str> = text
        .split("\n\n")
        .filter(|block| block.contains("content_block_start"))
        .collect();
    for (place, block) in blocks.iter().enumerate() {
        assert!(block.contains(&format!("\"index\":{place}")), "spliced: {text}");
    }
    if status == StatusCode::OK && count("message_stop") == 0 {
        assert_eq!(count("error"), 1, "a cut stream that looks whole: {text}");
    }
    status == StatusCode::OK && count("message_stop") == 1 && count("error") == 0
}

async fn three(third: (UpstreamAccount, Credential), simulator: &Simulator) -> Rig {
    let accounts = vec![
        account(simulator, "sk-ant-first"),
        account(simulator, "sk-ant-second"),
        third,
    ];
    Rig::of_equals(accounts, settings()).await
}

async fn assert_nothing_is_left(rig: &Rig) {
    for position in 0..3 {
        assert_eq!(rig.health(position).in_flight, 0);
    }
    let rows = rig.rows().await;
    assert_eq!(rows.len(), REQUESTS);
    let of_status = |status| rows.iter().filter(|row| row.status == status).count();
    assert_eq!(of_status(Outcome::Cancelled), 0);
}

#[tokio::test]
async fn a_dead_account_of_three_is_not_noticed() {
    let simulator = Simulator::start().await;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rig = three(account_at(&format!("http://{closed}"), "sk-ant-dead"), &simulator).await;
    assert!(endure(&rig, |_| {}).await <= REQUESTS / 1_000);
    assert_nothing_is_left(&rig).await;
}

#[tokio::test]
async fn a_hanging_account_of_three_is_not_noticed() {
    let simulator = Simulator::start().await;
    simulator.always_for(
        "sk-ant-hanging",
        Script::new().fault(Fault::Stall(Point::BeforeHead)),
    );
    let rig = three(account(&simulator, "sk-ant-hanging"), &simulator).await;
    assert!(endure(&rig, |_| {}).await <= REQUESTS / 1_000);
    assert_nothing_is_left(&rig).await;
}

#[tokio::test]
async fn an_account_that_stalls_before_its_content_is_not_noticed() {
    let simulator = Simulator::start().await;
    simulator.always_for(
        "sk-ant-stalling",
        Script::new().fault(Fault::Stall(Point::AfterEvents(1))),
    );
    let rig = three(account(&simulator, "sk-ant-stalling"), &simulator).await;
    // An answer in one piece has no head to stall after.
    assert!(endure_some(&rig, |_| true, |_| {}).await <= REQUESTS / 1_000);
    assert_nothing_is_left(&rig).await;
}

#[tokio::test]
async fn a_flapping_account_of_three_is_not_noticed() {
    let simulator = Simulator::start().await;
    let rig = three(account(&simulator, "sk-ant-flapping"), &simulator).await;
    let faults = [
        Script::status(500),
        Script::new().fault(Fault::Reset(Point::BeforeHead)),
        Script::new().fault(Fault::EndAfter(1)),
        Script::status(529),
        Script::status(429),
    ];
    let flap = |number: usize| {
        if number.is_multiple_of(100) {
            simulator.forget_scripts_of("sk-ant-flapping");
        } else if number % 100 == 50 {
            simulator.always_for("sk-ant-flapping", faults[number / 100 % faults.len()].clone());
        }
    };
    assert!(endure(&rig, flap).await <= REQUESTS / 1_000);
    assert_nothing_is_left(&rig).await;
}
