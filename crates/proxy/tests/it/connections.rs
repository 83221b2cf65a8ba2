use gateway_balancing::HealthStatus;
use gateway_domain::FaultClass;
use gateway_metering::Outcome;
use gateway_simulator::{Fault, Point, Script, Simulator};
use http::StatusCode;

use crate::rig::{Rig, account, message, text};

/// A rig whose connection has served one request and is kept.
async fn with_kept_connection() -> (Simulator, Rig) {
    let simulator = Simulator::start().await;
    let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;
    text(rig.call(&message(false)).await).await;
    rig.rows().await;
    (simulator, rig)
}

#[tokio::test]
async fn a_kept_connection_that_turns_out_stale_is_nobodys_fault() {
    for fault in [Fault::HangUp(Point::BeforeHead), Fault::Reset(Point::BeforeHead)] {
        for stream in [false, true] {
            let (simulator, rig) = with_kept_connection().await;
            simulator.next(Script::new().fault(fault.clone()));

            let answer = rig.call(&message(stream)).await;

            assert_eq!(answer.status, StatusCode::OK);
            text(answer).await;
            let connections: Vec<_> = simulator
                .received()
                .iter()
                .map(|request| request.connection)
                .collect();
            assert_eq!(connections.len(), 3);
            assert_eq!(connections[0], connections[1]);
            assert_ne!(connections[1], connections[2]);
            let rows = rig.rows().await;
            assert_eq!((rows[1].status, rows[1].attempts.len()), (Outcome::Ok, 1));
            let health = rig.health(0);
            assert_eq!(
                (health.status, health.success_rate),
                (HealthStatus::Healthy, Some(1.0))
            );
        }
    }
}

#[tokio::test]
async fn a_new_connection_that_dies_as_well_is_a_fault() {
    let (simulator, rig) = with_kept_connection().await;
    simulator.always(Script::new().fault(Fault::HangUp(Point::BeforeHead)));

    let answer = rig.call(&message(false)).await;

    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(simulator.received().len(), 3);
    let attempts = &rig.rows().await[1].attempts;
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].fault, Some(FaultClass::Transport));
}

#[tokio::test]
async fn a_kept_connection_that_dies_within_an_answer_is_a_fault() {
    let (simulator, rig) = with_kept_connection().await;
    simulator.next(Script::new().fault(Fault::HangUp(Point::InHead)));

    let answer = rig.call(&message(false)).await;

    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(simulator.received().len(), 2);
    let attempts = &rig.rows().await[1].attempts;
    assert_eq!(attempts[0].fault, Some(FaultClass::Transport));
}
