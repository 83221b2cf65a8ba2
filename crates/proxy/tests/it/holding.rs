use std::time::Duration;

use gateway_metering::Outcome;
use gateway_proxy::ProxySettings;
use gateway_simulator::{Script, Simulator};

use crate::rig::{Rig, account, header, message, text};

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
