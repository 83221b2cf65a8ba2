//! What clients are told of what a provider says went wrong.

use gateway_domain::ProviderKind;
use gateway_simulator::{Fault, Script, Simulator};
use http::StatusCode;

use crate::rig::{Rig, account, account_of, body, message, text};

const SECRET: &str = "sk-ant-api03-a/b+c_d=e";

/// Every way of saying the credential that a provider's program might have.
const SPELLINGS: [&str; 7] = [
    "sk-ant-api03-a/b+c_d=e",
    "SK-ANT-API03-A/B+C_D=E",
    "sk\\u002dant\\u002dapi03-a\\/b+c_d=e",
    "sk-ant-api03-a%2Fb%2Bc_d%3De",
    "736b2d616e742d61706930332d612f622b635f643d65",
    "c2stYW50LWFwaTAzLWEvYitjX2Q9ZQ==",
    "QmVhcmVyIHNrLWFudC1hcGkwMy1hL2IrY19kPWU=",
];

async fn answer_to(script: Script) -> (StatusCode, String) {
    let simulator = Simulator::start().await;
    simulator.always(script);
    let rig = Rig::new(vec![account(&simulator, SECRET)]).await;
    let answer = rig.call(&message(false)).await;
    (answer.status, text(answer).await)
}

#[tokio::test]
async fn errors_that_are_the_clients_pass_byte_for_byte() {
    for status in [400, 404, 413, 422] {
        let odd = "{ \"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"too  long\"}}\n";
        let (shown, text) = answer_to(Script::raw(status, "application/json", odd)).await;
        assert_eq!((shown.as_u16(), text.as_str()), (status, odd));
    }
}

#[tokio::test]
async fn errors_that_are_the_providers_or_the_accounts_are_told_in_our_words() {
    for (status, shown, kind) in [
        (401, 502, "api_error"),
        (402, 502, "api_error"),
        (403, 502, "api_error"),
        (302, 502, "api_error"),
        (307, 502, "api_error"),
        (429, 429, "rate_limit_error"),
        (500, 500, "api_error"),
        (502, 502, "api_error"),
        (503, 503, "overloaded_error"),
        (504, 504, "timeout_error"),
        (529, 529, "overloaded_error"),
    ] {
        let body =
            r#"{"type":"error","error":{"type":"of_db_7","message":"organization org-1 at db-7.internal"}}"#;
        let (status_shown, text) = answer_to(Script::raw(status, "application/json", body)).await;
        assert_eq!(status_shown.as_u16(), shown, "{status}: {text}");
        assert!(text.contains(kind), "{status}: {text}");
        assert!(
            !["of_db_7", "db-7", "org-1"]
                .iter()
                .any(|word| text.contains(word)),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_body_that_tells_the_credential_is_hidden_however_it_is_spelled() {
    for spelling in SPELLINGS {
        let body = format!(
            r#"{{"type":"error","error":{{"type":"invalid_request_error","message":"key {spelling} is odd"}}}}"#
        );
        let (status, text) = answer_to(Script::raw(400, "application/json", body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(!text.contains("odd"), "{text}");
        assert!(text.contains("the provider refused the request"), "{text}");
    }
}

/// What an Anthropic account sends that fails after its first content.
fn failing_stream(kind: &str, said: &str) -> String {
    [
        ("message_start", r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}"#.to_owned()),
        ("content_block_start", r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#.to_owned()),
        ("content_block_delta", r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Once upon"}}"#.to_owned()),
        ("error", format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{said}"}}}}"#)),
    ]
    .map(|(name, data)| format!("event: {name}\ndata: {data}\n\n"))
    .concat()
}

/// What the client sees of a stream that comes byte by byte.
async fn stream_of(sent: String) -> String {
    let simulator = Simulator::start().await;
    simulator.always(Script::raw(200, "text/event-stream", sent).fault(Fault::OneByteChunks));
    let rig = Rig::new(vec![account(&simulator, SECRET)]).await;
    let answer = rig.call(&message(true)).await;
    assert_eq!(answer.status, StatusCode::OK);
    String::from_utf8(body(answer).await.to_vec()).unwrap()
}

#[tokio::test]
async fn what_fails_in_a_stream_tells_nothing_of_the_account() {
    for (kind, spelling, shown) in [
        ("authentication_error", "db-7", "api_error"),
        ("api_error", "db-7", "api_error"),
        ("overloaded_error", "db-7", "overloaded_error"),
        ("rate_limit_error", "db-7", "rate_limit_error"),
    ]
    .into_iter()
    .chain(SPELLINGS.map(|spelling| ("invalid_request_error", spelling, "invalid_request_error")))
    {
        let sent = failing_stream(kind, &format!("odd {spelling}"));
        let seen = stream_of(sent.clone()).await;
        let good = &sent[..sent.find("event: error").unwrap()];
        let rest = seen.strip_prefix(good).expect("all that was good has come");
        assert_eq!(rest.matches("event: error\n").count(), 1, "{rest}");
        assert!(rest.contains(shown) && rest.ends_with("\n\n"), "{rest}");
        assert!(!rest.contains("odd") && !rest.contains(spelling), "{rest}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_in_a_stream_as_it_was_said() {
    let sent = failing_stream("invalid_request_error", "too  long");
    assert_eq!(stream_of(sent.clone()).await, sent);
}

#[tokio::test]
async fn what_fails_in_a_translated_stream_tells_nothing_of_the_account() {
    let chunk = |delta: &str| {
        format!(
            "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]}}\n\n"
        )
    };
    let sent = [
        chunk(r#"{"role":"assistant","content":""}"#),
        chunk(r#"{"content":"Once upon"}"#),
        format!("data: {{\"error\":{{\"type\":\"server_error\",\"message\":\"odd {SECRET}\"}}}}\n\n"),
    ]
    .concat();
    let simulator = Simulator::start().await;
    simulator.always(Script::raw(200, "text/event-stream", sent).fault(Fault::OneByteChunks));
    let (mut upstream, credential) = account_of(ProviderKind::OpenAi, &simulator.base_url(), SECRET);
    upstream.model_map = [("claude-sonnet-5-5".to_owned(), "gpt-4.1".to_owned())].into();
    let rig = Rig::new(vec![(upstream, credential)]).await;
    let seen = text(rig.call(&message(true)).await).await;
    assert!(
        seen.contains("Once upon") && seen.contains("event: error"),
        "{seen}"
    );
    assert!(!seen.contains("odd") && !seen.contains("message_stop"), "{seen}");
}

#[tokio::test]
async fn what_a_provider_calls_its_answer_does_not_tell_the_credential() {
    let simulator = Simulator::start().await;
    let said = format!(
        r#"{{"id":"{SECRET}","type":"message","role":"assistant","model":"claude-sonnet-5-5","content":[],"stop_reason":"end_turn","usage":{{"input_tokens":3,"output_tokens":1,"service_tier":"{SECRET}"}}}}"#
    );
    for status in [200, 400] {
        let script = Script::raw(status, "application/json", said.clone())
            .header("request-id", SECRET)
            .header("anthropic-ratelimit-requests-remaining", SECRET)
            .header("retry-after", SECRET);
        simulator.next(script);
    }
    let rig = Rig::new(vec![account(&simulator, SECRET)]).await;
    for _ in 0..2 {
        let answer = rig.call(&message(false)).await;
        for (name, value) in &answer.headers {
            assert!(!value.to_str().unwrap_or_default().contains(SECRET), "{name}");
        }
    }
    let rows = format!("{:?}", rig.rows().await);
    assert!(!rows.contains(SECRET), "{rows}");
}

#[tokio::test]
async fn a_success_that_says_an_error_is_one() {
    for (kind, status) in [
        ("invalid_request_error", 400),
        ("authentication_error", 502),
        ("overloaded_error", 529),
    ] {
        let body = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"odd {SECRET}"}}}}"#);
        let simulator = Simulator::start().await;
        simulator.always_for(SECRET, Script::raw(200, "application/json", body));
        let rig = Rig::new(vec![account(&simulator, SECRET)]).await;
        let answer = rig.call(&message(false)).await;
        assert_eq!(answer.status.as_u16(), status);
        let text = text(answer).await;
        assert!(!text.contains("odd") && !text.contains(SECRET), "{text}");

        // Another account may answer, unless the request is wrong.
        let rig = Rig::new(vec![
            account(&simulator, SECRET),
            account(&simulator, "sk-ant-second"),
        ])
        .await;
        let answer = rig.call(&message(false)).await;
        assert_eq!(answer.status.as_u16(), if status == 400 { 400 } else { 200 });
    }
}
