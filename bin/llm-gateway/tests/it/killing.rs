use std::collections::BTreeMap;
use std::io::Read;
use std::slice;
use std::time::Duration;

use gateway_simulator::{Script, Simulator};
use rustix::process::Signal;
use serde_json::json;

use crate::books::Books;
use crate::folder::Folder;
use crate::load::{Load, Seen, ask, wait_for_requests, whole};
use crate::server::Server;
use crate::serving::{headers, message, set_up};
use crate::{databases, http, soak};

const CLIENTS: usize = 8;

#[test]
fn whatever_was_answered_before_a_kill_is_in_the_books_once() {
    kill_again_and_again(&[]);
}

#[test]
fn whatever_was_answered_before_a_kill_is_in_the_books_once_on_postgres() {
    let database = databases::create_on_server();
    kill_again_and_again(&[("DATABASE_URL", &database)]);
}

fn kill_again_and_again(variables: &[(&str, &str)]) {
    let rounds = soak::rounds(4);
    let folder = Folder::new();
    let provider = Simulator::builder()
        .keep(1_000_000)
        .tokens_per_event(1)
        .try_start()
        .unwrap();
    provider.always(Script::text("one two three four five six").between_chunks(Duration::from_millis(1)));
    let mut server = Server::start(&folder, variables);
    let key = set_up(&server, &provider);
    let mut seen = Vec::new();
    let mut under_load = Duration::ZERO;
    for round in 0..rounds {
        let begun = soak::now();
        let load = Load::on(&server, &key, CLIENTS);
        wait_for_requests(&provider, 60 + 37 * (round as u64 % 8));
        server.signal(Signal::KILL);
        server.wait();
        seen.extend(load.off());
        under_load += begun.elapsed();
        server = Server::start(&folder, variables);
    }
    let books = Books::of(&server);
    books.check(&seen, &provider, CLIENTS * rounds);
    println!(
        "{rounds} kills in {under_load:?} of load: {} requests came to the provider, {:.0} a second, {} were answered \
         whole; in the books: {:?}",
        provider.tally().received,
        provider.tally().received as f64 / under_load.as_secs_f64(),
        whole(&seen).len(),
        books.by_status()
    );
    server.stop();
}

#[test]
fn a_stream_that_a_kill_interrupts_is_booked_with_what_was_used() {
    let folder = Folder::new();
    let provider = Simulator::builder().tokens_per_event(1).try_start().unwrap();
    let server = Server::start(&folder, &[]);
    let key = set_up(&server, &provider);
    provider.next(Script::text("one two three four five six").between_chunks(Duration::from_millis(300)));
    let mut stream = http::send(
        &server.address,
        "POST",
        "/v1/messages",
        &headers(&key),
        &message(true),
    );
    let mut text = Vec::new();
    while String::from_utf8_lossy(&text)
        .matches("event: content_block_delta")
        .count()
        < 5
    {
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "{}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&buffer[..count]);
    }
    server.signal(Signal::KILL);
    server.wait();

    let server = Server::start(&folder, &[]);
    assert_eq!(
        Books::of(&server).by_status(),
        BTreeMap::from([("interrupted", 1)])
    );
    let authorization = format!("authorization: Bearer {}", server.admin_token());
    let list = http::request(
        &server.address,
        "GET",
        "/api/usage/requests",
        slice::from_ref(&authorization),
        "",
    )
    .json();
    let path = format!("/api/usage/requests/{}", list["data"][0]["id"].as_str().unwrap());
    let row = http::request(&server.address, "GET", &path, &[authorization], "").json();
    let attempt = &row["attempts"][0];
    assert_eq!(attempt["usage_source"], "partial", "{row}");
    assert!(attempt["input_tokens"].as_u64() > Some(0), "{row}");
    assert!(attempt["output_tokens"].as_u64() > Some(1), "{row}");
    assert!(attempt["cost_usd"].as_f64() > Some(0.0), "{row}");
    server.stop();
}

#[test]
fn a_budget_counts_what_a_killed_process_left() {
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    provider.always(Script::text("word ".repeat(200)));
    let never = [("GATEWAY__LEDGER__BATCH_INTERVAL_MS", "3600000")];
    let server = Server::start(&folder, &never);
    set_up(&server, &provider);
    let budget = json!({"name": "poor", "budget": {"amount_usd": 0.000_6, "period": "day"}});
    let answer = server.post("/api/keys", &server.admin_token(), &budget);
    assert_eq!(answer.status, 201, "{answer:?}");
    let key = answer.json()["key"].as_str().unwrap().to_owned();
    let answered = ask(&server.address, &key, false);
    assert!(matches!(answered, Some(Seen::Whole(_))), "{answered:?}");
    server.signal(Signal::KILL);
    server.wait();

    let server = Server::start(&folder, &never);
    let refused = ask(&server.address, &key, false);
    assert!(matches!(refused, Some(Seen::Refused(402, _))), "{refused:?}");
    server.stop();
}

#[test]
fn two_gateways_in_one_folder_have_a_journal_each() {
    let folder = Folder::new();
    let first = Server::start(&folder, &[]);
    let second = Server::start(&folder, &[("DATABASE_URL", "sqlite://data/second.db")]);
    assert!(folder.path("data/journal/lock").exists());
    assert!(folder.path("data/journal-2/lock").exists());
    second.stop();
    first.stop();
}
