//! Gemini's streams, whole and broken.

use std::time::Duration;

use gateway_simulator::{Ended, Fault, Point, Reply, Script, Simulator};
use serde_json::{Value, json};

use crate::client::{End, call};
use crate::gemini_client::{NEW, OLD, ask, chunks, generate, hello, parts, stream};

fn text(chunks: &[Value]) -> String {
    let parts = chunks.iter().flat_map(parts);
    parts.filter_map(|part| part["text"].as_str()).collect()
}

#[tokio::test]
async fn a_stream_is_one_chunk_after_another() {
    let simulator = Simulator::start().await;
    let reply = Reply::new()
        .and_thinking("The user wants the weather.")
        .and_text("Let me look, 世界.")
        .and_tool_use("weather", json!({"city": "Zürich"}))
        .and_tool_use("clock", json!({}));
    simulator.next(Script::reply(reply));
    let mut body = hello();
    body["generationConfig"] = json!({"thinkingConfig": {"includeThoughts": true}});
    let answer = stream(&simulator, NEW, &body);
    assert_eq!((answer.status, answer.end), (200, End::Whole));
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let chunks = chunks(&answer);
    assert_eq!(answer.chunks.len(), chunks.len() + 1);
    assert_eq!(parts(&chunks[0])[0]["thought"], true);
    assert_eq!(text(&chunks), "The user wants the weather.Let me look, 世界.");

    let calls: Vec<&Value> = chunks
        .iter()
        .flat_map(parts)
        .filter(|part| part["functionCall"].is_object())
        .collect();
    assert_eq!(calls[0]["functionCall"]["args"], json!({"city": "Zürich"}));
    assert!(calls[0]["thoughtSignature"].is_string());
    assert_eq!(calls[1]["functionCall"]["args"], json!({}));
    assert!(calls[1]["thoughtSignature"].is_null());

    let (last, others) = chunks.split_last().unwrap();
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert!(
        others
            .iter()
            .all(|chunk| chunk["candidates"][0]["finishReason"].is_null())
    );
}

#[tokio::test]
async fn counts_grow_to_what_is_billed() {
    let simulator = Simulator::start().await;
    let chunks = chunks(&stream(&simulator, OLD, &hello()));
    let totals: Vec<u64> = chunks
        .iter()
        .map(|chunk| chunk["usageMetadata"]["totalTokenCount"].as_u64().unwrap())
        .collect();
    assert!(totals.is_sorted(), "{totals:?}");
    let billed = simulator.billed("AIza-test").tokens;
    assert_eq!(totals.last(), Some(&billed.total()));
    let last = &chunks.last().unwrap()["usageMetadata"];
    assert_eq!(last["thoughtsTokenCount"], billed.reasoning);
    assert_eq!(last["candidatesTokenCount"], billed.output - billed.reasoning);

    let whole = generate(&simulator, OLD, &hello()).json();
    assert_eq!(text(std::slice::from_ref(&whole)), text(&chunks));
}

#[tokio::test]
async fn a_text_of_a_newer_model_is_signed_by_an_empty_part() {
    let simulator = Simulator::start().await;
    simulator.always(Script::text("Hello!"));
    let newer = chunks(&stream(&simulator, NEW, &hello()));
    let last = &parts(newer.last().unwrap())[0];
    assert_eq!(last["text"], "");
    assert!(last["thoughtSignature"].is_string());
    let older = chunks(&stream(&simulator, OLD, &hello()));
    assert!(parts(older.last().unwrap())[0]["thoughtSignature"].is_null());
}

#[tokio::test]
async fn without_server_sent_events_a_stream_is_an_array() {
    let simulator = Simulator::start().await;
    let request = ask(OLD, "streamGenerateContent", &hello());
    let answer = call(simulator.address(), &request);
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=UTF-8")
    );
    let array = answer.json();
    let chunks = array.as_array().unwrap();
    assert!(chunks.len() > 2);
    assert_eq!(chunks.last().unwrap()["candidates"][0]["finishReason"], "STOP");
    assert!(answer.chunks.len() > 3, "it comes piece by piece");
}

#[tokio::test]
async fn a_stream_without_content_is_one_chunk() {
    let simulator = Simulator::start().await;
    simulator.next(Script::reply(Reply::new().stop_reason("SAFETY")));
    let refused = chunks(&stream(&simulator, NEW, &hello()));
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["candidates"][0]["finishReason"], "SAFETY");
    assert!(refused[0]["candidates"][0]["content"].is_null());
    simulator.next(Script::reply(Reply::blocked("SAFETY")));
    let blocked = chunks(&stream(&simulator, NEW, &hello()));
    assert_eq!(blocked.len(), 1);
    assert_eq!(blocked[0]["promptFeedback"]["blockReason"], "SAFETY");
    assert!(blocked[0]["candidates"].is_null());
}

#[tokio::test]
async fn a_stream_breaks_where_it_is_wanted() {
    let cut = |fault: Fault| async {
        let simulator = Simulator::start().await;
        simulator.next(Script::text("A few words of an answer.").fault(fault));
        let answer = stream(&simulator, OLD, &hello());
        simulator.wait_for_ends(1).await;
        (answer, simulator.received().remove(0))
    };
    let (reset, received) = cut(Fault::Reset(Point::InEvent(1))).await;
    assert_eq!((reset.end, chunks(&reset).len()), (End::Reset, 1));
    assert!(matches!(received.ended, Ended::Cut { .. }));
    assert_eq!(received.billed.messages, 1);
    assert_eq!(received.billed.tokens.output, 4);

    let (ended, received) = cut(Fault::EndAfter(2)).await;
    assert_eq!((ended.end, chunks(&ended).len()), (End::Whole, 2));
    assert_eq!(received.ended, Ended::Completed);

    let (failed, _) = cut(Fault::ErrorEvent {
        after: 1,
        kind: "UNAVAILABLE".to_owned(),
    })
    .await;
    let error = &chunks(&failed)[1]["error"];
    assert_eq!(
        (&error["code"], &error["status"]),
        (&json!(503), &json!("UNAVAILABLE"))
    );
    assert_eq!(chunks(&failed).len(), 2);

    let (garbage, _) = cut(Fault::Garbage(1)).await;
    assert!(garbage.text().contains("<html>"));
}

#[tokio::test]
async fn an_error_of_another_dialect_is_the_same_here() {
    let simulator = Simulator::start().await;
    let fault = |kind: &str| Fault::ErrorEvent {
        after: 0,
        kind: kind.to_owned(),
    };
    simulator.next(Script::new().fault(fault("overloaded_error")));
    let whole = generate(&simulator, OLD, &hello());
    assert_eq!(
        (whole.status, &whole.json()["error"]["status"]),
        (503, &json!("UNAVAILABLE"))
    );
    simulator.next(Script::new().fault(fault("RESOURCE_EXHAUSTED")));
    let request = ask(OLD, "streamGenerateContent", &hello());
    let array = call(simulator.address(), &request).json();
    assert_eq!(array[0]["error"]["code"], 429);
}

#[tokio::test]
async fn no_silence_is_broken_by_a_ping() {
    let simulator = Simulator::start().await;
    let script = Script::text("Hello!")
        .content_after(Duration::from_millis(20))
        .ping_every(Duration::from_millis(2));
    simulator.next(script);
    let answer = stream(&simulator, OLD, &hello());
    assert_eq!(text(&chunks(&answer)), "Hello!");
    assert!(
        answer
            .text()
            .lines()
            .all(|line| line.is_empty() || line.starts_with("data: {"))
    );
}

#[tokio::test]
async fn a_huge_answer_streams() {
    let simulator = Simulator::start().await;
    simulator.next(Script::new().fault(Fault::Huge(300_000)));
    let answer = stream(&simulator, OLD, &hello());
    assert_eq!(text(&chunks(&answer)).len(), 300_000);
}
