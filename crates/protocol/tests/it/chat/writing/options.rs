use gateway_protocol::Address;
use gateway_protocol::translation::{Dropped, Effort, Format, Sampling, Thinking, ThinkingAmount};

use super::{asked, json, write};
use crate::chat::chat;
use crate::chat::reading::FULL;

#[test]
fn every_model_is_limited_by_the_field_that_it_knows() {
    for (model, field) in [
        ("gpt-5.4", "max_completion_tokens"),
        ("gpt-4o-mini", "max_completion_tokens"),
        ("gpt-4-turbo", "max_tokens"),
        ("gpt-3.5-turbo", "max_tokens"),
        ("mistral-large", "max_tokens"),
    ] {
        let mut conversation = asked(model);
        conversation.max_tokens = Some(7);
        let (body, _) = write(&conversation).unwrap();
        assert_eq!(body[field], 7, "{model}");
        assert_eq!(body.as_object().unwrap().len(), 3, "{model}");
    }
}

#[test]
fn what_a_model_cannot_take_is_dropped_by_name_or_refused() {
    let mut conversation = asked("gpt-5.4");
    conversation.sampling = Sampling {
        temperature: Some(0.into()),
        top_p: Some(1.into()),
        top_k: Some(40.into()),
        seed: Some(7.into()),
        presence_penalty: Some(0.into()),
        frequency_penalty: Some(0.into()),
    };
    conversation.user = Some("u".to_owned());
    let (body, dropped) = write(&conversation).unwrap();
    assert_eq!(
        dropped,
        "frequency_penalty, presence_penalty, temperature, top_k, top_p, user"
    );
    assert_eq!(body["seed"], 7);
    assert_eq!(body.as_object().unwrap().len(), 3);

    conversation.stop = vec!["END".to_owned()];
    assert_eq!(
        write(&conversation).unwrap_err(),
        "stop sequences: not supported by the model's provider"
    );
    "gpt-4.1".clone_into(&mut conversation.model);
    assert_eq!(
        write(&conversation).unwrap().0["stop"],
        serde_json::json!(["END"])
    );
    conversation.stop = vec!["END".to_owned(); 5];
    assert_eq!(
        write(&conversation).unwrap_err(),
        "more than 4 stop sequences: not supported by the model's provider"
    );
}

#[test]
fn thinking_becomes_an_effort() {
    let effort = |model: &str, amount| {
        let mut conversation = asked(model);
        conversation.thinking = Some(Thinking {
            amount,
            is_shown: true,
        });
        let (body, dropped) = write(&conversation).unwrap();
        (body["reasoning_effort"].as_str().map(str::to_owned), dropped)
    };
    let word = |word: &str| (Some(word.to_owned()), String::new());
    assert_eq!(effort("gpt-5.4", ThinkingAmount::Tokens(10_000)), word("high"));
    assert_eq!(
        effort("gpt-5.4", ThinkingAmount::Effort(Effort::Max)),
        word("xhigh")
    );
    assert_eq!(effort("gpt-5.4", ThinkingAmount::Off), word("none"));
    assert_eq!(effort("gpt-5.4", ThinkingAmount::Free), (None, String::new()));
    assert_eq!(
        effort("llama-4", ThinkingAmount::Effort(Effort::Low)),
        (None, "thinking".to_owned())
    );
    assert_eq!(effort("llama-4", ThinkingAmount::Off), (None, String::new()));
}

#[test]
fn a_shape_without_a_name_gets_one() {
    let mut conversation = asked("gpt-4.1");
    conversation.format = Format::Schema {
        name: None,
        description: None,
        schema: json(r#"{"type":"object"}"#),
        strict: None,
    };
    let (body, _) = write(&conversation).unwrap();
    assert_eq!(
        body["response_format"],
        serde_json::json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}})
    );
    conversation.format = Format::Json;
    let (body, _) = write(&conversation).unwrap();
    assert_eq!(
        body["response_format"],
        serde_json::json!({"type": "json_object"})
    );
}

#[test]
fn every_stream_tells_its_usage() {
    let mut conversation = asked("m");
    conversation.stream = true;
    conversation.include_usage = false;
    let (body, _) = write(&conversation).unwrap();
    assert_eq!(body["stream_options"], serde_json::json!({"include_usage": true}));
}

#[test]
fn there_is_no_call_that_counts_tokens() {
    let mut dropped = Dropped::default();
    assert!(
        chat()
            .write_count_request(&asked("m"), &mut dropped)
            .unwrap()
            .is_none()
    );
    let count = chat().write_count(42);
    assert_eq!(
        str::from_utf8(&count).unwrap(),
        r#"{"object":"response.input_tokens","input_tokens":42}"#
    );
    assert_eq!(chat().read_count(&count), Some(42));
    assert!(
        chat()
            .read_count_request(FULL.as_bytes(), &Address::default(), &mut dropped)
            .is_ok()
    );
}
