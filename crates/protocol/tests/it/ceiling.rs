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
    // Text in base64 is as long as the text.
    let document = format!(r#"{{"data":"{}"}}"#, "VGhlIHF1aWNrIGJyb3du".repeat(1_000));
    assert!((6_666..6_700).contains(&input(&document).unwrap()));
    // What only begins like a file is text.
    let text = format!("{} and so on", "A".repeat(100_000));
    assert!(input(&text).unwrap() > 50_000);
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
        r#"{"input":[{"type":"item_reference","id":"msg_1"}]}"#,
        r#"{"input":[{"type":"input_file","file_url": "https://example.com/a.pdf"}]}"#,
        r#"{"prompt":{"id":"pmpt_1"}}"#,
    ] {
        assert_eq!(input(body), None, "{body}");
    }
    for body in [
        r#"{"messages":[{"content":"my conversation"}]}"#,
        r#"{"previous_response_id":null}"#,
        r#"{"tools":[{"parameters":{"file_id":{"type":"string"},"conversation":{}}}]}"#,
    ] {
        assert!(input(body).is_some(), "{body}");
    }
}

#[test]
fn several_answers_at_once_are_asked_for_in_two_dialects() {
    for (body, answers) in [
        ("{}", 1),
        (r#"{"n":3}"#, 3),
        (r#"{"n":null}"#, 1),
        (r#"{"n":0}"#, 1),
        (r#"{"n":1000000}"#, 128),
        (r#"{"n":1,"model":"x","n":7}"#, 7),
        (r#"{"n":8.0}"#, 128),
        (r#"{"messages":[{"n":3}]}"#, 1),
        (r#"{"generationConfig":{"candidateCount":4}}"#, 4),
        (r#"{"generation_config":{"candidate_count":2}}"#, 2),
        ("not json", 1),
    ] {
        assert_eq!(ceiling(body.as_bytes()).answers, answers, "{body}");
    }
}
