use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use gateway_alerting::Signer;
use gateway_domain::AlertId;
use gateway_proxy::{Undelivered, Webhook};
use http::StatusCode;

use crate::rig::Rig;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn webhook(address: &str) -> Webhook {
    let rig = Rig::new(Vec::new()).await;
    let signer = Signer::new(&SECRET.into()).unwrap();
    Webhook::new(rig.engine.shared(), address, signer).unwrap()
}

/// A server that answers as many requests as there are statuses, and then tells what it got: heads and bodies.
fn receiver(statuses: &'static [u16]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let elsewhere = format!("{address}/elsewhere");
    let received = thread::spawn(move || {
        let answer = |status| {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") {
                reader.read_line(&mut request).unwrap();
            }
            let length = request
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            request.push_str(std::str::from_utf8(&body).unwrap());
            let head = format!(
                "HTTP/1.1 {status} X\r\nlocation: {elsewhere}\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret"
            );
            reader.into_inner().write_all(head.as_bytes()).unwrap();
            request
        };
        statuses.iter().map(answer).collect()
    });
    (address, received)
}

#[tokio::test]
async fn only_a_success_accepts_and_nothing_is_redirected() {
    let (address, received) = receiver(&[307, 400, 500, 202]);
    let webhook = webhook(&format!("{address}/in")).await;
    for status in [307, 400, 500] {
        let refused = webhook
            .deliver(AlertId::random(), "{}".to_owned())
            .await
            .unwrap_err();
        let expected = StatusCode::from_u16(status).unwrap();
        assert!(matches!(refused, Undelivered::Refused(found) if found == expected));
        assert_eq!(refused.to_string(), format!("answered {status}"));
    }
    webhook.deliver(AlertId::random(), "{}".to_owned()).await.unwrap();
    for request in received.join().unwrap() {
        assert!(request.starts_with("POST /in HTTP/1.1\r\n"), "{request}");
    }
}

#[tokio::test]
async fn a_message_says_who_sent_it_and_stays_the_same_when_it_comes_again() {
    let (address, received) = receiver(&[500, 204]);
    let webhook = webhook(&format!("{address}/in?a=b")).await;
    let (id, body) = (AlertId::random(), r#"{"type":"test"}"#);
    webhook.deliver(id, body.to_owned()).await.unwrap_err();
    webhook.deliver(id, body.to_owned()).await.unwrap();
    for request in received.join().unwrap() {
        assert!(request.starts_with("POST /in?a=b HTTP/1.1\r\n"), "{request}");
        for line in [
            &format!("webhook-id: {id}"),
            "webhook-timestamp: ",
            "webhook-signature: v1,",
            "content-type: application/json",
            "user-agent: llm-gateway/",
        ] {
            assert!(request.contains(&format!("\r\n{line}")), "{line}: {request}");
        }
        assert!(request.ends_with(&format!("\r\n\r\n{body}")), "{request}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_a_few_words() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let webhook = webhook(&format!("http://127.0.0.1:{port}/secret")).await;
    let failed = webhook
        .deliver(AlertId::random(), "{}".to_owned())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        failed.starts_with("not sent: ") && !failed.contains("secret"),
        "{failed}"
    );
}
