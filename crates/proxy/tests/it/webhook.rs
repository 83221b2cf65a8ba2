use gateway_alerting::Signer;
use gateway_domain::AlertId;
use gateway_proxy::{Undelivered, Webhook};
use gateway_simulator::{Script, Simulator};
use http::StatusCode;

use crate::rig::Rig;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn webhook(address: &str) -> Webhook {
    let rig = Rig::new(Vec::new()).await;
    let signer = Signer::new(&SECRET.into()).unwrap();
    Webhook::new(rig.engine.shared(), &address.parse().unwrap(), signer).unwrap()
}

#[tokio::test]
async fn only_a_success_accepts_and_nothing_is_redirected() {
    let receiver = Simulator::start().await;
    let webhook = webhook(&format!("{}/v1/messages", receiver.base_url())).await;
    for status in [307, 400, 500] {
        let elsewhere = format!("{}/elsewhere", receiver.base_url());
        receiver.next(Script::status(status).header("location", elsewhere));
        let refused = webhook
            .deliver(AlertId::random(), "{}".to_owned())
            .await
            .unwrap_err();
        let expected = StatusCode::from_u16(status).unwrap();
        assert!(
            matches!(refused, Undelivered::Refused(found) if found == expected),
            "{refused}"
        );
        assert_eq!(refused.to_string(), format!("answered {status}"));
    }
    assert_eq!(receiver.received().len(), 3);
    receiver.next(Script::raw(202, "text/plain", ""));
    webhook.deliver(AlertId::random(), "{}".to_owned()).await.unwrap();
}

#[tokio::test]
async fn a_message_says_who_sent_it_and_stays_the_same_when_it_comes_again() {
    let receiver = Simulator::start().await;
    let webhook = webhook(&format!("{}/v1/messages?a=b", receiver.base_url())).await;
    let id = AlertId::random();
    receiver.always(Script::raw(200, "text/plain", "thanks"));
    for _ in 0..2 {
        webhook
            .deliver(id, r#"{"type":"test"}"#.to_owned())
            .await
            .unwrap();
    }
    let received = receiver.received();
    for request in &received {
        assert_eq!(request.header("webhook-id"), Some(id.to_string().as_str()));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert!(request.header("webhook-signature").unwrap().starts_with("v1,"));
        assert!(request.header("user-agent").unwrap().starts_with("llm-gateway/"));
        assert_eq!(&request.body[..], br#"{"type":"test"}"#);
    }
    assert_eq!(received.len(), 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_a_few_words() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let webhook = webhook(&format!("http://127.0.0.1:{port}/secret")).await;
    let failed = webhook
        .deliver(AlertId::random(), "{}".to_owned())
        .await
        .unwrap_err();
    assert!(
        failed.to_string().starts_with("not sent: ") && !failed.to_string().contains("secret"),
        "{failed}"
    );
}
