//! Every client dialect with every provider, over sockets.

use gateway_simulator::{Endpoint, Reply as Answer, Script};
use serde_json::{Value, json};

use crate::client::Reply;
use crate::database::Kind;
use crate::gateway::TestGateway;

/// What an account is of, its credential, and a model that only it serves.
const ACCOUNTS: [(&str, &str, &str); 3] = [
    ("anthropic", "sk-ant-simulated-wxyz", "claude-sonnet-5-5"),
    ("openai", "sk-simulated-wxyz", "gpt-4.1"),
    ("gemini", "AIza-simulated-wxyz", "gemini-3.8-flash"),
];

/// How clients ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    Messages,
    Chat,
    Responses,
    Gemini,
}

impl Client {
    const ALL: [Self; 4] = [Self::Messages, Self::Chat, Self::Responses, Self::Gemini];

    const fn dialect(self) -> &'static str {
        match self {
            Self::Messages => "anthropic",
            Self::Chat => "openai_chat",
            Self::Responses => "openai_responses",
            Self::Gemini => "gemini",
        }
    }

    fn target(self, model: &str, stream: bool) -> String {
        match self {
            Self::Messages => "/v1/messages".to_owned(),
            Self::Chat => "/v1/chat/completions".to_owned(),
            Self::Responses => "/v1/responses".to_owned(),
            Self::Gemini if stream => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
            Self::Gemini => format!("/v1beta/models/{model}:generateContent"),
        }
    }

    fn body(self, model: &str, stream: bool) -> Value {
        let messages = json!([{"role": "user", "content": "Hi"}]);
        match self {
            Self::Messages => {
                json!({"model": model, "max_tokens": 64, "stream": stream, "messages": messages})
            }
            Self::Chat => json!({"model": model, "stream": stream, "messages": messages}),
            Self::Responses => json!({"model": model, "stream": stream, "input": "Hi"}),
            Self::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
        }
    }

    async fn ask(self, gateway: &TestGateway, key: &str, model: &str, stream: bool) -> Reply {
        self.send(gateway, key, model, &self.body(model, stream), stream)
            .await
    }

    async fn send(self, gateway: &TestGateway, key: &str, model: &str, body: &Value, stream: bool) -> Reply {
        let request = gateway.post(&self.target(model, stream)).json(body);
        let request = match self {
            Self::Messages => request
                .header("x-api-key", key)
                .header("anthropic-version", "2023-06-01"),
            Self::Chat | Self::Responses => request.bearer(key),
            Self::Gemini => request.header("x-goog-api-key", key),
        };
        request.send().await
    }

    fn text(self, answer: &Value) -> &str {
        let text = match self {
            Self::Messages => &answer["content"][0]["text"],
            Self::Chat => &answer["choices"][0]["message"]["content"],
            Self::Responses => &answer["output"][0]["content"][0]["text"],
            Self::Gemini => &answer["candidates"][0]["content"]["parts"][0]["text"],
        };
        text.as_str()
            .unwrap_or_else(|| panic!("no text for {self:?}: {answer}"))
    }

    /// What every error of its dialect has, and nothing else would.
    fn is_error(self, body: &Value) -> bool {
        match self {
            Self::Messages => body["type"] == "error" && body["error"]["type"].is_string(),
            Self::Chat | Self::Responses => {
                body["error"].get("param").is_some() && body["error"]["type"].is_string()
            }
            Self::Gemini => body["error"]["status"].is_string() && body["error"]["code"].is_u64(),
        }
    }

    /// How its streams end that are whole.
    const fn end(self) -> &'static str {
        match self {
            Self::Messages => "event: message_stop\n",
            Self::Chat => "data: [DONE]\n",
            Self::Responses => "event: response.completed\n",
            Self::Gemini => "\"finishReason\":\"STOP\"",
        }
    }
}

/// A gateway with an account of each kind, and a key.
async fn set_up() -> (TestGateway, String) {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    for (provider, credential, _) in ACCOUNTS {
        add(&gateway, provider, credential).await;
    }
    let key = gateway.make_key(&gateway.admin, json!({})).await["key"]
        .as_str()
        .unwrap()
        .to_owned();
    (gateway, key)
}

async fn add(gateway: &TestGateway, provider: &str, credential: &str) {
    let account = json!({
        "name": provider,
        "provider": provider,
        "credential": {"type": "api_key", "api_key": credential},
    });
    gateway.make_account(&gateway.admin, account).await;
}

async fn last_row(gateway: &TestGateway) -> Value {
    gateway.settle().await;
    gateway
        .list(&gateway.admin, "/api/usage/requests")
        .await
        .remove(0)
}

#[tokio::test]
async fn every_client_reaches_every_provider() {
    let (gateway, key) = set_up().await;
    for client in Client::ALL {
        for (provider, credential, model) in ACCOUNTS {
            for stream in [false, true] {
                let case = format!("{client:?} asks {provider}, streamed: {stream}");
                gateway.provider.next(Script::text("Hello there"));
                let before = gateway.provider.billed(credential).tokens;
                let reply = client.ask(&gateway, &key, model, stream).await;
                assert_eq!(reply.status, 200, "{case}: {}", reply.text());
                let received = gateway.provider.received().pop().unwrap();
                assert_eq!(received.credential.as_deref(), Some(credential), "{case}");
                assert!(!received.target.contains(&key), "{case}");
                if stream {
                    assert!(
                        reply
                            .header("content-type")
                            .unwrap()
                            .starts_with("text/event-stream"),
                        "{case}"
                    );
                    let text = reply.text();
                    assert!(
                        text.contains("Hello") && text.contains(client.end()),
                        "{case}: {text}"
                    );
                } else {
                    assert_eq!(client.text(&reply.json()), "Hello there", "{case}");
                }
                let row = last_row(&gateway).await;
                assert_eq!(row["dialect"], client.dialect(), "{case}");
                assert_eq!(row["status"], "ok", "{case}: {row}");
                let billed = gateway.provider.billed(credential).tokens;
                assert_eq!(
                    row["input_tokens"].as_u64().unwrap(),
                    billed.input - before.input,
                    "{case}"
                );
                assert_eq!(
                    row["output_tokens"].as_u64().unwrap(),
                    billed.output - before.output,
                    "{case}"
                );
                assert!(row["cost_usd"].as_f64().unwrap() > 0.0, "{case}: {row}");
            }
        }
    }
}

#[tokio::test]
async fn errors_have_the_shape_of_the_route() {
    let (gateway, key) = set_up().await;
    for client in Client::ALL {
        let refused = client
            .ask(&gateway, "sk-gw-wrong", "gpt-4.1", false)
            .await
            .expect(401);
        assert!(client.is_error(&refused.json()), "{client:?}: {}", refused.text());
        let unknown = client
            .ask(&gateway, &key, "no-such-model", false)
            .await
            .expect(404);
        assert!(client.is_error(&unknown.json()), "{client:?}: {}", unknown.text());
        let request = gateway.post(&client.target("gpt-4.1", false)).bearer(&key);
        let broken = request
            .header("content-type", "application/json")
            .bytes("{\"model\": ")
            .send()
            .await
            .expect(400);
        assert!(client.is_error(&broken.json()), "{client:?}: {}", broken.text());
        let wrong_way = gateway
            .get(&client.target("gpt-4.1", false))
            .bearer(&key)
            .send()
            .await;
        assert!(matches!(wrong_way.status, 404 | 405), "{client:?}");
        assert!(
            client.is_error(&wrong_way.json()),
            "{client:?}: {}",
            wrong_way.text()
        );
        for (provider, _, model) in ACCOUNTS {
            gateway
                .provider
                .next(Script::status(400).message("you said it wrong"));
            let reply = client.ask(&gateway, &key, model, true).await.expect(400);
            let body = reply.json();
            assert!(client.is_error(&body), "{client:?} asks {provider}: {body}");
            assert!(
                body["error"]["message"]
                    .as_str()
                    .unwrap()
                    .contains("you said it wrong"),
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn an_account_that_is_refused_is_never_shown_as_401() {
    let (gateway, key) = set_up().await;
    for client in Client::ALL {
        for (provider, credential, model) in ACCOUNTS {
            gateway.provider.next_for(credential, Script::status(401));
            let reply = client.ask(&gateway, &key, model, false).await;
            assert!(
                matches!(reply.status, 502 | 503),
                "{client:?} asks {provider}: {}",
                reply.text()
            );
            assert!(client.is_error(&reply.json()), "{client:?}: {}", reply.text());
            let accounts = gateway.list(&gateway.admin, "/api/upstream-accounts").await;
            let account = accounts
                .iter()
                .find(|account| account["provider"] == provider)
                .unwrap();
            let reset = format!("/api/upstream-accounts/{}/reset", account["id"].as_str().unwrap());
            gateway
                .post(&reset)
                .bearer(&gateway.admin)
                .send()
                .await
                .expect(200);
        }
    }
}

#[tokio::test]
async fn googles_clients_may_send_their_key_in_the_query() {
    let (gateway, key) = set_up().await;
    let body = Client::Gemini.body("", false);
    let target = format!("/v1/models/gemini-3.8-flash:generateContent?key={key}&fields=x");
    gateway.post(&target).json(&body).send().await.expect(200);
    let received = gateway.provider.received().pop().unwrap();
    assert!(!received.target.contains(&key), "{}", received.target);
    assert!(
        received
            .target
            .starts_with("/v1/models/gemini-3.8-flash:generateContent"),
        "{}",
        received.target
    );
    gateway
        .get(&format!("/v1beta/models?key={key}"))
        .send()
        .await
        .expect(200);
    let two = gateway
        .post(&target)
        .header("x-goog-api-key", "sk-gw-other")
        .json(&body)
        .send()
        .await;
    assert!(Client::Gemini.is_error(&two.expect(401).json()));
    let elsewhere = gateway.post(&format!("/v1/chat/completions?key={key}"));
    elsewhere
        .json(&Client::Chat.body("gpt-4.1", false))
        .send()
        .await
        .expect(401);
}

#[tokio::test]
async fn the_list_of_models_has_three_faces() {
    let (gateway, key) = set_up().await;
    let openai = gateway
        .get("/v1/models")
        .bearer(&key)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(openai["object"], "list");
    let anthropic = gateway
        .get("/v1/models?limit=1000")
        .header("x-api-key", &key)
        .header("anthropic-version", "2023-06-01");
    let anthropic = anthropic.send().await.expect(200).json();
    assert_eq!(anthropic["has_more"], false);
    for target in ["/v1/models?pageSize=1000", "/v1beta/models?pageSize=1000"] {
        let gemini = gateway
            .get(target)
            .header("x-goog-api-key", &key)
            .send()
            .await
            .expect(200)
            .json();
        let names: Vec<&str> = gemini["models"]
            .as_array()
            .unwrap()
            .iter()
            .map(|model| model["name"].as_str().unwrap())
            .collect();
        for (_, _, model) in ACCOUNTS {
            assert!(names.contains(&format!("models/{model}").as_str()), "{names:?}");
        }
    }
    for (_, _, model) in ACCOUNTS {
        for list in [&openai["data"], &anthropic["data"]] {
            assert!(
                list.as_array().unwrap().iter().any(|entry| entry["id"] == model),
                "{model} in {list}"
            );
        }
        let one = gateway
            .get(&format!("/v1beta/models/{model}"))
            .header("x-goog-api-key", &key)
            .send()
            .await
            .expect(200);
        assert_eq!(one.json()["name"], format!("models/{model}"));
    }
    let missing = gateway
        .get("/v1beta/models/no-such")
        .header("x-goog-api-key", &key)
        .send()
        .await
        .expect(404);
    assert!(Client::Gemini.is_error(&missing.json()));
}

#[tokio::test]
async fn a_models_name_may_have_slashes() {
    let (gateway, key) = set_up().await;
    let map = json!({"meta/llama": "gpt-4.1"});
    let account = json!({"name": "renaming", "provider": "openai", "model_map": map});
    gateway.make_account(&gateway.admin, account).await;
    for model in ["meta/llama", "meta%2Fllama"] {
        let target = format!("/v1beta/models/{model}:generateContent");
        let request = gateway.post(&target).header("x-goog-api-key", &key);
        request
            .json(&Client::Gemini.body("", false))
            .send()
            .await
            .expect(200);
        let one = gateway
            .get(&format!("/v1/models/{model}"))
            .bearer(&key)
            .send()
            .await;
        assert_eq!(one.expect(200).json()["id"], "meta/llama");
    }
}

#[tokio::test]
async fn tokens_are_counted_by_the_provider_or_estimated() {
    let (gateway, key) = set_up().await;
    let messages = json!([{"role": "user", "content": "Hello there, how are you today?"}]);
    let count = |model: &str| {
        let request = gateway
            .post("/v1/messages/count_tokens")
            .header("x-api-key", &key)
            .header("anthropic-version", "2023-06-01");
        request
            .json(&json!({"model": model, "messages": messages}))
            .send()
    };
    for (provider, _, model) in ACCOUNTS {
        let reply = count(model).await.expect(200);
        assert!(reply.json()["input_tokens"].as_u64().unwrap() > 0, "{provider}");
        assert_eq!(reply.header("x-gateway-estimated"), None, "{provider}");
        let target = format!("/v1beta/models/{model}:countTokens");
        let body = json!({"contents": [{"role": "user", "parts": [{"text": "Hello there"}]}]});
        let reply = gateway
            .post(&target)
            .header("x-goog-api-key", &key)
            .json(&body)
            .send()
            .await
            .expect(200);
        assert!(reply.json()["totalTokens"].as_u64().unwrap() > 0, "{provider}");
    }
    let nowhere = Script::raw(404, "application/json", r#"{"detail":"Not Found"}"#);
    gateway.provider.next(nowhere.on(Endpoint::CountTokens));
    let reply = count("gpt-4.1").await.expect(200);
    assert_eq!(reply.header("x-gateway-estimated"), Some("true"));
    let estimate = reply.json()["input_tokens"].as_u64().unwrap();
    assert!((4..40).contains(&estimate), "{estimate}");
    let asked = gateway.provider.tally().received;
    count("gpt-4.1").await.expect(200);
    assert_eq!(gateway.provider.tally().received, asked);
}

#[tokio::test]
async fn what_is_left_out_is_named_and_what_matters_is_refused() {
    let (gateway, key) = set_up().await;
    let mut body = Client::Messages.body("gemini-3.8-flash", false);
    body["service_tier"] = json!("auto");
    body["metadata"] = json!({"user_id": "u-1"});
    let reply = Client::Messages
        .send(&gateway, &key, "", &body, false)
        .await
        .expect(200);
    assert_eq!(
        reply.header("x-gateway-dropped"),
        Some("metadata.user_id, service_tier")
    );
    body["container"] = json!("container_1");
    let reply = Client::Messages
        .send(&gateway, &key, "", &body, false)
        .await
        .expect(400);
    assert!(
        reply.json()["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("container: "),
        "{}",
        reply.text()
    );
    assert_eq!(gateway.provider.tally().received, 1);

    let own = Client::Messages
        .ask(&gateway, &key, "claude-sonnet-5-5", false)
        .await
        .expect(200);
    assert_eq!(own.header("x-gateway-dropped"), None);
}

#[tokio::test]
async fn what_one_provider_has_no_words_for_goes_to_one_that_has() {
    let gateway = TestGateway::start(Kind::Sqlite).await;
    let shared = json!({"models": ["shared"], "priority": 1});
    for (provider, credential, model) in ACCOUNTS {
        let mut account = json!({
            "name": provider, "provider": provider, "credential": {"type": "api_key", "api_key": credential},
            "model_map": {"shared": model}, "priority": if provider == "anthropic" { 60 } else { 50 },
        });
        account["models"] = shared["models"].clone();
        gateway.make_account(&gateway.admin, account).await;
    }
    let key = gateway.make_key(&gateway.admin, json!({})).await["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut body = Client::Messages.body("shared", false);
    body["tools"] = json!([{"type": "web_search_20260318", "name": "web_search"}]);
    let reply = Client::Messages
        .send(&gateway, &key, "", &body, false)
        .await
        .expect(200);
    let received = gateway.provider.received().pop().unwrap();
    assert_eq!(received.target, "/v1/messages");
    assert_eq!(reply.header("x-gateway-attempts"), Some("1"));
}

#[tokio::test]
async fn a_server_without_the_responses_api_is_asked_in_chat() {
    let (gateway, key) = set_up().await;
    let nowhere = || Script::raw(404, "application/json", r#"{"detail":"Not Found"}"#);
    gateway.provider.next(nowhere());
    gateway.provider.next(Script::text("From chat"));
    let reply = Client::Responses.ask(&gateway, &key, "gpt-4.1", false).await;
    assert_eq!(Client::Responses.text(&reply.expect(200).json()), "From chat");
    // It is not asked again for what it does not have.
    let reply = Client::Responses
        .ask(&gateway, &key, "gpt-4.1", false)
        .await
        .expect(200);
    assert_eq!(reply.header("x-gateway-attempts"), Some("1"));
    let received = gateway.provider.received();
    let targets: Vec<&str> = received.iter().map(|received| received.target.as_str()).collect();
    assert_eq!(
        targets,
        ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]
    );
}

#[tokio::test]
async fn what_a_server_has_no_call_for_and_chat_no_words_is_refused_by_name() {
    let (gateway, key) = set_up().await;
    gateway
        .provider
        .next(Script::raw(404, "application/json", r#"{"detail":"Not Found"}"#));
    let mut body = Client::Responses.body("gpt-4.1", false);
    body["previous_response_id"] = json!("resp_1");
    for _ in 0..2 {
        let reply = Client::Responses
            .send(&gateway, &key, "", &body, false)
            .await
            .expect(400);
        let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("previous_response_id: "), "{message}");
    }
    assert_eq!(gateway.provider.tally().received, 1);
}

#[tokio::test]
async fn the_usage_chunk_reaches_only_clients_that_asked() {
    let (gateway, key) = set_up().await;
    let mut body = Client::Chat.body("gpt-4.1", true);
    for include in [None, Some(false), Some(true)] {
        if let Some(include) = include {
            body["stream_options"] = json!({"include_usage": include});
        }
        gateway.provider.next(Script::text("Hello"));
        let text = Client::Chat
            .send(&gateway, &key, "", &body, true)
            .await
            .expect(200)
            .text();
        let has_usage = text.contains("\"choices\":[]");
        assert_eq!(has_usage, include == Some(true), "{include:?}: {text}");
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
        let row = last_row(&gateway).await;
        assert!(row["output_tokens"].as_u64().unwrap() > 0, "{row}");
        assert_eq!(row["status"], "ok");
    }
}

#[tokio::test]
async fn a_gemini_stream_without_sse_is_one_array() {
    let (gateway, key) = set_up().await;
    for (provider, _, model) in ACCOUNTS {
        gateway
            .provider
            .next(Script::text("One two three four five six seven eight nine ten"));
        let request = gateway.post(&format!("/v1beta/models/{model}:streamGenerateContent"));
        let reply = request
            .header("x-goog-api-key", &key)
            .json(&Client::Gemini.body(model, true))
            .send()
            .await
            .expect(200);
        assert!(
            reply
                .header("content-type")
                .unwrap()
                .starts_with("application/json"),
            "{provider}"
        );
        let chunks = reply.json();
        let chunks = chunks.as_array().unwrap();
        assert_eq!(
            chunks.last().unwrap()["candidates"][0]["finishReason"],
            "STOP",
            "{provider}: {chunks:?}"
        );
        let text: String = chunks
            .iter()
            .filter_map(|chunk| chunk["candidates"][0]["content"]["parts"][0]["text"].as_str())
            .collect();
        assert_eq!(
            text, "One two three four five six seven eight nine ten",
            "{provider}"
        );
    }
}

#[tokio::test]
async fn a_conversation_with_tools_goes_on_over_its_turns() {
    let (gateway, key) = set_up().await;
    for (provider, _, model) in ACCOUNTS {
        let call = Answer::new().and_tool_use("get_weather", json!({"city": "Paris"}));
        gateway.provider.next(Script::reply(call));
        let mut body = Client::Messages.body(model, false);
        body["max_tokens"] = json!(2000);
        body["tools"] = json!([{
            "name": "get_weather",
            "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        }]);
        let first = Client::Messages.send(&gateway, &key, "", &body, false).await;
        assert_eq!(first.status, 200, "{provider}: {}", first.text());
        let first = first.json();
        assert_eq!(first["stop_reason"], "tool_use", "{provider}: {first}");
        let content = first["content"].clone();
        let tool_use = content
            .as_array()
            .unwrap()
            .iter()
            .find(|block| block["type"] == "tool_use")
            .unwrap()
            .clone();
        assert_eq!(tool_use["input"], json!({"city": "Paris"}), "{provider}");
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": content}));
        messages.push(json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": tool_use["id"], "content": "no such city", "is_error": true},
        ]}));
        let second = Client::Messages.send(&gateway, &key, "", &body, false).await;
        assert_eq!(second.status, 200, "{provider}: {}", second.text());
        let sent = String::from_utf8(gateway.provider.received().pop().unwrap().body.to_vec()).unwrap();
        assert!(sent.contains("no such city"), "{provider}: {sent}");

        // The same conversation goes on with every other model.
        for (other, _, model) in ACCOUNTS {
            body["model"] = json!(model);
            let moved = Client::Messages.send(&gateway, &key, "", &body, false).await;
            assert_eq!(moved.status, 200, "from {provider} to {other}: {}", moved.text());
        }
        body["model"] = json!(model);
    }
}

#[tokio::test]
async fn what_another_provider_holds_is_refused_by_name() {
    let (gateway, key) = set_up().await;
    let reply = Client::Responses
        .ask(&gateway, &key, "gpt-4.1", false)
        .await
        .expect(200);
    let id = reply.json()["id"].clone();
    // The account that made it is known, and the model is another provider's.
    let mut body = Client::Responses.body("claude-sonnet-5-5", false);
    body["previous_response_id"] = id;
    let reply = Client::Responses
        .send(&gateway, &key, "", &body, false)
        .await
        .expect(400);
    let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("previous_response_id: "), "{message}");
}
