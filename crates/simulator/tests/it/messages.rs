//! What an answer looks like on the wire.

use std::sync::Arc;

use gateway_domain::{ManualClock, Timestamp};
use gateway_simulator::{Reply, Script, Simulator};
use serde_json::json;

use crate::client::{Client, End, Request, call, hello, streamed};

async fn simulator_at_a_fixed_time() -> Simulator {
    let clock = ManualClock::at(Timestamp::from_seconds(1_795_305_600));
    Simulator::builder().clock(Arc::new(clock)).start().await
}

#[tokio::test]
async fn a_message_is_one_json_object() {
    let simulator = simulator_at_a_fixed_time().await;
    let answer = call(simulator.address(), &Request::hello());
    assert_eq!((answer.status, answer.end), (200, End::Whole));
    insta::assert_snapshot!(
        "message",
        String::from_utf8(answer.raw).unwrap().replace('\r', "")
    );
}

#[tokio::test]
async fn a_stream_is_one_event_after_another() {
    let simulator = simulator_at_a_fixed_time().await;
    let reply = Reply::new()
        .and_thinking("The user wants the weather.")
        .and_text("Let me look.")
        .and_tool_use("weather", json!({"city": "Zürich", "days": 3}))
        .and_tool_use("clock", json!({}));
    simulator.next(Script::reply(reply));
    let answer = call(simulator.address(), &Request::streamed_hello());
    assert_eq!((answer.status, answer.end), (200, End::Whole));
    insta::assert_snapshot!("stream", answer.text());
}

#[tokio::test]
async fn every_event_is_a_chunk_of_its_own() {
    let simulator = Simulator::start().await;
    let answer = call(simulator.address(), &Request::streamed_hello());
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    assert_eq!(answer.chunks.len(), answer.events().len() + 1);
    assert!(
        answer
            .events()
            .iter()
            .all(|(name, data)| data["type"] == json!(name))
    );
}

#[tokio::test]
async fn the_same_request_has_the_same_content_under_other_ids() {
    let simulator = Simulator::start().await;
    let [first, second] = [(); 2].map(|()| call(simulator.address(), &Request::hello()).json());
    assert_eq!(first["content"], second["content"]);
    assert_eq!(first["usage"], second["usage"]);
    assert_ne!(first["id"], second["id"]);

    let twin = Simulator::start().await;
    assert_eq!(call(twin.address(), &Request::hello()).json(), first);
    let other = Simulator::builder().seed(1).start().await;
    assert_ne!(
        call(other.address(), &Request::hello()).json()["content"],
        first["content"]
    );
}

#[tokio::test]
async fn a_stream_adds_up_to_the_whole_message() {
    let simulator = Simulator::start().await;
    simulator.always(Script::reply(
        Reply::text("Grüße, 世界, and all the rest of it.").and_text("More."),
    ));
    let whole = call(simulator.address(), &Request::hello()).json();
    let events = call(simulator.address(), &Request::streamed_hello()).events();
    let text: String = events
        .iter()
        .filter(|(name, data)| name == "content_block_delta" && data["index"] == 0)
        .map(|(_, data)| data["delta"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(json!(text), whole["content"][0]["text"]);
    let last = &events[events.len() - 2].1;
    assert_eq!(last["usage"]["output_tokens"], whole["usage"]["output_tokens"]);
    assert_eq!(last["usage"]["input_tokens"], whole["usage"]["input_tokens"]);
    assert_eq!(last["delta"]["stop_reason"], whole["stop_reason"]);
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
    assert_eq!(received.len(), 6);
    assert!(
        received
            .iter()
            .all(|request| request.connection == received[0].connection)
    );
}

#[tokio::test]
async fn a_connection_ends_when_the_client_says_so() {
    let simulator = Simulator::start().await;
    let mut client = Client::connect(simulator.address());
    let answer = client.call(&Request::hello().with("Connection", "close"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(client.read_some(1), b"");
}

#[tokio::test]
async fn a_chunked_body_is_read_like_any_other() {
    let simulator = Simulator::start().await;
    let body = hello().to_string();
    let (start, rest) = body.split_at(20);
    let mut client = Client::connect(simulator.address());
    client.write(
        format!(
            "POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key: k\r\nanthropic-version: 2023-06-01\r\n\
             transfer-encoding: chunked\r\n\r\n{:x}\r\n{start}\r\n{:X};ext=1\r\n{rest}\r\n0\r\nTrailer: x\r\n\r\n",
            start.len(),
            rest.len()
        )
        .as_bytes(),
    );
    assert_eq!(client.receive().status, 200);
    assert_eq!(simulator.received()[0].body, body);
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let simulator = Simulator::start().await;
    let mut client = Client::connect(simulator.address());
    let request = Request::hello();
    for byte in request.bytes() {
        client.write(&[byte]);
    }
    assert_eq!(client.receive().status, 200);
    assert_eq!(simulator.received()[0].body, request.body);
}

#[tokio::test]
async fn requests_may_be_sent_ahead() {
    let simulator = Simulator::start().await;
    let mut client = Client::connect(simulator.address());
    client.send(&Request::streamed_hello());
    client.send(&Request::hello());
    assert_eq!(client.receive().events().last().unwrap().0, "message_stop");
    assert_eq!(client.receive().json()["type"], "message");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let simulator = Simulator::start().await;
    let request = Request::hello().with("Expect", "100-continue");
    let bytes = request.bytes();
    let (head, body) = bytes.split_at(bytes.len() - request.body.len());
    let mut client = Client::connect(simulator.address());
    client.write(head);
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    assert_eq!(client.read_some(go_on.len()), go_on);
    client.forget(go_on.len());
    client.write(body);
    assert_eq!(client.receive().status, 200);
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_a_body_until_the_close() {
    let simulator = Simulator::start().await;
    let body = streamed(hello()).to_string();
    let mut client = Client::connect(simulator.address());
    client.write(
        format!(
            "POST /v1/messages HTTP/1.0\r\nx-api-key: k\r\nanthropic-version: 2023-06-01\r\ncontent-length: {}\r\n\r\n\
             {body}",
            body.len()
        )
        .as_bytes(),
    );
    let answer = client.receive();
    assert_eq!(answer.header("transfer-encoding"), None);
    assert_eq!(answer.events().last().unwrap().0, "message_stop");
}

#[tokio::test]
async fn a_probe_of_the_connection_is_answered() {
    let simulator = Simulator::start().await;
    let answer = call(
        simulator.address(),
        &Request {
            method: "HEAD",
            ..Request::get("/")
        },
    );
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

#[tokio::test]
async fn bytes_that_are_no_http_are_refused() {
    let simulator = Simulator::start().await;
    for bytes in [
        &b"nonsense\r\n\r\n"[..],
        b"POST / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    ] {
        let mut client = Client::connect(simulator.address());
        client.write(bytes);
        assert_eq!(client.receive().status, 400);
        assert_eq!(client.read_some(1), b"");
    }
    assert!(simulator.received().is_empty());
}
