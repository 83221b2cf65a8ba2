use std::time::Duration;

use futures_util::future::join_all;
use gateway_balancing::PoolSettings;
use gateway_domain::{Credential, UpstreamAccount};
use gateway_metering::Outcome;
use gateway_proxy::ProxySettings;
use gateway_simulator::{Fault, Point, Script, Simulator};
use http::StatusCode;

use crate::rig::{Rig, account, header, message, text};

fn limited(simulator: &Simulator, max_concurrency: u32) -> Vec<(UpstreamAccount, Credential)> {
    let (limited, credential) = account(simulator, "sk-ant-limited");
    let limited = UpstreamAccount {
        max_concurrency: Some(max_concurrency),
        ..limited
    };
    vec![(limited, credential)]
}

/// Where nobody waits for longer than a second, and streams get their head at once.
async fn impatient(simulator: &Simulator) -> Rig {
    let settings = ProxySettings {
        hold_timeout_seconds: 0,
        ping_interval_seconds: 1,
        ..ProxySettings::default()
    };
    let pool = PoolSettings {
        max_wait_seconds: 1,
        max_waiting: 2,
        ..PoolSettings::default()
    };
    Rig::with_pool(limited(simulator, 1), settings, pool).await
}

#[tokio::test]
async fn an_account_never_has_more_open_requests_than_it_may() {
    let simulator = Simulator::start().await;
    simulator.always(Script::text("Hello").head_after(Duration::from_millis(20)));
    let rig = Rig::with_settings(limited(&simulator, 3), ProxySettings::default()).await;

    let calls = join_all((0..60).map(|number| {
        let body = message(number % 2 == 0);
        let rig = &rig;
        async move {
            let answer = rig.call(&body).await;
            let in_flight = rig.health(0).in_flight;
            (answer.status, in_flight, text(answer).await)
        }
    }));

    for (status, in_flight, _) in calls.await {
        assert_eq!(status, StatusCode::OK);
        assert!(in_flight <= 3, "{in_flight}");
    }
    assert_eq!(rig.health(0).in_flight, 0);
    let rows = rig.rows().await;
    assert!(rows.iter().all(|row| row.status == Outcome::Ok));
    let queued: Vec<_> = rows.iter().filter(|row| row.queued > Duration::ZERO).collect();
    assert!(!queued.is_empty());
    for row in queued {
        let first = &row.decision.as_ref().unwrap().considered[0];
        assert!(first.is_picked);
        assert_eq!(
            first.reason.as_deref(),
            Some("its turn came after a wait: busy: 3 of 3 in flight")
        );
    }
}

#[tokio::test]
async fn who_waits_in_vain_is_told_to_come_again() {
    let simulator = Simulator::start().await;
    simulator.next(Script::new().fault(Fault::Stall(Point::BeforeHead)));
    let rig = impatient(&simulator).await;
    let body = message(false);
    let (holder, in_vain) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(2), rig.call(&body)),
        async {
            simulator.wait_for_requests(1).await;
            rig.call(&body).await
        },
    );

    assert!(holder.is_err(), "the account's only place was taken all the time");
    assert_eq!(in_vain.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(header(&in_vain, "retry-after").is_some());
    assert_eq!(header(&in_vain, "x-gateway-attempts"), Some("0"));
    let text = text(in_vain).await;
    assert!(
        text.contains("rate_limit_error") && text.contains("overloaded"),
        "{text}"
    );
    let rows = rig.rows().await;
    assert!(rows[0].queued >= Duration::from_secs(1) && rows[0].attempts.is_empty());
    assert_eq!(rig.health(0).in_flight, 0);
}

#[tokio::test]
async fn a_stream_that_waits_gets_pings_and_an_error_at_the_end() {
    let simulator = Simulator::start().await;
    simulator.next(Script::new().fault(Fault::Stall(Point::BeforeHead)));
    let rig = impatient(&simulator).await;
    let (whole, streamed) = (message(false), message(true));
    let (_, waited) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(2), rig.call(&whole)),
        async {
            simulator.wait_for_requests(1).await;
            let answer = rig.call(&streamed).await;
            (answer.status, text(answer).await)
        },
    );

    let (status, text) = waited;
    assert_eq!(status, StatusCode::OK);
    assert!(text.starts_with("event: ping\n"), "{text}");
    assert_eq!(text.matches("event: error\n").count(), 1, "{text}");
    assert!(!text.contains("message_start"), "{text}");
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let simulator = Simulator::start().await;
    simulator.next(Script::new().fault(Fault::Stall(Point::BeforeHead)));
    let rig = impatient(&simulator).await;
    let body = message(false);
    let waiting = async {
        simulator.wait_for_requests(1).await;
        join_all((0..3).map(|_| rig.call(&body))).await
    };
    let (_, answers) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(2), rig.call(&body)),
        waiting
    );

    let mut told = Vec::new();
    for answer in answers {
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        told.push(text(answer).await);
    }
    let at_once = told
        .iter()
        .filter(|text| text.contains("no more requests may wait"));
    assert_eq!(at_once.count(), 1, "{told:?}");
}
