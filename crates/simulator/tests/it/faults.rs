//! Every fault, as a client sees it.

use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use gateway_simulator::{Ended, Fault, Point, Script, Simulator};
use serde_json::json;

use crate::client::{Answer, Client, End, Request, call};

/// One answer to a streamed request under a fault, and how it ended.
async fn streamed_with(fault: Fault) -> (Answer, Ended) {
    answer_with(fault, Request::streamed_hello()).await
}

async fn whole_with(fault: Fault) -> (Answer, Ended) {
    answer_with(fault, Request::hello()).await
}

async fn answer_with(fault: Fault, request: Request) -> (Answer, Ended) {
    let simulator = Simulator::start().await;
    simulator.next(Script::new().fault(fault));
    let answer = call(simulator.address(), &request);
    simulator.wait_for_ends(1).await;
    let ended = simulator.received()[0].ended;
    assert_eq!(
        call(simulator.address(), &Request::hello()).status,
        200,
        "only the next request fails"
    );
    (answer, ended)
}

fn names(answer: &Answer) -> Vec<String> {
    answer.events().into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn statuses_have_the_provider_s_types() {
    let simulator = Simulator::start().await;
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ] {
        simulator.next(Script::status(status));
        let answer = call(simulator.address(), &Request::streamed_hello());
        assert_eq!((answer.status, answer.error_type().as_str()), (status, kind));
        assert_eq!(answer.header("retry-after"), None);
        assert_eq!(answer.header("anthropic-ratelimit-requests-reset"), None);
    }
    assert_eq!(simulator.billed("sk-ant-test").messages, 0);
}

#[tokio::test]
async fn a_refusal_can_be_worded() {
    let simulator = Simulator::start().await;
    simulator.next(
        Script::status(429)
            .kind("special_error")
            .message("Not now")
            .error_code("enforced_spend_limit_reached")
            .header("Retry-After", "30")
            .header("Server", "nginx"),
    );
    let answer = call(simulator.address(), &Request::hello());
    assert_eq!(
        answer.json()["error"],
        json!({
            "type": "special_error",
            "message": "Not now",
            "details": {"error_code": "enforced_spend_limit_reached"},
        })
    );
    assert_eq!(answer.header("retry-after"), Some("30"));
    let servers = answer
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("server"));
    assert_eq!(servers.count(), 1);
    assert_eq!(answer.header("server"), Some("nginx"));
}

#[tokio::test]
async fn any_bytes_can_be_the_answer() {
    let simulator = Simulator::start().await;
    simulator.next(Script::raw(502, "text/html", "<html>Bad gateway</html>"));
    let answer = call(simulator.address(), &Request::hello());
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (502, "<html>Bad gateway</html>")
    );
    assert_eq!(answer.header("content-type"), Some("text/html"));
}

#[tokio::test]
async fn delays_end() {
    let simulator = Simulator::start().await;
    let delay = Duration::from_millis(5);
    let script = Script::text("Some words of an answer.")
        .head_after(delay)
        .content_after(Duration::from_millis(50))
        .between_chunks(delay)
        .ping_every(delay);
    simulator.next(script.clone());
    let answer = call(simulator.address(), &Request::streamed_hello());
    assert_eq!(answer.end, End::Whole);
    let names = names(&answer);
    let first_content = names
        .iter()
        .position(|name| name == "content_block_start")
        .unwrap();
    assert_eq!(names[0], "message_start");
    assert_eq!(names[1..first_content], vec!["ping"; 1 + 9]);
    simulator.next(script);
    assert_eq!(call(simulator.address(), &Request::hello()).status, 200);
}

#[tokio::test]
async fn a_reset_comes_where_it_is_wanted() {
    for (point, events, head) in [
        (Point::BeforeHead, 0, false),
        (Point::InHead, 0, false),
        (Point::AfterEvents(0), 0, true),
        (Point::AfterEvents(4), 4, true),
        (Point::InEvent(4), 4, true),
    ] {
        let (answer, ended) = streamed_with(Fault::Reset(point)).await;
        assert_eq!(answer.end, End::Reset, "{point:?}");
        assert_eq!(
            (answer.events().len(), answer.status == 200),
            (events, head),
            "{point:?}"
        );
        let in_event = answer.text().ends_with("\n\n") || answer.body.is_empty();
        assert_eq!(!in_event, matches!(point, Point::InEvent(_)));
        assert_eq!(answer.raw.is_empty(), point == Point::BeforeHead);
        assert_eq!(
            ended,
            Ended::Cut {
                body_bytes: answer.body.len() as u64
            }
        );
    }
}

#[tokio::test]
async fn a_hang_up_leaves_the_body_without_an_end() {
    for point in [
        Point::BeforeHead,
        Point::InHead,
        Point::AfterEvents(0),
        Point::AfterEvents(3),
        Point::InEvent(3),
    ] {
        let (answer, ended) = streamed_with(Fault::HangUp(point)).await;
        assert_eq!(answer.end, End::Short, "{point:?}");
        assert!(!answer.chunks.contains(&0));
        assert_eq!(
            ended,
            Ended::Cut {
                body_bytes: answer.body.len() as u64
            }
        );
        let (answer, _) = whole_with(Fault::HangUp(point)).await;
        assert!(answer.end == End::Short || point == Point::AfterEvents(3) || point == Point::InEvent(3));
    }
}

#[tokio::test]
async fn a_whole_answer_counts_as_one_event() {
    let (answer, _) = whole_with(Fault::HangUp(Point::InEvent(0))).await;
    let promised: usize = answer.header("content-length").unwrap().parse().unwrap();
    assert_eq!((answer.end, answer.body.len()), (End::Short, promised / 2));
    let (answer, _) = whole_with(Fault::Reset(Point::AfterEvents(0))).await;
    assert_eq!((answer.end, answer.body.len()), (End::Reset, 0));
}

#[tokio::test]
async fn a_stall_lasts_until_the_client_leaves() {
    for point in [
        Point::BeforeHead,
        Point::InHead,
        Point::AfterEvents(0),
        Point::AfterEvents(4),
        Point::InEvent(4),
    ] {
        let simulator = Simulator::start().await;
        simulator.next(Script::new().fault(Fault::Stall(point)));
        let mut client = Client::connect(simulator.address());
        client.send(&Request::streamed_hello());
        client.finish_writing();
        let answer = client.receive();
        assert!(answer.chunks.len() <= 5);
        simulator.wait_for_disconnects(1).await;
        let body_bytes = answer.body.len() as u64;
        assert_eq!(
            simulator.received()[0].ended,
            Ended::ClientWentAway { body_bytes },
            "{point:?}"
        );
    }
}

#[tokio::test]
async fn a_stream_can_end_cleanly_without_its_last_event() {
    let (answer, ended) = streamed_with(Fault::EndAfter(5)).await;
    assert_eq!((answer.status, answer.end), (200, End::Whole));
    assert_eq!(answer.events().len(), 5);
    assert_eq!(answer.chunks.last(), Some(&0));
    assert_eq!(ended, Ended::Completed);
    let (answer, _) = streamed_with(Fault::EndAfter(0)).await;
    assert_eq!(
        (answer.status, answer.end, answer.body.len()),
        (200, End::Whole, 0)
    );
    let (answer, _) = whole_with(Fault::EndAfter(0)).await;
    assert_eq!(
        (answer.status, answer.end, answer.body.len()),
        (200, End::Whole, 0)
    );
}

#[tokio::test]
async fn an_error_event_ends_the_stream() {
    let error = |after| Fault::ErrorEvent {
        after,
        kind: "overloaded_error".to_owned(),
    };
    let (answer, _) = streamed_with(error(0)).await;
    assert_eq!((answer.status, names(&answer)), (200, vec!["error".to_owned()]));
    assert_eq!(
        answer.events()[0].1["error"],
        json!({"type": "overloaded_error", "message": "Overloaded"})
    );
    let (answer, _) = streamed_with(error(4)).await;
    assert_eq!(answer.end, End::Whole);
    assert_eq!(
        names(&answer),
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "error"
        ]
    );
    let (answer, _) = whole_with(error(4)).await;
    assert_eq!(
        (answer.status, answer.error_type().as_str()),
        (529, "overloaded_error")
    );
}

#[tokio::test]
async fn garbage_takes_the_place_of_the_rest() {
    let (answer, _) = whole_with(Fault::Garbage(0)).await;
    assert_eq!((answer.status, answer.end), (200, End::Whole));
    assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_err());
    let (answer, _) = streamed_with(Fault::Garbage(3)).await;
    assert_eq!(answer.events().len(), 3);
    assert!(!answer.text().ends_with("\n\n"));
}

#[tokio::test]
async fn gzip_comes_unasked() {
    for request in [Request::hello(), Request::streamed_hello()] {
        let (plain, _) = answer_with(Fault::EndAfter(usize::MAX), request.clone()).await;
        let (answer, _) = answer_with(Fault::Gzip, request).await;
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        let mut text = String::new();
        GzDecoder::new(&answer.body[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, plain.text());
    }
}

#[tokio::test]
async fn a_length_can_promise_too_much() {
    for request in [Request::hello(), Request::streamed_hello()] {
        let (answer, ended) = answer_with(Fault::LongContentLength(10), request).await;
        let promised: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert_eq!((answer.end, answer.body.len() + 10), (End::Short, promised));
        assert!(matches!(ended, Ended::Cut { .. }));
    }
}

#[tokio::test]
async fn every_byte_can_be_a_chunk() {
    for request in [Request::hello(), Request::streamed_hello()] {
        let (answer, _) = answer_with(Fault::OneByteChunks, request).await;
        assert_eq!(answer.end, End::Whole);
        assert_eq!(answer.chunks.len(), answer.body.len() + 1);
        assert!(answer.chunks.iter().all(|size| *size <= 1));
    }
}

#[tokio::test]
async fn an_answer_can_be_huge() {
    let size = 3 << 20;
    let (answer, _) = whole_with(Fault::Huge(size)).await;
    assert_eq!(answer.json()["content"][0]["text"].as_str().unwrap().len(), size);
    let (answer, _) = streamed_with(Fault::Huge(size)).await;
    assert!(answer.body.len() > size);
    assert_eq!(answer.events().last().unwrap().0, "message_stop");
}

#[tokio::test]
async fn a_body_can_be_read_slowly() {
    let simulator = Simulator::start().await;
    simulator.next(Script::new().fault(Fault::SlowRead {
        bytes: 7,
        pause_ms: 1,
    }));
    let request = Request::hello();
    assert_eq!(call(simulator.address(), &request).status, 200);
    assert_eq!(simulator.received()[0].body, request.body);

    let hour_ms = 3_600_000;
    simulator.next(Script::new().fault(Fault::SlowRead {
        bytes: 7,
        pause_ms: hour_ms,
    }));
    let mut slow = Client::connect(simulator.address());
    slow.send(&request);
    simulator.wait_for_requests(2).await;
    assert_eq!(call(simulator.address(), &request).status, 200);
    let slow = &simulator.received()[1];
    assert_eq!((slow.ended, slow.body.len()), (Ended::InProgress, 0));
}

#[tokio::test]
async fn faults_go_together_and_with_errors() {
    let simulator = Simulator::start().await;
    simulator.next(
        Script::new()
            .fault(Fault::Gzip)
            .fault(Fault::HangUp(Point::AfterEvents(6))),
    );
    let answer = call(simulator.address(), &Request::streamed_hello());
    assert_eq!(
        (answer.header("content-encoding"), answer.end),
        (Some("gzip"), End::Short)
    );
    simulator.next(Script::status(500).fault(Fault::HangUp(Point::InEvent(0))));
    let answer = call(simulator.address(), &Request::hello());
    assert_eq!((answer.status, answer.end), (500, End::Short));
}

#[tokio::test]
async fn a_connection_survives_what_is_no_fault_of_its_own() {
    let simulator = Simulator::start().await;
    simulator.next(Script::status(529));
    simulator.next(Script::new().fault(Fault::EndAfter(2)));
    simulator.next(Script::new().fault(Fault::ErrorEvent {
        after: 2,
        kind: "api_error".to_owned(),
    }));
    let mut client = Client::connect(simulator.address());
    for _ in 0..4 {
        assert_eq!(client.call(&Request::streamed_hello()).end, End::Whole);
    }
    let received = simulator.received();
    assert!(
        received
            .iter()
            .all(|request| request.connection == received[0].connection)
    );
}
