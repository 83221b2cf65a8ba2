use gateway_protocol::ceiling;

fn input(body: &str) -> Option<u64> {
    ceiling(body.as_bytes()).input_tokens
}

#[test]
fn a_token_is_reckoned_for_two_letters_or_one_digit_and_two_for_a_character_of_other_scripts() {
    for (text, tokens) in [
        ("", 1),
        ("word", 3),
        ("one two three", 8),
        ("3.14159265358979", 17),
        ("我能吞下玻璃", 13),
        ("a,b;c", 5),
        (r#"{"model":"x"}"#, 12),
    ] {
        assert_eq!(input(text), Some(tokens), "{text}");
    }
}

#[test]
fn a_picture_in_base64_is_no_text() {
    let data = "iVBORw0KGgo".repeat(100_000);
    for source in [data.clone(), format!("data:image/png;base64,{data}")] {
        let body = format!(r#"{{"messages":[{{"content":[{{"type":"image","data":"{source}"}}]}}]}}"#);
        let reckoned = input(&body).unwrap();
        assert!((5_000..100_000).contains(&reckoned), "{reckoned}");
    }
    let short = format!(r#"{{"data":"{}"}}"#, "A".repeat(4_096));
    assert!((5_000..5_100).contains(&input(&short).unwrap()));
    let by_address = r#"{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}"#;
    assert!(input(by_address).unwrap() >= 5_000);
}

#[test]
fn what_lies_elsewhere_has_no_ceiling() {
    for body in [
        r#"{"previous_response_id":"resp_1"}"#,
        r#"{"input":[{"type":"input_file","file_id":"file-1"}]}"#,
        r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://x"}}]}]}"#,
        r#"{"cachedContent":"cachedContents/1"}"#,
    ] {
        assert_eq!(input(body), None, "{body}");
    }
    assert!(input(r#"{"messages":[{"content":"my conversation"}]}"#).is_some());
}

#[test]
fn several_answers_at_once_are_asked_for_in_two_dialects() {
    for (body, answers) in [
        ("{}", 1),
        (r#"{"n":3}"#, 3),
        (r#"{"n":null}"#, 1),
        (r#"{"n":0}"#, 1),
        (r#"{"n":1000000}"#, 128),
        (r#"{"messages":[{"n":3}]}"#, 1),
        (r#"{"generationConfig":{"candidateCount":4}}"#, 4),
        (r#"{"generation_config":{"candidate_count":2}}"#, 2),
        ("not json", 1),
    ] {
        assert_eq!(ceiling(body.as_bytes()).answers, answers, "{body}");
    }
}
