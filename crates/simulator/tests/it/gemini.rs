//! What Gemini's dialect answers.

use std::time::Duration;

use gateway_simulator::{Endpoint, Reply, Script, Simulator};
use serde_json::{Value, json};

use crate::client::{Request, call};
use crate::gemini_client::{NEW, OLD, ask, generate, get, hello, parts, stream, tools, user};

fn counts(answer: &Value) -> [u64; 4] {
    let usage = &answer["usageMetadata"];
    [
        "promptTokenCount",
        "cachedContentTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
    ]
    .map(|name| usage[name].as_u64().unwrap_or_default())
}

#[tokio::test]
async fn an_answer_has_a_candidate_and_its_counts() {
    let simulator = Simulator::start().await;
    let reply = Reply::new().and_thinking("Hm, hm, hm.").and_text("Hello!");
    simulator.always(Script::reply(reply));
    let answer = generate(&simulator, OLD, &hello());
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=UTF-8")
    );
    let answer = answer.json();
    let candidate = json!({
        "content": {"parts": [{"text": "Hello!"}], "role": "model"},
        "finishReason": "STOP",
        "index": 0,
    });
    assert_eq!(answer["candidates"], json!([candidate]));
    assert_eq!(answer["modelVersion"], OLD);
    assert!(answer["responseId"].is_string());
    let [prompt, cached, said, thought] = counts(&answer);
    assert_eq!((cached, said, thought), (0, 3, 3));
    assert_eq!(
        answer["usageMetadata"]["totalTokenCount"],
        prompt + said + thought
    );
    let billed = simulator.billed("AIza-test");
    assert_eq!(
        (billed.messages, billed.tokens.input, billed.tokens.output),
        (1, prompt, said + thought)
    );
    assert_eq!(billed.tokens.reasoning, thought);
}

#[tokio::test]
async fn answers_and_errors_look_like_this() {
    let simulator = Simulator::start().await;
    let reply = Reply::new()
        .and_text("Let me look.")
        .and_tool_use("weather", json!({"city": "Zürich", "days": 3}));
    simulator.next(Script::reply(reply.clone()));
    insta::assert_snapshot!("gemini", generate(&simulator, OLD, &hello()).text());
    simulator.next(Script::reply(reply));
    insta::assert_snapshot!(
        "gemini_stream",
        stream(&simulator, OLD, &hello()).text().replace('\r', "")
    );
    simulator.next(Script::status(429));
    insta::assert_snapshot!("gemini_error", generate(&simulator, OLD, &hello()).text());
}

#[tokio::test]
async fn thoughts_are_shown_to_who_wants_them() {
    let simulator = Simulator::start().await;
    let thinking = |config: Value| {
        let mut body = hello();
        body["generationConfig"] = json!({"thinking_config": config});
        generate(&simulator, OLD, &body).json()
    };
    let shown = thinking(json!({"include_thoughts": true, "thinkingBudget": 64}));
    assert_eq!(parts(&shown)[0]["thought"], true);
    assert_eq!(parts(&shown).len(), 2);
    assert_eq!(counts(&shown)[3], 64);
    let hidden = thinking(json!({"thinkingBudget": 64}));
    assert_eq!(parts(&hidden).len(), 1);
    assert_eq!(counts(&hidden)[3], 64);
    let off = thinking(json!({"includeThoughts": true, "thinkingBudget": 0}));
    assert_eq!((parts(&off).len(), counts(&off)[3]), (1, 0));
}

#[tokio::test]
async fn a_text_of_a_newer_model_is_signed_at_its_end() {
    let simulator = Simulator::start().await;
    simulator.always(Script::reply(Reply::text("One.").and_text("Two.")));
    let newer = generate(&simulator, NEW, &hello()).json();
    assert!(parts(&newer)[0]["thoughtSignature"].is_null());
    assert!(parts(&newer)[1]["thoughtSignature"].is_string());
    let older = generate(&simulator, OLD, &hello()).json();
    assert!(parts(&older)[1]["thoughtSignature"].is_null());
}

#[tokio::test]
async fn tools_are_called_by_name_and_the_first_call_is_signed() {
    let simulator = Simulator::start().await;
    let body = json!({"contents": [user("weather and clock, please")], "tools": tools(&["weather", "clock", "mail"])});
    let answer = generate(&simulator, NEW, &body).json();
    assert_eq!(answer["candidates"][0]["finishReason"], "STOP");
    let calls: Vec<&Value> = parts(&answer)
        .iter()
        .filter(|part| part["functionCall"].is_object())
        .collect();
    let names: Vec<&Value> = calls.iter().map(|part| &part["functionCall"]["name"]).collect();
    assert_eq!(names, ["weather", "clock"]);
    assert!(calls[0]["thoughtSignature"].is_string());
    assert!(calls[1]["thoughtSignature"].is_null());
    assert!(calls[0]["functionCall"]["args"]["days"].is_u64());
    assert_ne!(calls[0]["functionCall"]["id"], calls[1]["functionCall"]["id"]);
}

#[tokio::test]
async fn the_choice_of_functions_is_obeyed() {
    let simulator = Simulator::start().await;
    let called = |text: &str, config: Value| -> Vec<Value> {
        let body = json!({
            "contents": [user(text)],
            "tools": tools(&["weather", "clock"]),
            "toolConfig": {"functionCallingConfig": config},
        });
        let answer = generate(&simulator, OLD, &body).json();
        let calls = parts(&answer)
            .iter()
            .map(|part| part["functionCall"]["name"].clone());
        calls.filter(|name| !name.is_null()).collect()
    };
    assert_eq!(
        called("hi", json!({"mode": "ANY", "allowedFunctionNames": ["clock"]})),
        ["clock"]
    );
    assert_eq!(called("hi", json!({"mode": "any"})), ["weather"]);
    assert_eq!(called("the clock", json!({"mode": "ANY"})), ["clock"]);
    assert!(called("the clock", json!({"mode": "NONE"})).is_empty());
    assert!(called("hi", json!({"mode": "AUTO"})).is_empty());
}

#[tokio::test]
async fn an_answer_that_is_to_be_json_fits_its_schema() {
    let simulator = Simulator::start().await;
    let drawn = |config: Value| -> Value {
        let mut body = hello();
        body["generationConfig"] = config;
        let answer = generate(&simulator, OLD, &body).json();
        serde_json::from_str(parts(&answer)[0]["text"].as_str().unwrap()).unwrap()
    };
    let own = drawn(json!({
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}, "all": {"type": "ARRAY", "items": {"type": "BOOLEAN"}}}},
    }));
    assert!(own["n"].is_u64() && own["all"][0].is_boolean(), "{own}");
    let other = drawn(json!({
        "response_mime_type": "application/json",
        "response_json_schema": {"type": "object", "properties": {"s": {"type": "string"}}, "additionalProperties": false},
    }));
    assert!(other["s"].is_string(), "{other}");
    assert!(drawn(json!({"responseMimeType": "application/json"})).is_object());
}

#[tokio::test]
async fn answers_end_for_many_reasons() {
    let simulator = Simulator::start().await;
    let ended = |reply: Reply, config: Value| {
        simulator.next(Script::reply(reply));
        let mut body = hello();
        body["generationConfig"] = config;
        generate(&simulator, OLD, &body).json()
    };
    let reason = |answer: &Value| answer["candidates"][0]["finishReason"].clone();

    let short = ended(
        Reply::text("A long answer indeed."),
        json!({"maxOutputTokens": 2}),
    );
    assert_eq!(reason(&short), "MAX_TOKENS");
    assert_eq!(parts(&short)[0]["text"], "A long a");
    let stopped = ended(Reply::text("One. Two."), json!({"stopSequences": ["Two"]}));
    assert_eq!(
        (reason(&stopped), &parts(&stopped)[0]["text"]),
        (json!("STOP"), &json!("One. "))
    );
    let unsafe_ = ended(Reply::new().stop_reason("SAFETY"), json!({}));
    assert_eq!(reason(&unsafe_), "SAFETY");
    assert!(unsafe_["candidates"][0]["content"].is_null());
    let malformed = ended(Reply::new().stop_reason("MALFORMED_FUNCTION_CALL"), json!({}));
    assert!(malformed["candidates"][0]["finishMessage"].is_string());
    let refused = ended(Reply::text("No.").stop_reason("refusal"), json!({}));
    assert_eq!(reason(&refused), "SAFETY");

    let before = simulator.billed("AIza-test").tokens.output;
    let blocked = ended(Reply::blocked("PROHIBITED_CONTENT"), json!({}));
    assert_eq!(blocked["promptFeedback"]["blockReason"], "PROHIBITED_CONTENT");
    assert!(blocked["candidates"].is_null());
    assert_eq!(simulator.billed("AIza-test").tokens.output, before);
}

#[tokio::test]
async fn a_search_grounds_the_answer() {
    let simulator = Simulator::start().await;
    let body = json!({"contents": [user("use google_search")], "tools": [{"googleSearch": {}}]});
    let answer = generate(&simulator, OLD, &body).json();
    let grounding = &answer["candidates"][0]["groundingMetadata"];
    assert_eq!(grounding["webSearchQueries"], json!(["what is new"]));
    assert_eq!(simulator.billed("AIza-test").web_searches, 1);
}

#[tokio::test]
async fn a_prompt_is_read_from_the_account_s_cache() {
    let simulator = Simulator::start().await;
    let body = json!({
        "systemInstruction": {"parts": {"text": "word ".repeat(8_000)}},
        "contents": [user("Hello")],
    });
    let ask = |key: &str| {
        let request = ask(OLD, "generateContent", &body).with("x-goog-api-key", key);
        counts(&call(simulator.address(), &request).json())
    };
    let first = ask("one");
    assert_eq!(first[1], 0);
    let second = ask("one");
    assert_eq!((second[0], second[1]), (first[0], 10_000));
    assert_eq!(ask("two")[1], 0);
    let billed = simulator.billed("one").tokens;
    assert_eq!((billed.cache_read, billed.cache_write_5m), (10_000, 0));
    assert_eq!(billed.total_input(), 2 * first[0]);
}

#[tokio::test]
async fn tokens_are_counted_of_both_bodies() {
    let simulator = Simulator::start().await;
    let count = |body: &Value| call(simulator.address(), &ask(OLD, "countTokens", body));
    let short = count(&hello()).json();
    let answer = generate(&simulator, OLD, &hello()).json();
    assert_eq!(short["totalTokens"], answer["usageMetadata"]["promptTokenCount"]);
    let whole = count(&json!({"generateContentRequest": {
        "model": "models/gemini-2.5-flash",
        "contents": [user("Hello, Gemini")],
        "system_instruction": {"parts": [{"text": "Be kind to everyone."}]},
    }}));
    assert_eq!(
        whole.json()["totalTokens"].as_u64(),
        short["totalTokens"].as_u64().map(|tokens| tokens + 5)
    );
    for body in [
        json!({"contents": [user("a")], "systemInstruction": {"parts": [{"text": "b"}]}}),
        json!({"generateContentRequest": {"contents": [user("a")]}}),
        json!({}),
    ] {
        assert_eq!(count(&body).status, 400, "{body}");
    }
}

#[tokio::test]
async fn models_are_listed_in_pages() {
    let simulator = Simulator::start().await;
    let list = |target: &str| call(simulator.address(), &get(target)).json();
    let first = list("/v1beta/models?pageSize=2");
    assert_eq!(first["models"].as_array().unwrap().len(), 2);
    let token = first["nextPageToken"].as_str().unwrap();
    let rest = list(&format!("/v1/models?pageToken={token}"));
    assert!(rest["nextPageToken"].is_null());
    assert!(
        rest["models"]
            .as_array()
            .unwrap()
            .iter()
            .any(|model| model["name"] == "models/gemini-2.5-pro")
    );
    let model = list("/v1beta/models/gemini-3-pro-preview");
    assert_eq!(model["name"], "models/gemini-3-pro-preview");
    assert_eq!(model["inputTokenLimit"], 1_048_576);
    let missing = call(simulator.address(), &get("/v1beta/models/gpt-4"));
    assert_eq!(
        (missing.status, &missing.json()["error"]["status"]),
        (404, &json!("NOT_FOUND"))
    );
    assert_eq!(generate(&simulator, "gpt-4", &hello()).status, 404);
}

#[tokio::test]
async fn only_the_models_on_offer_are_served() {
    let simulator = Simulator::builder().models(["gemini-9-test"]).start().await;
    let answer = generate(&simulator, "gemini-9-test", &hello()).json();
    assert!(parts(&answer)[0]["thoughtSignature"].is_string());
    assert_eq!(generate(&simulator, OLD, &hello()).status, 404);
}

#[tokio::test]
async fn a_path_that_two_dialects_have_is_told_by_the_headers() {
    let simulator = Simulator::start().await;
    let anthropic = call(simulator.address(), &Request::get("/v1/models")).json();
    assert!(anthropic["data"].is_array());
    for request in [
        get("/v1/models"),
        get("/v1/models?key=AIza-test").with("x-goog-api-key", ""),
    ] {
        assert!(call(simulator.address(), &request).json()["models"].is_array());
    }
    let unknown = call(simulator.address(), &get("/v1/nothing"));
    assert_eq!(unknown.json()["error"]["status"], "NOT_FOUND");
    let message = call(simulator.address(), &Request::hello());
    assert_eq!(message.json()["type"], "message");
}

#[tokio::test]
async fn only_accepted_credentials_are_served() {
    let simulator = Simulator::start().await;
    simulator.accept_only(["good"]);
    let key = |key: &str| ask(OLD, "generateContent", &hello()).with("x-goog-api-key", key);
    assert_eq!(call(simulator.address(), &key("good")).status, 200);
    let refused = call(simulator.address(), &key("bad"));
    let error = refused.json()["error"].clone();
    assert_eq!(
        (refused.status, &error["status"]),
        (400, &json!("INVALID_ARGUMENT"))
    );
    assert_eq!(error["details"][0]["reason"], "API_KEY_INVALID");

    let query = ask(OLD, "generateContent?key=good", &hello()).with("x-goog-api-key", "");
    assert_eq!(call(simulator.address(), &query).status, 200);
    let bearer = |token: &str| key("").with("Authorization", &format!("Bearer {token}"));
    assert_eq!(call(simulator.address(), &bearer("good")).status, 200);
    let refused = call(simulator.address(), &bearer("bad"));
    assert_eq!(
        (refused.status, &refused.json()["error"]["status"]),
        (401, &json!("UNAUTHENTICATED"))
    );
    let nameless = call(simulator.address(), &key(""));
    assert_eq!(
        (nameless.status, &nameless.json()["error"]["status"]),
        (403, &json!("PERMISSION_DENIED"))
    );
    assert_eq!(simulator.billed("good").messages, 3);
    assert_eq!(simulator.received()[2].credential.as_deref(), Some("good"));
}

#[tokio::test]
async fn errors_are_a_status_of_the_provider_s() {
    let simulator = Simulator::start().await;
    for (status, name) in [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ] {
        simulator.next(Script::status(status));
        let answer = generate(&simulator, OLD, &hello());
        let error = &answer.json()["error"];
        assert_eq!((answer.status, &error["status"]), (status, &json!(name)));
        assert_eq!(error["code"], status);
        assert_eq!(answer.header("retry-after"), None);
    }
}

#[tokio::test]
async fn a_limit_says_which_and_for_how_long() {
    let simulator = Simulator::start().await;
    simulator.next(
        Script::status(429)
            .error_code("GenerateRequestsPerDayPerProjectPerModel-FreeTier")
            .retry_after(Duration::from_secs(7)),
    );
    let error = generate(&simulator, OLD, &hello()).json()["error"].clone();
    assert_eq!(
        error["details"][0]["violations"][0]["quotaId"],
        "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    );
    assert_eq!(error["details"][1]["retryDelay"], "7s");

    let limited = Simulator::builder().requests_per_minute(1).start().await;
    assert_eq!(generate(&limited, OLD, &hello()).status, 200);
    let refused = generate(&limited, OLD, &hello());
    assert_eq!(refused.status, 429);
    let delay = refused.json()["error"]["details"][1]["retryDelay"].clone();
    assert!(
        delay.as_str().is_some_and(|delay| delay.ends_with('s')),
        "{delay}"
    );
}

#[tokio::test]
async fn scripts_are_for_the_same_endpoints_in_every_dialect() {
    let simulator = Simulator::start().await;
    simulator.always(Script::text("Hi!"));
    simulator.always(Script::status(500).on(Endpoint::CountTokens));
    simulator.always(Script::status(503).on(Endpoint::Models));
    assert_eq!(
        parts(&generate(&simulator, OLD, &hello()).json())[0]["text"],
        "Hi!"
    );
    let count = call(simulator.address(), &ask(OLD, "countTokens", &hello()));
    assert_eq!(count.status, 500);
    assert_eq!(call(simulator.address(), &get("/v1beta/models")).status, 503);
}
