use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::slice;
use std::thread;
use std::time::Duration;

use gateway_simulator::{Script, Simulator};
use rustix::process::Signal;

use crate::folder::Folder;
use crate::http;
use crate::server::Server;
use crate::serving::{headers, message, set_up};

const CLIENTS: usize = 8;

/// Sends requests one after the other until the server is gone; how many were answered.
fn ask_until_it_dies(address: &str, key: &str) -> usize {
    let mut answered = 0;
    loop {
        let Some(mut connection) =
            http::try_send(address, "POST", "/v1/messages", &headers(key), &message(false))
        else {
            return answered;
        };
        let mut text = String::new();
        let is_read = connection.read_to_string(&mut text).is_ok();
        if !is_read || !text.starts_with("HTTP/1.1 200") || !text.contains("stop_reason") {
            return answered;
        }
        answered += 1;
    }
}

/// How many requests of each status are in the books.
fn booked(server: &Server) -> BTreeMap<String, usize> {
    let token = server.admin_token();
    let mut counts = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let mut path = "/api/usage/requests".to_owned();
    loop {
        let authorization = format!("authorization: Bearer {token}");
        let answer = http::request(&server.address, "GET", &path, &[authorization], "");
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        for row in page["data"].as_array().unwrap() {
            assert!(
                ids.insert(row["id"].as_str().unwrap().to_owned()),
                "booked twice: {row}"
            );
            *counts
                .entry(row["status"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/usage/requests?cursor={cursor}");
    }
    counts
}

/// Stops the server, so that all that an earlier process left is in the books, and reads them.
fn settled(folder: &Folder, server: Server) -> (Server, BTreeMap<String, usize>) {
    server.stop();
    let server = Server::start(folder, &[]);
    let books = booked(&server);
    (server, books)
}

#[test]
fn whatever_was_answered_before_a_kill_is_in_the_books_once() {
    const ROUNDS: usize = 5;
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    let mut server = Server::start(&folder, &[]);
    let key = set_up(&server, &provider);
    let mut answered = 0;
    for round in 0..ROUNDS {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (address, key) = (server.address.clone(), key.clone());
                thread::spawn(move || ask_until_it_dies(&address, &key))
            })
            .collect();
        let before = provider.received().len();
        while provider.received().len() < before + 40 + 17 * round {
            thread::yield_now();
        }
        server.signal(Signal::KILL);
        server.wait();
        answered += clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum::<usize>();
        server = Server::start(&folder, &[]);
    }
    let (server, books) = settled(&folder, server);
    let ok = books.get("ok").copied().unwrap_or_default();
    let all: usize = books.values().sum();
    let received = provider
        .received()
        .iter()
        .filter(|request| request.path() == "/v1/messages")
        .count();
    assert!(ok >= answered, "{answered} were answered: {books:?}");
    // What was noted and never sent may come on top: one request of each client at each kill.
    assert!(
        (received..=received + CLIENTS * ROUNDS).contains(&all),
        "{received} came to the provider: {books:?}"
    );
    assert!(ok <= received, "{received} came to the provider: {books:?}");
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

    let (server, books) = settled(&folder, Server::start(&folder, &[]));
    assert_eq!(books, BTreeMap::from([("interrupted".to_owned(), 1)]));
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
fn two_gateways_in_one_folder_have_a_journal_each() {
    let folder = Folder::new();
    let first = Server::start(&folder, &[]);
    let second = Server::start(&folder, &[("DATABASE_URL", "sqlite://data/second.db")]);
    assert!(folder.path("data/journal/lock").exists());
    assert!(folder.path("data/journal-2/lock").exists());
    second.stop();
    first.stop();
}
