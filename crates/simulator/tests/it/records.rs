//! What is remembered of requests, and what waits for it.

use std::thread;

use gateway_simulator::{Billed, Ended, Fault, Pace, Point, Reply, Script, Simulator, Tally};
use std::time::Duration;

use crate::client::{Client, End, Request, call};

#[tokio::test]
async fn a_request_is_kept_as_it_came() {
    let simulator = Simulator::start().await;
    let request = Request::post("/v1/messages?beta=true", &crate::client::hello()).with("X-oDD-CaSe", "a, b");
    let answer = call(simulator.address(), &request);
    let [received] = <[_; 1]>::try_from(simulator.received()).unwrap();
    assert_eq!(
        (received.method.as_str(), received.target.as_str()),
        ("POST", "/v1/messages?beta=true")
    );
    assert_eq!(received.path(), "/v1/messages");
    let mut sent = request.headers.clone();
    sent.push(("Content-Length".to_owned(), request.body.len().to_string()));
    assert_eq!(received.headers, sent);
    assert_eq!(received.header("x-odd-case"), Some("a, b"));
    assert_eq!(received.body, request.body);
    assert_eq!(received.credential.as_deref(), Some("sk-ant-test"));
    assert_eq!(received.status, Some(200));
    assert_eq!(Some(received.request_id.as_str()), answer.header("request-id"));
    assert_eq!(received.ended, Ended::Completed);
    simulator.forget_received();
    assert!(simulator.received().is_empty());
}

#[tokio::test]
async fn only_the_latest_requests_are_kept() {
    let simulator = Simulator::builder().keep(2).start().await;
    for _ in 0..5 {
        call(simulator.address(), &Request::hello());
    }
    let numbers: Vec<u64> = simulator
        .received()
        .iter()
        .map(|request| request.number)
        .collect();
    assert_eq!(numbers, [3, 4]);
    assert_eq!(simulator.tally().received, 5);
    let forgetful = Simulator::builder().keep(0).start().await;
    assert_eq!(call(forgetful.address(), &Request::hello()).status, 200);
    assert!(forgetful.received().is_empty());
    assert_eq!(forgetful.billed("sk-ant-test").messages, 1);
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_is_noticed_and_billed_for_what_it_got() {
    let simulator = Simulator::start().await;
    let text = "Sixteen letters, and another sixteen letters.";
    simulator
        .next(Script::reply(Reply::text(text).output_tokens(900)).fault(Fault::Stall(Point::AfterEvents(5))));
    let mut client = Client::connect(simulator.address());
    client.send(&Request::streamed_hello());
    while !client.read_some(1).ends_with(b"}}\n\n\r\n") {
        client.read_more();
    }
    drop(client);
    simulator.wait_for_disconnects(1).await;
    let received = &simulator.received()[0];
    assert!(matches!(received.ended, Ended::ClientWentAway { body_bytes } if body_bytes > 100));
    assert_eq!(received.billed.tokens.output, 8, "two deltas of four tokens");
    assert!(received.billed.tokens.input > 0);
    assert_eq!(simulator.billed("sk-ant-test"), received.billed);
    simulator.wait_for_no_connections().await;
}

#[tokio::test]
async fn a_client_that_leaves_between_events_is_noticed() {
    let hour = Duration::from_secs(3_600);
    let simulator = Simulator::start().await;
    for script in [
        Script::new().head_after(hour),
        Script::new().content_after(hour),
        Script::new().between_chunks(hour),
    ] {
        let before = simulator.tally().disconnected;
        simulator.next(script);
        let mut client = Client::connect(simulator.address());
        client.send(&Request::streamed_hello());
        simulator.wait_for_requests(before + 1).await;
        drop(client);
        simulator.wait_for_disconnects(before + 1).await;
    }
    let whole = Script::new().between_chunks(hour);
    simulator.next(whole);
    let mut client = Client::connect(simulator.address());
    client.send(&Request::hello());
    drop(client);
    simulator.wait_for_disconnects(4).await;
    let last = simulator.received().pop().unwrap();
    assert_eq!(last.ended, Ended::ClientWentAway { body_bytes: 0 });
    assert_eq!(last.billed, Billed::default());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_waited_for_until_it_leaves() {
    let simulator = Simulator::start().await;
    simulator.next(Script::new().fault(Fault::Huge(32 << 20)));
    let mut client = Client::connect(simulator.address());
    client.send(&Request::streamed_hello());
    client.read_some(1_000);
    assert_eq!(simulator.received()[0].ended, Ended::InProgress);
    drop(client);
    simulator.wait_for_disconnects(1).await;
    let Ended::ClientWentAway { body_bytes } = simulator.received()[0].ended else {
        panic!("{:?}", simulator.received()[0].ended);
    };
    assert!(body_bytes > 0 && body_bytes < 32 << 20, "{body_bytes}");
}

#[tokio::test]
async fn a_client_that_leaves_while_it_sends_is_noticed() {
    let simulator = Simulator::start().await;
    let bytes = Request::hello().bytes();
    let mut client = Client::connect(simulator.address());
    client.write(&bytes[..bytes.len() - 5]);
    client.finish_writing();
    simulator.wait_for_disconnects(1).await;
    let received = &simulator.received()[0];
    assert_eq!(received.ended, Ended::ClientWentAway { body_bytes: 0 });
    assert_eq!((received.status, received.body.len()), (None, 0));
}

#[tokio::test]
async fn hundreds_of_slow_streams_run_at_once() {
    let simulator = Simulator::builder()
        .pace(Pace {
            first_content: Duration::from_millis(20),
            between: Duration::from_millis(5),
            ..Pace::default()
        })
        .start()
        .await;
    let address = simulator.address();
    let clients: Vec<Client> = (0..200)
        .map(|_| {
            let mut client = Client::connect(address);
            client.send(&Request::streamed_hello());
            client
        })
        .collect();
    for mut client in clients {
        assert_eq!(client.receive().end, End::Whole);
    }
    simulator.wait_for_ends(200).await;
    let tally = simulator.tally();
    assert_eq!((tally.received, tally.ended, tally.disconnected), (200, 200, 0));
}

#[tokio::test]
async fn several_threads_serve_as_one() {
    let simulator = Simulator::builder().threads(3).start().await;
    let address = simulator.address();
    let clients = (0..6).map(|_| thread::spawn(move || call(address, &Request::hello()).status));
    let clients: Vec<_> = clients.collect();
    for client in clients {
        assert_eq!(client.join().unwrap(), 200);
    }
    assert_eq!(simulator.tally().received, 6);
    assert_eq!(simulator.billed("sk-ant-test").messages, 6);
}

#[test]
fn it_runs_without_any_runtime_and_stops_when_dropped() {
    let simulator = Simulator::builder().try_start().unwrap();
    let address = simulator.address();
    let mut idle = Client::connect(address);
    assert_eq!(idle.call(&Request::hello()).status, 200);
    assert_eq!(simulator.base_url(), format!("http://{address}"));
    drop(simulator);
    assert_eq!(idle.read_some(1), b"");
    assert!(std::net::TcpStream::connect(address).is_err());
    let again = Simulator::builder().listen(address).try_start().unwrap();
    assert_eq!(call(again.address(), &Request::hello()).status, 200);
    assert_eq!(
        again.tally(),
        Tally {
            connections: again.tally().connections,
            received: 1,
            ended: 1,
            disconnected: 0
        }
    );
}
