use std::time::Duration;

use gateway_domain::FaultClass;
use gateway_metering::Outcome;
use gateway_proxy::ProxySettings;
use gateway_simulator::{Script, Simulator};
use http::StatusCode;

use crate::rig::{Rig, account, header, message, text};

fn hasty() -> ProxySettings {
    ProxySettings {
        overload_pause_ms: 100,
        ..ProxySettings::default()
    }
}

/// Accounts of these names at one simulator.
async fn rig(names: &[&str], settings: ProxySettings) -> (Simulator, Rig) {
    let simulator = Simulator::start().await;
    let accounts = names.iter().map(|name| account(&simulator, name)).collect();
    let rig = Rig::with_settings(accounts, settings).await;
    (simulator, rig)
}

fn credentials(simulator: &Simulator) -> Vec<String> {
    let received = simulator.received();
    received
        .into_iter()
        .filter_map(|request| request.credential)
        .collect()
}

#[tokio::test]
async fn an_overloaded_account_is_tried_again_after_a_pause() {
    for stream in [false, true] {
        let (simulator, rig) = rig(&["sk-ant-first"], hasty()).await;
        simulator.next(Script::status(529));

        let answer = rig.call(&message(stream)).await;

        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(header(&answer, "x-gateway-attempts"), Some("2"));
        let overhead: f64 = header(&answer, "x-gateway-overhead-ms").unwrap().parse().unwrap();
        text(answer).await;
        let rows = rig.rows().await;
        assert_eq!(
            (rows[0].status, rows[0].attempts[0].fault),
            (Outcome::Ok, Some(FaultClass::Overload))
        );
        // The pause is not the gateway's doing.
        let attempts: Duration = rows[0].attempts.iter().map(|attempt| attempt.latency).sum();
        let paused = rows[0].latency.saturating_sub(attempts);
        assert!(paused >= Duration::from_millis(80), "{paused:?}");
        assert!(
            overhead / 1000.0 < paused.as_secs_f64(),
            "{overhead} ms of {paused:?}"
        );
    }
}

#[tokio::test]
async fn the_others_come_before_an_overloaded_account_again() {
    let (simulator, rig) = rig(&["sk-ant-first", "sk-ant-second"], hasty()).await;
    simulator.next(Script::status(529));
    simulator.next(Script::status(503));

    let answer = rig.call(&message(false)).await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        credentials(&simulator)[..2],
        ["sk-ant-first".to_owned(), "sk-ant-second".to_owned()]
    );
    assert_eq!(simulator.received().len(), 3);
}

#[tokio::test]
async fn an_overload_that_lasts_is_told_to_the_client() {
    let (simulator, rig) = rig(&["sk-ant-first"], hasty()).await;
    simulator.always(Script::status(529));

    let answer = rig.call(&message(true)).await;

    assert_eq!(answer.status.as_u16(), 529);
    assert_eq!(simulator.received().len(), 3);
}

#[tokio::test]
async fn no_account_is_tried_twice_after_another_fault() {
    for status in [401, 429, 500, 502] {
        let (simulator, rig) = rig(&["sk-ant-first", "sk-ant-second"], hasty()).await;
        simulator.next(Script::status(529));
        simulator.always(Script::status(status));

        rig.call(&message(false)).await;

        // The first again, which is no longer overloaded then.
        assert_eq!(
            credentials(&simulator),
            ["sk-ant-first", "sk-ant-second", "sk-ant-first"],
            "{status}"
        );
    }
}

#[tokio::test]
async fn an_overloaded_account_that_wants_to_be_left_alone_for_long_is() {
    let (simulator, rig) = rig(&["sk-ant-first"], hasty()).await;
    simulator.always(Script::status(529).header("retry-after", "30"));

    let answer = rig.call(&message(false)).await;

    assert_eq!(answer.status.as_u16(), 529);
    assert_eq!(header(&answer, "retry-after"), Some("30"));
    assert_eq!(simulator.received().len(), 1);
}

#[tokio::test]
async fn an_overloaded_account_is_left_alone_for_as_long_as_it_wants() {
    let (simulator, rig) = rig(&["sk-ant-first"], hasty()).await;
    simulator.next(Script::status(529).header("retry-after", "1"));

    rig.call(&message(false)).await;

    let received = simulator.received();
    assert!(received[1].at.as_micros() - received[0].at.as_micros() >= 1_000_000);
}

#[tokio::test]
async fn too_many_retries_are_refused() {
    let settings = ProxySettings {
        retry_budget_percent: 0,
        min_retry_budget: 3,
        ..hasty()
    };
    let (simulator, rig) = rig(&["sk-ant-first"], settings).await;
    simulator.always(Script::status(529));

    for _ in 0..3 {
        assert_eq!(rig.call(&message(false)).await.status.as_u16(), 529);
    }

    assert_eq!(simulator.received().len(), 3 + 3);
    let metrics = rig.engine.shared().scrape();
    assert!(metrics.contains("gateway_retries_refused_total 2"), "{metrics}");
}

#[tokio::test]
async fn moving_on_to_an_account_that_is_well_is_always_allowed() {
    let settings = ProxySettings {
        retry_budget_percent: 0,
        min_retry_budget: 0,
        ..hasty()
    };
    let (simulator, rig) = rig(&["sk-ant-first", "sk-ant-second"], settings).await;
    simulator.always_for("sk-ant-first", Script::status(500));

    for _ in 0..10 {
        assert_eq!(rig.call(&message(false)).await.status, StatusCode::OK);
    }

    simulator.always_for("sk-ant-second", Script::status(529));
    rig.call(&message(false)).await;
    let before = simulator.received().len();
    rig.call(&message(false)).await;
    assert_eq!(simulator.received().len(), before + 1);
}

#[tokio::test]
async fn without_a_budget_an_account_that_is_well_is_still_moved_to() {
    let settings = ProxySettings {
        retry_budget_percent: 0,
        min_retry_budget: 0,
        ..hasty()
    };
    let (simulator, rig) = rig(&["sk-ant-first", "sk-ant-second", "sk-ant-third"], settings).await;
    // The second one is not well: it fails now and then.
    simulator.next_for("sk-ant-first", Script::status(429));
    simulator.next_for("sk-ant-second", Script::status(500));
    assert_eq!(rig.call(&message(false)).await.status, StatusCode::OK);
    simulator.next_for("sk-ant-first", Script::status(502));
    tokio::time::sleep(Duration::from_millis(1_300)).await;

    let answer = rig.call(&message(false)).await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        header(&answer, "x-gateway-account"),
        Some(rig.account_id(2).to_string().as_str())
    );
}
