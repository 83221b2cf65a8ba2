use std::time::Duration;

use gateway_domain::{
    AccountId, AttemptId, Clock, Dialect, ProviderKind, RequestId, Timestamp, Usage, UsageSource,
};
use gateway_metering::{AttemptRecord, Outcome, RequestRecord};
use serde_json::{Value, json};

use crate::gateway::TestGateway;
use crate::on_both_databases;

/// A key of `token`'s that has been used `times`.
async fn used_key(gateway: &TestGateway, token: &str, times: usize) -> Value {
    let key = gateway.make_key(token, json!({})).await;
    for _ in 0..times {
        gateway
            .message(key["key"].as_str().unwrap())
            .send()
            .await
            .expect(200);
        gateway.clock.advance(Duration::from_millis(10));
    }
    gateway.settle().await;
    key
}

/// A finished request of `key`.
pub(crate) fn record(key: &Value, started_at: Timestamp) -> RequestRecord {
    let id = |field: &str| key[field].as_str().unwrap();
    let attempt = AttemptRecord {
        id: AttemptId::random(),
        number: 1,
        started_at,
        account_id: AccountId::random(),
        provider: ProviderKind::Anthropic,
        upstream_model: "m".to_owned(),
        status: Outcome::Ok,
        http_status: Some(200),
        fault: None,
        fault_reason: None,
        usage: Usage::default(),
        usage_source: UsageSource::Reported,
        cost: None,
        price_version: None,
        latency: Duration::ZERO,
        ttft: None,
        upstream_request_id: None,
        upstream_message_id: None,
    };
    RequestRecord {
        id: RequestId::random(),
        started_at,
        user_id: id("user_id").parse().unwrap(),
        key_id: id("id").parse().unwrap(),
        dialect: Dialect::Anthropic,
        model: "m".to_owned(),
        stream: false,
        status: Outcome::Ok,
        http_status: Some(200),
        fault: None,
        latency: Duration::ZERO,
        ttft: None,
        queued: Duration::ZERO,
        decision: None,
        attempts: vec![attempt],
    }
}

async fn get(gateway: &TestGateway, token: &str, target: &str) -> Value {
    gateway.get(target).bearer(token).send().await.expect(200).json()
}

on_both_databases! {
    async fn what_was_used_is_added_up(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let ann = gateway.member("ann").await;
        let nothing = get(&gateway, &ann.token, "/api/usage/summary?group_by=model").await;
        let none = json!({
            "requests": 0, "errors": 0, "input_tokens": 0, "cache_read_tokens": 0, "cache_write_5m_tokens": 0,
            "cache_write_1h_tokens": 0, "output_tokens": 0, "reasoning_tokens": 0, "unpriced_requests": 0, "cost_usd": 0.0,
            "latency_ms_p50": null, "latency_ms_p95": null, "ttft_ms_p50": null, "ttft_ms_p95": null,
        });
        assert_eq!(nothing, json!({"data": [], "totals": none}));

        used_key(&gateway, &ann.token, 3).await;
        used_key(&gateway, &gateway.admin, 1).await;
        let own = get(&gateway, &ann.token, "/api/usage/summary").await;
        assert_eq!(own["totals"]["requests"], 3);
        let all = get(&gateway, &gateway.admin, "/api/usage/summary?group_by=user").await;
        assert_eq!(all["totals"]["requests"], 4);
        let of_ann = all["data"].as_array().unwrap().iter().find(|row| row["group"]["user_id"] == ann.id.as_str());
        assert_eq!(of_ann.unwrap()["requests"], 3);
        for (group_by, field) in
            [("model", "model"), ("key", "key_id"), ("account", "account_id"), ("provider", "provider"), ("day", "day")]
        {
            let grouped = get(&gateway, &ann.token, &format!("/api/usage/summary?group_by={group_by}")).await;
            let rows = grouped["data"].as_array().unwrap();
            assert_eq!(rows.len(), 1, "{group_by}");
            assert_eq!(rows[0]["requests"], 3);
            assert!(rows[0]["group"][field].is_string(), "{}", rows[0]);
        }
        let billed = gateway.provider.billed(crate::gateway::CREDENTIAL);
        assert_eq!(all["totals"]["output_tokens"], billed.tokens.output);
    }

    async fn a_record_that_the_database_refuses_is_set_aside_alone(gateway) {
        let key = gateway.make_key(&gateway.admin, json!({})).await;
        let ledger = gateway.app.proxy.ledger();
        for number in 0..7_u64 {
            let mut record = record(&key, gateway.clock.now());
            let tokens = &mut record.attempts[0].usage.tokens;
            (tokens.output, tokens.reasoning) = (10, if number == 3 { 11 } else { 10 });
            ledger.record(record);
        }
        gateway.settle().await;
        assert_eq!((ledger.written(), ledger.rejected()), (6, 1));
        for report in ["/api/usage/summary", "/api/usage/summary?group_by=account", "/api/usage/summary?group_by=model"] {
            let totals = get(&gateway, &gateway.admin, report).await["totals"].take();
            assert_eq!((&totals["requests"], &totals["output_tokens"]), (&json!(6), &json!(60)), "{report}");
            assert_eq!((&totals["unpriced_requests"], &totals["cost_usd"]), (&json!(6), &Value::Null));
        }
        let found = gateway.app.store.check_rollups(|_| ()).await.unwrap();
        assert_eq!(found.wrong, 0);
        assert!(found.cells > 0);
    }

    async fn members_never_see_others(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let (ann, bob) = (gateway.member("ann").await, gateway.member("bob").await);
        let key = used_key(&gateway, &ann.token, 1).await;
        let request = gateway.list(&ann.token, "/api/usage/requests").await.remove(0);
        let id = request["id"].as_str().unwrap();
        let foreign = [format!("user_id={}", ann.id), format!("key_id={}", key["id"].as_str().unwrap())];
        for filter in &foreign {
            let summary = get(&gateway, &bob.token, &format!("/api/usage/summary?{filter}")).await;
            assert_eq!(summary["totals"]["requests"], 0);
            assert!(gateway.list(&bob.token, &format!("/api/usage/requests?{filter}")).await.is_empty());
            let export = gateway.get(&format!("/api/usage/export?{filter}")).bearer(&bob.token).send().await;
            assert_eq!(export.expect(200).text().lines().count(), 1);
        }
        gateway.get(&format!("/api/usage/requests/{id}")).bearer(&bob.token).send().await.expect(404);
        gateway.get(&format!("/api/usage/requests/{id}")).bearer(&ann.token).send().await.expect(200);
        gateway.get(&format!("/api/usage/requests/{id}")).bearer(&gateway.admin).send().await.expect(200);
        gateway.get("/api/usage/requests/nonsense").bearer(&ann.token).send().await.expect(404);
    }

    async fn a_series_has_every_step(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        used_key(&gateway, &gateway.admin, 2).await;
        let series = get(&gateway, &gateway.admin, "/api/usage/timeseries?bucket=hour").await;
        assert_eq!(series["bucket"], "hour");
        let points = series["data"].as_array().unwrap();
        assert_eq!(points.len(), 25);
        assert_eq!(points[24]["time"], "2026-06-15T12:00:00Z");
        let requests: Vec<u64> = points.iter().map(|point| point["requests"].as_u64().unwrap()).collect();
        assert_eq!((requests.iter().sum::<u64>(), requests[24]), (2, 2));
        assert_eq!(points[0]["group"], Value::Null);
        let grouped = "/api/usage/timeseries?bucket=day&group_by=model&from=2026-06-14T00:00:00Z&to=2026-06-16T00:00:00Z";
        let grouped = get(&gateway, &gateway.admin, grouped).await;
        assert_eq!(grouped["data"].as_array().unwrap().len(), 2);
        assert_eq!(grouped["data"][1]["group"], json!({"model": "claude-sonnet-5-5"}));
        for query in ["bucket=week", "group_by=day", "from=yesterday", "from=2026-06-16T00:00:00Z", "bucket=minute&from=2020-01-01T00:00:00Z"] {
            let path = format!("/api/usage/timeseries?{query}");
            gateway.get(&path).bearer(&gateway.admin).send().await.expect(400);
        }
    }

    async fn requests_are_paged_newest_first(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        used_key(&gateway, &gateway.admin, 5).await;
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = get(&gateway, &gateway.admin, &format!("/api/usage/requests?page_size=2{cursor}")).await;
            let rows = page["data"].as_array().unwrap().clone();
            assert!(rows.len() <= 2);
            seen.extend(rows.iter().map(|row| row["started_at"].as_str().unwrap().parse::<Timestamp>().unwrap()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 5);
        assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
        assert_eq!(gateway.list(&gateway.admin, "/api/usage/requests?status=ok").await.len(), 5);
        assert!(gateway.list(&gateway.admin, "/api/usage/requests?status=error").await.is_empty());
        for query in ["status=fine", "cursor=nonsense", "page_size=101", "page=2"] {
            gateway.get(&format!("/api/usage/requests?{query}")).bearer(&gateway.admin).send().await.expect(400);
        }
    }

    async fn a_request_is_shown_with_its_attempts(gateway) {
        let down = gateway.make_account(&gateway.admin, json!({"name": "down", "priority": 1, "base_url": "http://127.0.0.1:1"})).await;
        let up = gateway.make_account(&gateway.admin, json!({"name": "up", "priority": 2})).await;
        let barred = gateway.make_account(&gateway.admin, json!({"name": "barred"})).await;
        let allowed = json!({"allowed_accounts": [down["id"], up["id"]]});
        let key = gateway.make_key(&gateway.admin, allowed).await;
        let answer = gateway.message(key["key"].as_str().unwrap()).send().await.expect(200);
        assert_eq!(answer.header("x-gateway-attempts"), Some("2"));
        gateway.settle().await;
        let id = answer.header("x-gateway-request-id").unwrap();
        let shown = get(&gateway, &gateway.admin, &format!("/api/usage/requests/{id}")).await;
        assert_eq!((&shown["status"], &shown["http_status"]), (&json!("ok"), &json!(200)));
        let attempts = shown["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 2);
        assert_eq!((&attempts[0]["account_id"], &attempts[0]["fault"]), (&down["id"], &json!("transport")));
        assert_eq!((&attempts[1]["account_id"], &attempts[1]["status"]), (&up["id"], &json!("ok")));
        assert_eq!(attempts[1]["usage_source"], "reported");
        let passed = shown["passed_over"].as_array().unwrap();
        let barred = passed.iter().find(|passed| passed["account_id"] == barred["id"]).unwrap();
        assert!(!barred["reason"].as_str().unwrap().is_empty());
    }

    async fn others_own_accounts_are_not_told_of(gateway) {
        let (ann, bob) = (gateway.member("ann").await, gateway.member("bob").await);
        let shared = gateway.make_account(&gateway.admin, json!({})).await;
        let private = gateway.make_account(&bob.token, json!({"base_url": "https://api.example.com"})).await;
        used_key(&gateway, &ann.token, 1).await;
        let request = gateway.list(&ann.token, "/api/usage/requests").await.remove(0);
        let path = format!("/api/usage/requests/{}", request["id"].as_str().unwrap());
        let seen = get(&gateway, &ann.token, &path).await.to_string();
        let id = |account: &Value| account["id"].as_str().unwrap().to_owned();
        assert!(seen.contains(&id(&shared)) && !seen.contains(&id(&private)), "{seen}");
    }

    async fn a_long_export_is_whole_and_in_order(gateway) {
        let key = gateway.make_key(&gateway.admin, json!({})).await;
        let start = gateway.clock.now() - Duration::from_secs(3600);
        let records = (0..1234).map(|number| record(&key, start + Duration::from_millis(number)));
        gateway.app.store.record_usage(records.collect()).await.unwrap();
        let export = gateway.get("/api/usage/export?format=jsonl").bearer(&gateway.admin).send().await.expect(200);
        let rows: Vec<Value> = export.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), 1234);
        let times: Vec<Timestamp> = rows.iter().map(|row| row["started_at"].as_str().unwrap().parse().unwrap()).collect();
        assert!(times.is_sorted_by(|older, newer| older < newer));
    }

    async fn an_export_has_a_row_for_each_attempt_oldest_first(gateway) {
        gateway.make_account(&gateway.admin, json!({"name": "down", "priority": 1, "base_url": "http://127.0.0.1:1"})).await;
        gateway.make_account(&gateway.admin, json!({"name": "up", "priority": 2})).await;
        let key = gateway.make_key(&gateway.admin, json!({})).await;
        gateway.message(key["key"].as_str().unwrap()).send().await.expect(200);
        gateway.settle().await;
        let csv = gateway.get("/api/usage/export").bearer(&gateway.admin).send().await.expect(200);
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        assert_eq!(csv.header("content-length"), None);
        let text = csv.text();
        let lines: Vec<&str> = text.lines().collect();
        let columns: Vec<&str> = lines[0].split(',').collect();
        assert_eq!(lines.len(), 3);
        let jsonl = gateway.get("/api/usage/export?format=jsonl").bearer(&gateway.admin).send().await.expect(200).text();
        let rows: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for (number, row) in rows.iter().enumerate() {
            let row = row.as_object().unwrap();
            assert_eq!(row["attempt"], number + 1);
            let cells: Vec<&str> = lines[number + 1].split(',').collect();
            assert_eq!(cells.len(), columns.len());
            assert_eq!(row.len(), columns.len());
            for (column, cell) in columns.iter().zip(cells) {
                let value = match &row[*column] {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                assert_eq!(value.trim_end_matches(".0"), cell.trim_end_matches(".0"), "{column}");
            }
        }
        gateway.get("/api/usage/export?format=xml").bearer(&gateway.admin).send().await.expect(400);
    }

    async fn a_key_knows_what_it_has_spent(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let rates = json!({"input": 1_000_000, "output": 0});
        gateway.put("/api/prices/claude-sonnet-5-5").bearer(&gateway.admin).json(&rates).send().await.expect(200);
        let key = gateway.make_key(&gateway.admin, json!({"budget": {"amount_usd": 1000.5, "period": "week"}})).await;
        let secret = key["key"].as_str().unwrap();
        let answer = gateway.message(secret).send().await.expect(200).json();
        gateway.settle().await;
        let spent = answer["usage"]["input_tokens"].as_f64().unwrap();
        let own = gateway.get("/v1/usage").header("x-api-key", secret).send().await.expect(200).json();
        assert_eq!(own["key"]["id"], key["id"]);
        assert_eq!(own["key"]["budget"]["spent_usd"].as_f64(), Some(spent));
        assert_eq!(own["key"]["budget"]["resets_at"], "2026-06-22T00:00:00Z");
        assert_eq!((&own["today"]["requests"], &own["period"]["requests"]), (&json!(1), &json!(1)));
        assert_eq!(own["period"]["cost_usd"].as_f64(), Some(spent));
        let listed = gateway.list(&gateway.admin, "/api/keys").await;
        assert_eq!(listed[0]["budget"]["spent_usd"].as_f64(), Some(spent));
        gateway.clock.advance(Duration::from_secs(86_400));
        let own = gateway.get("/v1/usage").header("x-api-key", secret).send().await.expect(200).json();
        assert_eq!((&own["today"]["requests"], &own["period"]["requests"]), (&json!(0), &json!(1)));
    }

    async fn a_key_knows_when_its_budget_will_be_used_up(gateway) {
        gateway.make_account(&gateway.admin, json!({})).await;
        let rates = json!({"input": 1_000_000, "output": 0});
        gateway.put("/api/prices/claude-sonnet-5-5").bearer(&gateway.admin).json(&rates).send().await.expect(200);
        let key = used_key(&gateway, &gateway.admin, 1).await;
        let target = format!("/api/keys/{}", key["id"].as_str().unwrap());
        let shown = get(&gateway, &gateway.admin, &target).await;
        assert_eq!(shown["budget"]["exhausts_at"], Value::Null);
        // The key is younger than an hour, so this is what an hour costs.
        let cost = shown["budget"]["spent_usd"].as_f64().unwrap();
        let at = |wait: Duration| json!((gateway.clock.now() + wait).to_string());
        // Sums are at hand from whole hours on.
        let within = gateway.clock.now().since("2026-06-15T11:00:00Z".parse().unwrap());
        // Twelve hours are left of the day.
        for (period, amount, exhausts_at) in [
            ("total", 3.0 * cost, at(2 * within)),
            ("day", 3.0 * cost, at(2 * within)),
            ("day", 15.0 * cost, Value::Null),
            ("total", cost, at(Duration::ZERO)),
            ("total", cost / 2.0, at(Duration::ZERO)),
        ] {
            let budget = json!({"budget": {"amount_usd": amount, "period": period}});
            let changed = gateway.put(&target).bearer(&gateway.admin).json(&budget).send().await.expect(200).json();
            assert_eq!(changed["budget"]["exhausts_at"], exhausts_at, "{period} {amount}");
            let listed = gateway.list(&gateway.admin, "/api/keys").await;
            assert_eq!(listed[0]["budget"], changed["budget"]);
            let own = gateway.get("/v1/usage").header("x-api-key", key["key"].as_str().unwrap()).send().await;
            assert_eq!(own.expect(200).json()["key"]["budget"], changed["budget"]);
        }
        let budget = json!({"budget": {"amount_usd": 3.0 * cost, "period": "total"}});
        gateway.put(&target).bearer(&gateway.admin).json(&budget).send().await.expect(200);
        gateway.clock.advance(Duration::from_secs(25 * 3600));
        let own = gateway.get("/v1/usage").header("x-api-key", key["key"].as_str().unwrap()).send().await;
        assert_eq!(own.expect(200).json()["key"]["budget"]["exhausts_at"], Value::Null);
    }
}
