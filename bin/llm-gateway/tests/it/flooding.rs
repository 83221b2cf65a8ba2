//! What some clients do that others must not notice.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use gateway_simulator::{Fault, Point, Script, Simulator};

use crate::folder::Folder;
use crate::http;
use crate::load::{Seen, ask};
use crate::server::Server;
use crate::serving::{headers, message, set_up};

#[test]
fn fifty_sign_ins_at_once_do_not_delay_requests() {
    let provider = Simulator::builder().keep(100).try_start().unwrap();
    let folder = Folder::new();
    let server = Server::start(&folder, &[("GATEWAY__AUTH__FAILURES_PER_ADDRESS", "1000")]);
    let key = set_up(&server, &provider);
    let answered = Arc::new(AtomicUsize::new(0));
    let sign_ins: Vec<_> = (0..50)
        .map(|number| {
            let (address, answered) = (server.address.clone(), Arc::clone(&answered));
            thread::spawn(move || {
                let body = format!(r#"{{"username":"user{number}","password":"a wrong password"}}"#);
                let answer = http::request(&address, "POST", "/api/auth/login", &[], &body);
                answered.fetch_add(1, Ordering::SeqCst);
                answer.status
            })
        })
        .collect();
    for _ in 0..5 {
        assert!(
            matches!(ask(&server.address, &key, true), Some(Seen::Whole(_))),
            "{}",
            server.log()
        );
    }
    // Two are hashed at a time: they are not through when the requests are, which asked one after the other.
    assert!(answered.load(Ordering::SeqCst) < 50);
    for sign_in in sign_ins {
        assert_eq!(sign_in.join().unwrap(), 401);
    }
    server.stop();
}

#[test]
fn a_client_that_ends_its_side_of_a_silent_stream_has_left() {
    let provider = Simulator::builder().keep(100).try_start().unwrap();
    let folder = Folder::new();
    let server = Server::start(&folder, &[("GATEWAY__API__METRICS_PUBLIC", "true")]);
    let key = set_up(&server, &provider);
    provider.next(Script::text("one two three ".repeat(50)).fault(Fault::Stall(Point::AfterEvents(6))));
    let mut stream = http::send(
        &server.address,
        "POST",
        "/v1/messages",
        &headers(&key),
        &message(true),
    );
    http::read_until(&mut stream, "content_block_delta");
    stream.shutdown(Shutdown::Write).unwrap();
    // Well before anything times out, the request is booked as what it is.
    let row = loop {
        let rows = server.get_as_admin("/api/usage/requests?status=cancelled");
        if let Some(row) = rows["data"].as_array().unwrap().first() {
            break row.clone();
        }
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(row["stream"], true, "{row}");
    server.insist();
}

#[test]
fn all_addresses_together_have_a_limited_number_of_connections() {
    let folder = Folder::new();
    let few = [
        ("GATEWAY__SERVER__MAX_CONNECTIONS", "3"),
        ("GATEWAY__SERVER__WORKERS", "1"),
    ];
    let server = Server::start(&folder, &few);
    let request = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n";
    let connect = || {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(request).unwrap();
        stream
    };
    let mut buffer = [0; 4096];
    let mut held: Vec<_> = (0..3).map(|_| connect()).collect();
    for stream in &mut held {
        assert_ne!(stream.read(&mut buffer).unwrap(), 0);
    }
    let mut waiting = connect();
    waiting
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    assert!(waiting.read(&mut buffer).is_err(), "it waits");
    drop(held);
    waiting.set_read_timeout(None).unwrap();
    assert_ne!(waiting.read(&mut buffer).unwrap(), 0);
    server.insist();
}
