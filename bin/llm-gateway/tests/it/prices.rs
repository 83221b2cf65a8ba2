use serde_json::{Value, json};

use gateway_simulator::{Script, Simulator};

use crate::folder::Folder;
use crate::http;
use crate::server::Server;
use crate::serving::{headers, set_up};

/// The list that ships, with another price for Haiku.
fn list(haiku_input: &str) -> String {
    let list = include_str!("../../../../config/prices.json");
    let mut list: Value = serde_json::from_str(list).unwrap();
    let models = list["models"].as_array_mut().unwrap();
    let haiku = models
        .iter_mut()
        .find(|model| model["id"] == "claude-haiku-4-5")
        .unwrap();
    haiku["prices"] = json!([{"usd": {"input": haiku_input, "output": haiku_input}}]);
    list.to_string()
}

#[test]
fn a_price_list_of_ones_own_stands_in_for_the_one_built_in() {
    let folder = Folder::new();
    let file = folder.write("prices.json", &list("1000000"));
    let server = Server::start(&folder, &[("GATEWAY__PRICES__FILE", file.to_str().unwrap())]);
    let prices = server.get_as_admin("/api/prices");
    let prices = prices["data"].as_array().unwrap();
    let haiku = prices
        .iter()
        .find(|price| price["model"] == "claude-haiku-4-5" && price["provider"] == "anthropic")
        .unwrap();
    assert_eq!(
        (&haiku["input"], &haiku["source"]),
        (&json!(1_000_000.0), &json!("file"))
    );
    // What becomes of the file is the next start's business.
    folder.write("prices.json", "{");
    assert_eq!(server.get("/readyz").status, 200);
    server.stop();
}

#[test]
fn a_price_list_that_is_none_stops_the_start_and_says_why() {
    let folder = Folder::new();
    for (text, reason) in [
        (
            list("-1"),
            "model claude-haiku-4-5: not a price list: input is not an exact price: -1",
        ),
        ("{".to_owned(), "EOF while parsing"),
    ] {
        folder.write("prices.json", &text);
        let variables = [("GATEWAY__PRICES__FILE", "prices.json"), ("PORT", "0")];
        let error = folder.run(&["serve"], &variables).error();
        assert!(
            error.starts_with("the price list prices.json of prices.file cannot be used: "),
            "{error}"
        );
        assert!(
            error.contains(reason) && error.ends_with("that is built in"),
            "{error}"
        );
    }
    let variables = [("GATEWAY__PRICES__FILE", "absent.json"), ("PORT", "0")];
    let error = folder.run(&["serve"], &variables).error();
    assert!(
        error.contains("absent.json") && error.contains("No such file"),
        "{error}"
    );
}

#[test]
fn repricing_says_what_usage_without_a_cost_would_add_and_changes_nothing() {
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    let server = Server::start(&folder, &[]);
    let key = set_up(&server, &provider);
    for model in [
        "claude-next-1",
        "claude-next-1",
        "claude-next-2",
        "claude-haiku-4-5",
    ] {
        let answer = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": "end_turn",
            "usage": {"input_tokens": 1_000_000, "output_tokens": 0},
        });
        provider.next(Script::raw(200, "application/json", answer.to_string()));
        let body =
            json!({"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]});
        let answer = http::request(
            &server.address,
            "POST",
            "/v1/messages",
            &headers(&key),
            &body.to_string(),
        );
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    server.stop();

    let reprice = |arguments: &[&str]| {
        let arguments = [&["prices", "reprice"], arguments].concat();
        folder.run(&arguments, &[])
    };
    let line = |report: &str, model: &str| -> Vec<String> {
        let line = report.lines().find(|line| line.starts_with(model));
        let words = line.unwrap_or_default().split_whitespace();
        words.skip(1).map(ToOwned::to_owned).collect()
    };
    let error = reprice(&[]).error();
    assert!(error.contains("say --dry-run"), "{error}");
    let report = reprice(&["--dry-run"]).success();
    assert_eq!(line(&report, "anthropic/claude-next-1"), ["0", "0.0", "0", "2"]);
    assert_eq!(line(&report, "total"), ["0", "0.0", "0", "3"]);

    // A newer list knows the first of them.
    let mut list: Value = serde_json::from_str(&list("1")).unwrap();
    list["models"].as_array_mut().unwrap().push(json!({
        "id": "claude-next-1", "provider": "anthropic", "match": {"equals": "claude-next-1"},
        "prices": [{"usd": {"input": "3", "output": "15"}}],
    }));
    folder.write("prices.json", &list.to_string());
    folder.write("config/development.toml", "[prices]\nfile = 'prices.json'\n");
    let report = reprice(&["--dry-run"]).success();
    assert_eq!(line(&report, "anthropic/claude-next-1"), ["2", "6.0", "0", "0"]);
    assert_eq!(line(&report, "anthropic/claude-next-2"), ["0", "0.0", "0", "1"]);
    assert!(line(&report, "anthropic/claude-haiku-4-5").is_empty(), "{report}");
    assert_eq!(line(&report, "total"), ["2", "6.0", "0", "1"]);
    assert!(report.ends_with("Nothing was changed.\n"));
    // Again, since nothing was changed.
    assert_eq!(reprice(&["--dry-run"]).success(), report);

    let report = reprice(&["--dry-run", "--model", "claude-next-2"]).success();
    assert_eq!(line(&report, "total"), ["0", "0.0", "0", "1"]);
    for nothing in [
        &["--dry-run", "--to", "2020-01-01"],
        &["--dry-run", "--from", "2999-01-01"],
    ] {
        let report = reprice(nothing).success();
        assert_eq!(report, "Every attempt whose usage is known has a cost.\n");
    }
}
