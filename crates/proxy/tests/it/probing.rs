use std::time::Duration;

use gateway_balancing::{HealthStatus, PoolSettings};
use gateway_proxy::ProxySettings;
use gateway_simulator::{Endpoint, Script, Simulator};

use crate::rig::{Rig, account, account_at, message, text};

#[tokio::test]
async fn a_probe_asks_the_provider_for_free() {
    let simulator = Simulator::start().await;
    let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;
    assert_eq!(rig.health(0).status, HealthStatus::Unknown);

    let health = rig.engine.probe(rig.account_id(0)).await.unwrap();

    assert_eq!(
        (health.status, health.http_status),
        (HealthStatus::Healthy, Some(200))
    );
    assert!(health.checked_at.is_some() && health.latency.is_some());
    assert_eq!(simulator.received()[0].path(), "/v1/models");
    assert_eq!(simulator.billed_in_all().messages, 0);
}

#[tokio::test]
async fn a_probe_finds_a_refused_credential_and_its_recovery() {
    let simulator = Simulator::start().await;
    simulator.accept_only(["sk-ant-other"]);
    let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;

    let refused = rig.engine.probe(rig.account_id(0)).await.unwrap();
    simulator.accept_any();
    let accepted = rig.engine.probe(rig.account_id(0)).await.unwrap();

    assert_eq!(
        (refused.status, refused.http_status),
        (HealthStatus::Unhealthy, Some(401))
    );
    assert_ne!(accepted.status, HealthStatus::Unhealthy);
}

#[tokio::test]
async fn models_are_what_the_accounts_say() {
    let simulator = Simulator::builder()
        .models(["claude-sonnet-5-5", "claude-haiku-5-5"])
        .start()
        .await;
    let (mut mapped, credential) = account(&simulator, "sk-ant-first");
    mapped
        .model_map
        .insert("claude-house".to_owned(), "claude-haiku-5-5".to_owned());
    let rig = Rig::new(vec![(mapped, credential)]).await;
    let key = gateway_domain::ApiKey {
        allowed_models: vec!["claude-h*".parse().unwrap()],
        ..(*rig.key()).clone()
    };

    let all = rig.engine.models(&rig.key()).await;
    let some = rig.engine.models(&key).await;

    let names = |entries: &[gateway_protocol::ModelEntry]| {
        entries.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        names(&all),
        ["claude-haiku-5-5", "claude-house", "claude-sonnet-5-5"]
    );
    assert_eq!(names(&some), ["claude-haiku-5-5", "claude-house"]);
}

#[tokio::test]
async fn models_come_from_the_price_list_when_the_provider_is_away() {
    let simulator = Simulator::start().await;
    simulator.always(Script::status(500).on(Endpoint::Models));
    let rig = Rig::new(vec![
        account(&simulator, "sk-ant-first"),
        account_at("http://127.0.0.1:1", "sk-ant-gone"),
    ])
    .await;

    let entries = rig.engine.models(&rig.key()).await;

    assert!(entries.iter().any(|entry| entry.id == "claude-sonnet-5-5"));
}

#[tokio::test]
async fn an_account_that_is_out_is_probed_until_it_is_back_and_a_healthy_one_never() {
    let simulator = Simulator::start().await;
    simulator.accept_only(["sk-ant-good"]);
    let accounts = vec![
        account(&simulator, "sk-ant-good"),
        account(&simulator, "sk-ant-refused"),
    ];
    let soon = PoolSettings {
        max_credential_rest_seconds: 1,
        ..PoolSettings::default()
    };
    let rig = Rig::with_pool(accounts, ProxySettings::default(), soon).await;
    for _ in 0..2 {
        text(rig.call(&message(false)).await).await;
    }
    assert_eq!(rig.health(1).status, HealthStatus::Unhealthy);
    let asked = simulator.received().len() as u64;

    let recovery = async {
        // One probe that is refused, and one that is not.
        simulator.wait_for_requests(asked + 1).await;
        simulator.accept_any();
        while rig.health(1).status == HealthStatus::Unhealthy {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = rig.engine.keep_probing() => unreachable!("it never ends"),
        () = recovery => {}
    }

    let probes = simulator.received().split_off(usize::try_from(asked).unwrap());
    assert!(probes.iter().all(|probe| probe.path() == "/v1/models"));
    let credentials = probes.iter().filter_map(|probe| probe.credential.as_deref());
    assert!(credentials.clone().count() >= 2);
    assert!(
        credentials
            .into_iter()
            .all(|credential| credential == "sk-ant-refused")
    );
}
