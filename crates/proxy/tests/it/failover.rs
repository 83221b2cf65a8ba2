use std::net::TcpListener;

use gateway_balancing::HealthStatus;
use gateway_domain::{FaultClass, UsageSource};
use gateway_metering::Outcome;
use gateway_proxy::ProxySettings;
use gateway_simulator::{Fault, Point, Script, Simulator};
use http::StatusCode;

use crate::rig::{QUEUE_ROWS, Rig, account, account_at, header, message, pair, text};

/// Both accounts at one simulator; the first answers by `script`, the second properly.
async fn with_first(script: Script) -> (Simulator, Rig) {
    let simulator = Simulator::start().await;
    simulator.next_for("sk-ant-first", script);
    let settings = ProxySettings {
        first_event_timeout_seconds: 1,
        answer_timeout_seconds: 1,
        ..ProxySettings::default()
    };
    let rig = Rig::with_settings(pair(&simulator), settings).await;
    (simulator, rig)
}

async fn moves_on(script: Script, stream: bool, class: FaultClass) {
    let (_simulator, rig) = with_first(script).await;

    let answer = rig.call(&message(stream)).await;

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(header(&answer, "x-gateway-attempts"), Some("2"));
    assert_eq!(
        header(&answer, "x-gateway-account"),
        Some(rig.account_id(1).to_string().as_str())
    );
    let text = text(answer).await;
    assert_eq!(
        text.matches("event: message_start").count(),
        usize::from(stream),
        "{text}"
    );
    let rows = rig.rows().await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].status, rows[0].attempts.len()), (Outcome::Ok, 2));
    assert_eq!(
        (rows[0].attempts[0].status, rows[0].attempts[0].fault),
        (Outcome::Error, Some(class))
    );
    assert_eq!(
        (rows[0].attempts[1].status, rows[0].attempts[1].fault),
        (Outcome::Ok, None)
    );
}

#[tokio::test]
async fn a_failing_account_is_replaced_before_the_client_notices() {
    for stream in [false, true] {
        for (status, class) in [
            (401, FaultClass::Credential),
            (402, FaultClass::Credential),
            (403, FaultClass::Credential),
            (429, FaultClass::Burst),
            (500, FaultClass::Server),
            (502, FaultClass::Server),
            (503, FaultClass::Overload),
            (529, FaultClass::Overload),
        ] {
            moves_on(Script::status(status), stream, class).await;
        }
    }
}

#[tokio::test]
async fn a_connection_that_dies_before_the_answer_moves_on() {
    for stream in [false, true] {
        moves_on(
            Script::new().fault(Fault::Reset(Point::BeforeHead)),
            stream,
            FaultClass::Transport,
        )
        .await;
        moves_on(
            Script::new().fault(Fault::HangUp(Point::InHead)),
            stream,
            FaultClass::Transport,
        )
        .await;
        moves_on(
            Script::new().fault(Fault::Stall(Point::BeforeHead)),
            stream,
            FaultClass::Transport,
        )
        .await;
    }
}

#[tokio::test]
async fn an_answer_that_breaks_before_its_content_moves_on() {
    moves_on(Script::new().fault(Fault::EndAfter(0)), true, FaultClass::Server).await;
    moves_on(Script::new().fault(Fault::EndAfter(2)), true, FaultClass::Server).await;
    moves_on(
        Script::new().fault(Fault::Reset(Point::AfterEvents(1))),
        true,
        FaultClass::Transport,
    )
    .await;
    moves_on(
        Script::new().fault(Fault::Stall(Point::AfterEvents(1))),
        true,
        FaultClass::Transport,
    )
    .await;
    let overloaded = Fault::ErrorEvent {
        after: 1,
        kind: "overloaded_error".to_owned(),
    };
    moves_on(Script::new().fault(overloaded), true, FaultClass::Overload).await;
}

#[tokio::test]
async fn what_a_failed_attempt_may_cost_is_booked() {
    for (script, stream, source) in [
        (
            Script::new().fault(Fault::Stall(Point::BeforeHead)),
            false,
            UsageSource::Estimated,
        ),
        (
            Script::new().fault(Fault::Stall(Point::BeforeHead)),
            true,
            UsageSource::Estimated,
        ),
        (
            Script::new().fault(Fault::LongContentLength(10)),
            false,
            UsageSource::Estimated,
        ),
        (
            Script::new().fault(Fault::EndAfter(0)),
            true,
            UsageSource::Estimated,
        ),
        (
            Script::new().fault(Fault::EndAfter(2)),
            true,
            UsageSource::Partial,
        ),
        // Whoever refuses does not charge, and nobody knows whether the request came through.
        (Script::status(500), false, UsageSource::Missing),
        (
            Script::new().fault(Fault::Reset(Point::BeforeHead)),
            true,
            UsageSource::Missing,
        ),
    ] {
        let told = format!("{script:?}");
        let (_simulator, rig) = with_first(script).await;

        text(rig.call(&message(stream)).await).await;

        let rows = rig.rows().await;
        let attempt = &rows[0].attempts[0];
        assert_eq!(attempt.usage_source, source, "{told}");
        let is_booked = source != UsageSource::Missing;
        assert_eq!(
            (attempt.usage.tokens.input > 0, attempt.cost.is_some()),
            (is_booked, is_booked),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_json_answer_that_is_cut_short_moves_on() {
    moves_on(
        Script::new().fault(Fault::HangUp(Point::InEvent(0))),
        false,
        FaultClass::Transport,
    )
    .await;
    moves_on(
        Script::new().fault(Fault::LongContentLength(10)),
        false,
        FaultClass::Transport,
    )
    .await;
    moves_on(
        Script::raw(200, "application/json", "<html>"),
        false,
        FaultClass::Server,
    )
    .await;
}

#[tokio::test]
async fn a_clients_own_mistake_is_shown_byte_for_byte_and_costs_one_attempt() {
    for status in [400, 413, 422] {
        let (simulator, rig) = with_first(Script::status(status).message("prompt is too long: 1 > 0")).await;

        let answer = rig.call(&message(false)).await;

        assert_eq!(answer.status.as_u16(), status);
        let text = text(answer).await;
        assert!(text.contains("prompt is too long: 1 > 0"), "{text}");
        assert_eq!(simulator.received().len(), 1);
        let rows = rig.rows().await;
        assert_eq!(
            (rows[0].status, rows[0].fault),
            (Outcome::Error, Some(FaultClass::Client))
        );
        assert_eq!(rows[0].attempts.len(), 1);
    }
}

#[tokio::test]
async fn a_refused_credential_is_never_shown() {
    let simulator = Simulator::start().await;
    simulator.always(Script::status(401).message("invalid x-api-key sk-ant-first"));
    let rig = Rig::new(pair(&simulator)).await;

    let answer = rig.call(&message(false)).await;

    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    let text = text(answer).await;
    assert!(text.contains("no healthy upstream account"), "{text}");
    assert!(!text.contains("sk-ant"), "{text}");
    assert_eq!(rig.health(0).status, HealthStatus::Unhealthy);
    assert_eq!(rig.rows().await[0].attempts.len(), 2);
}

#[tokio::test]
async fn when_every_account_is_limited_the_client_hears_of_the_first_that_is_back() {
    let simulator = Simulator::start().await;
    simulator.always_for("sk-ant-first", Script::status(429).header("retry-after", "3000"));
    simulator.always_for("sk-ant-second", Script::status(429).header("retry-after", "7"));
    let rig = Rig::new(pair(&simulator)).await;

    let tried = rig.call(&message(false)).await;
    let resting = rig.call(&message(false)).await;

    assert_eq!(tried.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&tried, "retry-after"), Some("7"));
    assert_eq!(resting.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&resting, "retry-after"), Some("7"));
    assert_eq!(simulator.received().len(), 2);
}

#[tokio::test]
async fn when_every_account_is_at_its_spending_limit_the_client_need_not_come_again() {
    let simulator = Simulator::start().await;
    let spent = Script::status(429).error_code("enforced_spend_limit_reached");
    simulator.always(spent.header("retry-after", "1"));
    let rig = Rig::new(pair(&simulator)).await;

    let answer = rig.call(&message(false)).await;

    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&answer, "x-should-retry"), Some("false"));
    assert_eq!(header(&answer, "retry-after"), None);
    assert!(text(answer).await.contains("rate_limit_error"));
    assert_eq!(simulator.received().len(), 2);
}

#[tokio::test]
async fn a_spending_limit_is_not_the_last_word_when_another_account_may_recover() {
    let simulator = Simulator::start().await;
    simulator.always_for(
        "sk-ant-first",
        Script::status(429).error_code("enforced_spend_limit_reached"),
    );
    simulator.always_for("sk-ant-second", Script::status(429).header("retry-after", "7"));
    let rig = Rig::new(pair(&simulator)).await;

    let answer = rig.call(&message(false)).await;

    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&answer, "x-should-retry"), None);
    assert_eq!(header(&answer, "retry-after"), Some("7"));
}

#[tokio::test]
async fn a_long_retry_after_is_clamped() {
    let simulator = Simulator::start().await;
    simulator.always(Script::status(429).header("retry-after", "3000"));
    let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;

    let answer = rig.call(&message(false)).await;

    assert_eq!(header(&answer, "retry-after"), Some("60"));
}

#[tokio::test]
async fn a_limit_without_an_end_is_told_with_the_end_of_the_rest() {
    let simulator = Simulator::start().await;
    simulator.always(Script::status(429));
    let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;

    let answer = rig.call(&message(false)).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let wait = header(&answer, "retry-after");
    // A second, give or take what keeps accounts from coming back together.
    assert!(matches!(wait, Some("1" | "2")), "{wait:?}");
}

#[tokio::test]
async fn nobody_listening_is_a_bad_gateway() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let rig = Rig::new(vec![account_at(&address, "sk-ant-first")]).await;

    let answer = rig.call(&message(true)).await;

    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    let attempts = &rig.rows().await[0].attempts;
    assert_eq!(attempts[0].fault, Some(FaultClass::Transport));
    assert!(
        attempts[0].fault_reason.as_deref().unwrap().contains("refused"),
        "{attempts:?}"
    );
}

#[tokio::test]
async fn a_provider_that_never_answers_is_a_gateway_timeout() {
    let simulator = Simulator::start().await;
    simulator.always(Script::new().fault(Fault::Stall(Point::BeforeHead)));
    let settings = ProxySettings {
        answer_timeout_seconds: 1,
        ..ProxySettings::default()
    };
    let rig = Rig::with_settings(vec![account(&simulator, "sk-ant-first")], settings).await;

    let answer = rig.call(&message(false)).await;

    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert!(text(answer).await.contains("timeout_error"));
}

#[tokio::test]
async fn a_model_that_nobody_serves_is_not_found() {
    let simulator = Simulator::start().await;
    let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;

    let answer = rig
        .call(&message(false).replace("claude-sonnet-5-5", "gpt-9"))
        .await;

    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(text(answer).await.contains("not_found_error"));
    assert!(simulator.received().is_empty());
    let rows = rig.rows().await;
    assert_eq!((rows[0].http_status, rows[0].attempts.len()), (Some(404), 0));
}

#[tokio::test]
async fn a_refusal_without_a_readable_body_keeps_its_status() {
    for (status, kind) in [
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
    ] {
        let simulator = Simulator::start().await;
        simulator.always(Script::raw(status, "text/html", "<html>no</html>"));
        let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;

        let answer = rig.call(&message(false)).await;

        assert_eq!(answer.status.as_u16(), if status == 422 { 400 } else { status });
        let text = text(answer).await;
        assert!(text.contains(kind) && !text.contains("html"), "{text}");
    }
}

#[tokio::test]
async fn usage_that_was_named_before_a_failure_is_booked() {
    let (_simulator, rig) = with_first(Script::new().fault(Fault::Reset(Point::AfterEvents(2)))).await;

    text(rig.call(&message(true)).await).await;

    let rows = rig.rows().await;
    let first = &rows[0].attempts[0];
    assert_eq!(
        (first.usage_source, first.http_status),
        (UsageSource::Partial, Some(200))
    );
    assert!(first.upstream_request_id.is_some());
    assert!(first.usage.tokens.input > 0 && first.cost.is_some(), "{first:?}");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_refused_and_takes_no_memory() {
    let simulator = Simulator::start().await;
    let rig = Rig::new(vec![account(&simulator, "sk-ant-first")]).await;
    rig.database_goes_away();

    let mut refused = 0;
    for _ in 0..QUEUE_ROWS + 50 {
        refused += usize::from(rig.call(&message(false)).await.status == StatusCode::SERVICE_UNAVAILABLE);
    }

    assert_eq!(refused, 50);
    assert_eq!(rig.engine.shared().ledger().depth(), QUEUE_ROWS);
}

#[tokio::test]
async fn a_wrong_request_is_told_in_the_providers_words_also_from_within_a_stream() {
    let simulator = Simulator::start().await;
    simulator.next(Script::new().fault(Fault::ErrorEvent {
        after: 0,
        kind: "invalid_request_error".to_owned(),
    }));
    let rig = Rig::new(pair(&simulator)).await;

    let answer = rig.call(&message(true)).await;

    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(header(&answer, "content-type"), Some("application/json"));
    assert_eq!(header(&answer, "x-gateway-attempts"), Some("1"));
    assert_eq!(header(&answer, "retry-after"), None);
    let text = text(answer).await;
    assert!(!text.contains("the provider refused the request"), "{text}");
    assert!(text.contains("invalid_request_error"), "{text}");
}

#[tokio::test]
async fn an_answer_that_is_no_stream_though_asked_to_be_moves_on() {
    let json = Script::raw(200, "application/json", r#"{"type": "message", "content": []}"#);
    moves_on(json, true, FaultClass::Server).await;
}
