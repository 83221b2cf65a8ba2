use std::thread;
use std::time::Duration;

use gateway_simulator::{Script, Simulator};

use crate::books::Books;
use crate::databases::{self, Door};
use crate::folder::Folder;
use crate::load::{Load, Seen, wait_for_requests, whole};
use crate::server::Server;
use crate::serving::set_up;
use crate::{http, soak};

const CLIENTS: usize = 8;

#[test]
fn while_the_database_is_away_requests_go_on_and_are_booked_afterwards() {
    let rounds = soak::rounds(2);
    let folder = Folder::new();
    let provider = Simulator::builder().keep(1_000_000).try_start().unwrap();
    provider.always(Script::text("one two three").between_chunks(Duration::from_millis(1)));
    let (door, url) = Door::before(&databases::create_on_server());
    let variables = [
        ("DATABASE_URL", url.as_str()),
        // So few that most of an outage waits in the journal.
        ("GATEWAY__LEDGER__QUEUE_ROWS", "50"),
        ("GATEWAY__API__METRICS_PUBLIC", "true"),
    ];
    let server = Server::start(&folder, &variables);
    let key = set_up(&server, &provider);
    let authorization = [format!("authorization: Bearer {}", server.admin_token())];
    let load = Load::on(&server, &key, CLIENTS);
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        wait_for_requests(&provider, 100);
        door.shut();
        let asked = soak::now();
        let answer = http::request(&server.address, "GET", "/api/users", &authorization, "");
        assert_eq!(answer.status, 503, "{answer:?}");
        longest = longest.max(asked.elapsed());
        assert_eq!(server.missing(), ["database"]);
        wait_for_requests(&provider, 300);
        assert!(server.metric("gateway_ledger_queue") >= 200);
        let written = server.metric("gateway_ledger_written_total");
        door.open();
        while server.metric("gateway_ledger_written_total") == written {
            thread::sleep(Duration::from_millis(20));
        }
    }
    let seen = load.off();
    server.wait_until_written();
    let other = seen.iter().find(|seen| !matches!(seen, Seen::Whole(_)));
    assert_eq!(other, None);
    let books = Books::of(&server);
    books.check(&seen, &provider, 0);
    assert_eq!(books.len(), whole(&seen).len());
    println!(
        "{rounds} outages: {} requests were answered and booked; management took {longest:?} to say 503 at the most",
        books.len()
    );
    server.stop();
}
