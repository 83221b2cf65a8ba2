use gateway_simulator::{Ended, Simulator};
use serde_json::json;

use crate::client::{Client, End, Request, call};

#[tokio::test]
async fn a_message_comes_whole() {
    let simulator = Simulator::start().await;
    let answer = call(simulator.address(), &Request::hello());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let message = answer.json();
    assert_eq!(message["type"], "message");
    assert_eq!(message["stop_reason"], "end_turn");
    assert!(message["usage"]["output_tokens"].as_u64().unwrap() > 10);
    let received = simulator.received();
    assert_eq!(received[0].ended, Ended::Completed);
    assert_eq!(received[0].status, Some(200));
    assert_eq!(simulator.billed("sk-ant-test"), received[0].billed);
}

#[tokio::test]
async fn a_stream_has_the_events_in_their_order() {
    let simulator = Simulator::start().await;
    let answer = call(simulator.address(), &Request::streamed_hello());
    assert_eq!((answer.status, answer.end), (200, End::Whole));
    let events = answer.events();
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..3], ["message_start", "ping", "content_block_start"]);
    assert_eq!(
        names[names.len() - 3..],
        ["content_block_stop", "message_delta", "message_stop"]
    );
    assert!(events.iter().all(|(name, data)| data["type"] == json!(name)));
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let simulator = Simulator::start().await;
    let mut client = Client::connect(simulator.address());
    for _ in 0..3 {
        assert_eq!(client.call(&Request::hello()).status, 200);
        assert_eq!(client.call(&Request::streamed_hello()).end, End::Whole);
    }
    let received = simulator.received();
    assert!(
        received
            .iter()
            .all(|request| request.connection == received[0].connection)
    );
}
