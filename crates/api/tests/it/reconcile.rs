//! The gateway's count of an account against the one of its provider.

use std::time::Duration;

use gateway_domain::{Clock, Nanodollars, ProviderKind};
use gateway_simulator::{Endpoint, ModelRates, Organization, Script};
use serde_json::{Value, json};

use crate::client::{Reply, Request};
use crate::gateway::{CREDENTIAL, TestGateway, message};
use crate::on_both_databases;

const ADMIN_KEY: &str = "sk-ant-admin01-of-the-organisation-wxyz";
const CLAUDE: &str = "claude-sonnet-5-5";
const GPT: &str = "gpt-5.4";
/// What is longer than the shortest prompt that is cached.
const LONG: usize = 20_000;

/// The rates of a model as the gateway's price list has them.
fn rates(gateway: &TestGateway, model: &str) -> ModelRates {
    let prices = gateway.app.proxy.prices().current().list(gateway.clock.now());
    let listed = prices
        .into_iter()
        .find(|price| price.model == model && price.provider != Some(ProviderKind::Gemini));
    let rates = listed.unwrap_or_else(|| panic!("{model} is not listed")).rates;
    let short_write = rates.cache_write_5m.unwrap_or(rates.input);
    ModelRates {
        input: rates.input,
        cache_read: rates.cache_read.unwrap_or(rates.input),
        cache_write_5m: short_write,
        cache_write_1h: rates.cache_write_1h.unwrap_or(short_write),
        output: rates.output,
        web_search: Default::default(),
    }
}

/// Opens the organisation at the provider, with the gateway's own prices.
fn organization(gateway: &TestGateway) -> Organization {
    let organization = Organization::new(ADMIN_KEY)
        .rates(CLAUDE, rates(gateway, CLAUDE))
        .rates(GPT, rates(gateway, GPT));
    gateway.provider.open_organization(organization.clone());
    organization
}

fn admin_credential() -> Value {
    json!({"type": "api_key", "api_key": ADMIN_KEY})
}

/// An account at the simulator that can be reconciled.
async fn account(gateway: &TestGateway, wishes: Value) -> Value {
    let mut body = json!({"admin_credential": admin_credential()});
    if let (Some(body), Value::Object(wishes)) = (body.as_object_mut(), wishes) {
        body.extend(wishes);
    }
    gateway.make_account(&gateway.admin, body).await
}

fn reconcile(gateway: &TestGateway, token: &str, account: &Value) -> Request {
    let id = account["id"].as_str().unwrap();
    let target = format!("/api/usage/reconcile?account_id={id}&from=2026-06-15T08:00:00Z");
    gateway.get(&target).bearer(token)
}

async fn reconciled(gateway: &TestGateway, account: &Value) -> Value {
    gateway.settle().await;
    let reply = reconcile(gateway, &gateway.admin, account)
        .send()
        .await
        .expect(200);
    assert!(!reply.text().contains(ADMIN_KEY));
    reply.json()
}

/// The fields of a drift that say something other than that there is none.
fn drifted(drift: &Value) -> Vec<(String, Value)> {
    let fields = drift.as_object().unwrap().iter();
    fields
        .filter(|(_, value)| value.as_f64().is_some_and(|number| number != 0.0))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

async fn key(gateway: &TestGateway) -> String {
    let key = gateway.make_key(&gateway.admin, json!({})).await;
    key["key"].as_str().unwrap().to_owned()
}

/// Plain, streamed, cached (written and read) and with a tool.
async fn converse_with_claude(gateway: &TestGateway, key: &str) {
    let plain = message();
    let mut streamed = message();
    streamed["stream"] = json!(true);
    let mut cached = message();
    cached["system"] = json!([{
        "type": "text", "text": "word ".repeat(LONG), "cache_control": {"type": "ephemeral"},
    }]);
    let mut kept_long = cached.clone();
    kept_long["system"][0]["cache_control"]["ttl"] = json!("1h");
    kept_long["system"][0]["text"] = json!("other ".repeat(LONG));
    let mut with_tool = message();
    with_tool["stream"] = json!(true);
    with_tool["messages"][0]["content"] = json!("Use get_weather, please.");
    with_tool["tools"] = json!([{"name": "get_weather", "input_schema": {"type": "object"}}]);
    for body in [plain, streamed, cached.clone(), cached, kept_long, with_tool] {
        let request = gateway.post("/v1/messages").header("x-api-key", key).json(&body);
        request
            .header("anthropic-version", "2023-06-01")
            .send()
            .await
            .expect(200);
    }
}

async fn converse_with_gpt(gateway: &TestGateway, key: &str) {
    let chat = json!({"model": GPT, "messages": [{"role": "user", "content": "Hi"}]});
    let mut streamed = chat.clone();
    streamed["stream"] = json!(true);
    let mut cached = chat.clone();
    cached["messages"][0]["content"] = json!("word ".repeat(LONG));
    let mut with_tool = chat.clone();
    with_tool["messages"][0]["content"] = json!("Use get_weather, please.");
    with_tool["tools"] = json!([{"type": "function", "function": {"name": "get_weather"}}]);
    with_tool["reasoning_effort"] = json!("none");
    for body in [chat, streamed, cached.clone(), cached, with_tool] {
        let request = gateway.post("/v1/chat/completions").bearer(key).json(&body);
        request.send().await.expect(200);
    }
    let response = json!({"model": GPT, "input": "Hi", "stream": true});
    let request = gateway.post("/v1/responses").bearer(key).json(&response);
    request.send().await.expect(200);
}

on_both_databases! {
    async fn what_went_through_the_gateway_is_what_anthropic_counted(gateway) {
        organization(&gateway);
        let account = account(&gateway, json!({})).await;
        let key = key(&gateway).await;
        converse_with_claude(&gateway, &key).await;
        let found = reconciled(&gateway, &account).await;
        assert_eq!(found["account_id"], account["id"]);
        assert_eq!((&found["provider"], &found["scope"]), (&json!("anthropic"), &json!("organization")));
        assert_eq!(
            (&found["from"], &found["to"]),
            (&json!("2026-06-15T00:00:00Z"), &json!("2026-06-16T00:00:00Z"))
        );
        let [row] = found["data"].as_array().unwrap().as_slice() else { panic!("{found}") };
        assert_eq!((&row["day"], &row["model"]), (&json!("2026-06-15T00:00:00Z"), &json!(CLAUDE)));
        assert_eq!(drifted(&row["drift"]), [], "{row}");
        assert_eq!(drifted(&found["totals"]["drift"]), []);
        let billed = gateway.provider.billed(CREDENTIAL);
        for (name, count) in [
            ("input_tokens", billed.tokens.input),
            ("cache_read_tokens", billed.tokens.cache_read),
            ("cache_write_5m_tokens", billed.tokens.cache_write_5m),
            ("cache_write_1h_tokens", billed.tokens.cache_write_1h),
            ("output_tokens", billed.tokens.output),
        ] {
            assert!(count > 0, "{name}");
            assert_eq!((&row["ours"][name], &row["theirs"][name]), (&json!(count), &json!(count)), "{name}");
            assert_eq!(row["drift"][name], 0, "{name}");
        }
        assert_eq!((&row["ours"]["requests"], &row["theirs"]["requests"]), (&json!(6), &Value::Null));
        assert!(row["ours"]["cost_usd"].as_f64().unwrap() > 0.0);
        assert_eq!(row["ours"]["cost_usd"].to_string(), row["theirs"]["cost_usd"].to_string());
        assert_eq!((&row["drift"]["cost_usd"], &row["drift"]["cost_percent"]), (&json!(0.0), &json!(0.0)));
    }

    async fn what_went_through_the_gateway_is_what_openai_counted(gateway) {
        organization(&gateway);
        let account = account(&gateway, json!({"provider": "openai"})).await;
        let key = key(&gateway).await;
        converse_with_gpt(&gateway, &key).await;
        let found = reconciled(&gateway, &account).await;
        let [row] = found["data"].as_array().unwrap().as_slice() else { panic!("{found}") };
        assert_eq!(row["model"], GPT);
        assert_eq!(drifted(&row["drift"]), [], "{row}");
        assert_eq!((&row["ours"]["requests"], &row["theirs"]["requests"]), (&json!(6), &json!(6)));
        assert_eq!(row["theirs"]["web_searches"], Value::Null);
        assert!(row["theirs"]["cache_read_tokens"].as_u64().unwrap() > 0);
        assert!(row["theirs"]["cost_usd"].as_f64().unwrap() > 0.0);
        assert_eq!(row["drift"]["cost_usd"], 0.0);
    }

    async fn what_went_past_the_gateway_is_the_drift(gateway) {
        organization(&gateway);
        let account = account(&gateway, json!({})).await;
        let key = key(&gateway).await;
        gateway.message(&key).send().await.expect(200);
        let before = gateway.provider.billed(CREDENTIAL).tokens;
        Request::new(gateway.provider.address(), "POST", "/v1/messages")
            .header("x-api-key", CREDENTIAL)
            .header("anthropic-version", "2023-06-01")
            .json(&message())
            .send()
            .await
            .expect(200);
        let after = gateway.provider.billed(CREDENTIAL).tokens;
        let found = reconciled(&gateway, &account).await;
        let drift = &found["data"][0]["drift"];
        assert_eq!(drift["input_tokens"], after.input - before.input);
        assert_eq!(drift["output_tokens"], after.output - before.output);
        assert_eq!(drift, &found["totals"]["drift"]);
        let rates = rates(&gateway, CLAUDE);
        let picos = rates.input.as_picos().unsigned_abs() * (after.input - before.input)
            + rates.output.as_picos().unsigned_abs() * (after.output - before.output);
        assert_eq!(drift["cost_usd"].to_string(), Nanodollars::from_nanos((picos / 1000).cast_signed()).to_string());
        assert!(drift["cost_percent"].as_f64().unwrap() > 0.0);
    }

    async fn what_is_not_reported_yet_is_a_drift_until_it_is(gateway) {
        let organization = organization(&gateway).reported_after(Duration::from_secs(3_600));
        gateway.provider.open_organization(organization);
        let account = account(&gateway, json!({})).await;
        let key = key(&gateway).await;
        gateway.message(&key).send().await.expect(200);
        let found = reconciled(&gateway, &account).await;
        let row = &found["data"][0];
        assert_eq!(row["theirs"], Value::Null);
        assert_eq!(row["drift"]["output_tokens"], -row["ours"]["output_tokens"].as_i64().unwrap());
        assert_eq!(found["totals"]["theirs"]["output_tokens"], 0);
        gateway.clock.advance(Duration::from_secs(3_700));
        // The sign-in does not last so long.
        let admin = gateway.sign_in("root").await;
        let found = reconcile(&gateway, &admin, &account).send().await.expect(200).json();
        assert_eq!(drifted(&found["totals"]["drift"]), [], "{found}");
    }

    async fn a_part_of_the_organisation_is_compared_with_nothing_else(gateway) {
        let organization = organization(&gateway).days_per_page(1);
        gateway.provider.open_organization(organization);
        for (provider, kind, group) in [
            ("anthropic", ProviderKind::Anthropic, "workspace_id"),
            ("openai", ProviderKind::OpenAi, "project_id"),
        ] {
            let account = account(&gateway, json!({"provider": provider})).await;
            let other = json!({"provider": provider, "credential": {"type": "api_key", "api_key": "sk-other-key"}});
            let other = gateway.make_account(&gateway.admin, other).await;
            let id = account["id"].as_str().unwrap();
            for own in [id, other["id"].as_str().unwrap()] {
                let only = gateway.make_key(&gateway.admin, json!({"allowed_accounts": [own]})).await;
                let only = only["key"].as_str().unwrap();
                if kind == ProviderKind::Anthropic {
                    gateway.message(only).send().await.expect(200);
                } else {
                    converse_with_gpt(&gateway, only).await;
                }
            }
            let found = reconciled(&gateway, &account).await;
            assert_eq!(found["scope"], "organization");
            assert!(found["totals"]["drift"]["output_tokens"].as_i64().unwrap() > 0);
            for (field, value, scope) in [
                (group, Organization::group_id(kind, CREDENTIAL), &group[..group.len() - 3]),
                ("api_key_id", Organization::api_key_id(kind, CREDENTIAL), "api_key"),
            ] {
                let mut credential = admin_credential();
                credential[field] = json!(value);
                let changed = gateway
                    .put(&format!("/api/upstream-accounts/{id}"))
                    .bearer(&gateway.admin)
                    .json(&json!({"admin_credential": credential}))
                    .send()
                    .await
                    .expect(200)
                    .json();
                assert_eq!(changed["admin_credential"][field], value);
                let target = format!("/api/usage/reconcile?account_id={id}&from=2026-06-12T00:00:00Z");
                let found = gateway.get(&target).bearer(&gateway.admin).send().await.expect(200).json();
                assert_eq!(found["scope"], scope);
                assert_eq!(drifted(&found["totals"]["drift"]), [], "{found}");
                // Anthropic does not say what a key costs.
                let is_told = kind == ProviderKind::OpenAi || field != "api_key_id";
                assert_eq!(found["totals"]["theirs"]["cost_usd"].is_number(), is_told);
            }
        }
    }

    async fn a_provider_that_refuses_is_named_with_its_status_and_without_the_key(gateway) {
        organization(&gateway);
        let account = account(&gateway, json!({})).await;
        let refused = async |script: Option<Script>| -> Reply {
            if let Some(script) = script {
                gateway.provider.next(script.on(Endpoint::Reports));
            }
            let reply = reconcile(&gateway, &gateway.admin, &account).send().await;
            assert!(!reply.text().contains(ADMIN_KEY) && !reply.text().contains("wrong-key"), "{reply}");
            reply
        };
        for (status, expected, code) in [
            (403, 409, "usage_report_refused"),
            (404, 409, "usage_report_refused"),
            (429, 502, "usage_report_failed"),
            (500, 502, "usage_report_failed"),
        ] {
            let reply = refused(Some(Script::status(status))).await.expect(expected);
            assert_eq!(reply.code(), code);
            assert!(reply.text().contains(&status.to_string()), "{reply}");
        }
        let later = Script::status(429).retry_after(Duration::from_secs(30));
        assert_eq!(refused(Some(later)).await.expect(502).header("retry-after"), Some("30"));
        let nonsense = Script::raw(200, "text/html", "<html>wrong-key</html>");
        assert_eq!(refused(Some(nonsense)).await.expect(502).code(), "usage_report_failed");

        let id = account["id"].as_str().unwrap();
        let wrong = json!({"admin_credential": {"type": "api_key", "api_key": "sk-ant-wrong-key"}});
        let change = gateway.put(&format!("/api/upstream-accounts/{id}")).bearer(&gateway.admin).json(&wrong);
        change.send().await.expect(200);
        let reply = refused(None).await.expect(409);
        assert_eq!(reply.code(), "usage_report_refused");
        assert!(reply.text().contains("401"), "{reply}");

        // Nothing listens there.
        let away = json!({"base_url": "http://127.0.0.1:1", "credential": {"type": "api_key", "api_key": "sk-x"},
            "admin_credential": admin_credential()});
        gateway.put(&format!("/api/upstream-accounts/{id}")).bearer(&gateway.admin).json(&away).send().await.expect(200);
        assert_eq!(refused(None).await.expect(502).code(), "usage_report_failed");
    }

    async fn only_those_who_may_change_an_account_reconcile_it(gateway) {
        organization(&gateway);
        let shared = account(&gateway, json!({})).await;
        let (ann, bob) = (gateway.member("ann").await, gateway.member("bob").await);
        reconcile(&gateway, &ann.token, &shared).send().await.expect(404);
        let id = shared["id"].as_str().unwrap();
        let change = json!({"admin_credential": null});
        let target = format!("/api/upstream-accounts/{id}");
        gateway.put(&target).bearer(&ann.token).json(&change).send().await.expect(403);
        let seen = gateway.get(&target).bearer(&ann.token).send().await.expect(200).json();
        assert_eq!(seen.get("admin_credential"), None);

        // A member's account is on the internet, where no test goes: without a credential it is not asked.
        let own = json!({"name": "own", "provider": "anthropic", "credential": {"type": "api_key", "api_key": "sk-x"}});
        let own = gateway.post("/api/upstream-accounts").bearer(&ann.token).json(&own).send().await.expect(201).json();
        assert_eq!(reconcile(&gateway, &ann.token, &own).send().await.expect(409).code(), "no_usage_report");
        reconcile(&gateway, &gateway.admin, &own).send().await.expect(409);
        reconcile(&gateway, &bob.token, &own).send().await.expect(404);

        let nobodys = json!({"id": "0199aaaa-0000-7000-8000-000000000000"});
        reconcile(&gateway, &gateway.admin, &nobodys).send().await.expect(404);
        gateway.get("/api/usage/reconcile").bearer(&ann.token).send().await.expect(400);
        let long = format!("/api/usage/reconcile?account_id={id}&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:01Z");
        gateway.get(&long).bearer(&gateway.admin).send().await.expect(400);
    }

    async fn an_admin_credential_is_checked_and_never_shown(gateway) {
        let account = account(&gateway, json!({})).await;
        let shown = json!({"type": "api_key", "hint": "…wxyz", "api_key_id": null, "workspace_id": null, "project_id": null});
        assert_eq!(account["admin_credential"], shown);
        let id = account["id"].as_str().unwrap();
        let put = async |body: Value| {
            let target = format!("/api/upstream-accounts/{id}");
            gateway.put(&target).bearer(&gateway.admin).json(&body).send().await
        };
        let with = |field: &str, value: Value| {
            let mut credential = admin_credential();
            credential[field] = value;
            json!({"admin_credential": credential})
        };
        for (body, field) in [
            (with("project_id", json!("proj_1")), "admin_credential.project_id"),
            (with("workspace_id", json!("two words")), "admin_credential.workspace_id"),
            (with("type", json!("oauth")), "admin_credential.type"),
            (with("api_key", json!("line\nbreak")), "admin_credential.api_key"),
            (json!({"base_url": "http://127.0.0.1:1", "credential": {"type": "api_key", "api_key": "sk-x"}}), "admin_credential"),
        ] {
            assert_eq!(put(body).await.expect(422).fields(), [field]);
        }
        for body in [with("unknown", json!(1)), json!({"admin_credential": []}), json!({"admin_credential": {"type": "api_key"}})] {
            put(body).await.expect(422);
        }
        // What is not named stays, and null clears.
        let kept = put(json!({"name": "renamed"})).await.expect(200).json();
        assert_eq!(kept["admin_credential"], shown);
        let cleared = put(json!({"admin_credential": null})).await.expect(200).json();
        assert_eq!(cleared["admin_credential"], Value::Null);
        assert_eq!(reconcile(&gateway, &gateway.admin, &account).send().await.expect(409).code(), "no_usage_report");
        for target in ["/api/upstream-accounts", "/health"] {
            assert!(!gateway.get(target).bearer(&gateway.admin).send().await.text().contains(ADMIN_KEY));
        }

        let gemini = json!({"name": "g", "provider": "gemini", "credential": {"type": "api_key", "api_key": "AIza-x"}});
        let mut refused = gemini.clone();
        refused["admin_credential"] = admin_credential();
        let reply = gateway.post("/api/upstream-accounts").bearer(&gateway.admin).json(&refused).send().await;
        assert_eq!(reply.expect(422).fields(), ["admin_credential"]);
        let made = gateway.post("/api/upstream-accounts").bearer(&gateway.admin).json(&gemini).send().await.expect(201).json();
        let reply = reconcile(&gateway, &gateway.admin, &made).send().await.expect(409);
        assert_eq!(reply.code(), "no_usage_report");
        assert!(reply.text().contains("anthropic and openai"), "{reply}");
    }
}
