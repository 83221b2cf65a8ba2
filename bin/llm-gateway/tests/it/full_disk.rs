use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use gateway_simulator::Simulator;
use rustix::process::Signal;
use serde_json::Value;

use crate::books::Books;
use crate::databases::{self, Door};
use crate::folder::Folder;
use crate::load::{Load, Seen, ask, whole};
use crate::server::Server;
use crate::serving::set_up;
use crate::soak;

const CLIENTS: usize = 8;
const BYTES: usize = 2 << 20;

/// The data folder of a gateway: a disk of its own where we may mount one, which we may as root. Elsewhere it is the
/// journal's limit that is small.
struct Disk(Option<PathBuf>);

impl Disk {
    fn small(folder: &Folder) -> Self {
        let path = folder.path("data");
        fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={BYTES},mode=700"))
            .arg("tmpfs")
            .arg(&path);
        let is_mounted = mount.output().is_ok_and(|output| output.status.success());
        Self(is_mounted.then_some(path))
    }

    fn journal_limit_bytes(&self) -> String {
        let limit = if self.0.is_some() { 1 << 30 } else { BYTES };
        limit.to_string()
    }

    /// What a gateway says that it lacks when this is full.
    fn word(&self) -> &'static str {
        if self.0.is_some() { "disk" } else { "journal" }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // What stays mounted is seen when the folder is removed.
            let _ = Command::new("umount").arg("--lazy").arg(path).status();
        }
    }
}

#[track_caller]
fn assert_no_room(server: &Server, key: &str) {
    for stream in [false, true] {
        let answer = match ask(&server.address, key, stream) {
            Some(Seen::Refused(503, answer)) => answer,
            other => panic!("there is no room for it: {other:?}"),
        };
        assert!(answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["type"], "error", "{body}");
        assert_eq!(body["error"]["type"], "overloaded_error", "{body}");
    }
}

fn wait_until_full(server: &Server, is_full: u64) {
    while server.metric("gateway_journal_full") != is_full {
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_full_disk_turns_away_what_is_new_and_loses_nothing() {
    let folder = Folder::new();
    let disk = Disk::small(&folder);
    let provider = Simulator::builder().keep(1_000_000).try_start().unwrap();
    let (door, url) = Door::before(&databases::create_on_server());
    let variables = [
        ("DATABASE_URL", url.as_str()),
        (
            "GATEWAY__LEDGER__JOURNAL_LIMIT_BYTES",
            &disk.journal_limit_bytes(),
        ),
        ("GATEWAY__LEDGER__JOURNAL_SEGMENT_BYTES", "262144"),
        ("GATEWAY__LEDGER__JOURNAL_RESERVE_BYTES", "131072"),
        ("GATEWAY__API__METRICS_PUBLIC", "true"),
    ];
    let mut server = Server::start(&folder, &variables);
    let key = set_up(&server, &provider);
    let rounds = soak::rounds(1);
    let mut seen = Vec::new();
    for _ in 0..rounds {
        // So that the key is known.
        seen.extend(ask(&server.address, &key, false));
        door.shut();
        let load = Load::on(&server, &key, CLIENTS);
        wait_until_full(&server, 1);
        assert_no_room(&server, &key);
        assert_eq!(server.missing(), ["database", disk.word()]);
        door.open();
        wait_until_full(&server, 0);
        seen.extend(load.off());
        seen.extend(ask(&server.address, &key, true));
        assert!(matches!(seen.last(), Some(Seen::Whole(_))), "{:?}", seen.last());

        // And when the process dies on the full disk.
        door.shut();
        let load = Load::on(&server, &key, CLIENTS);
        wait_until_full(&server, 1);
        server.signal(Signal::KILL);
        server.wait();
        seen.extend(load.off());
        door.open();
        server = Server::start(&folder, &variables);
    }
    server.wait_until_written();
    let books = Books::of(&server);
    books.check(&seen, &provider, CLIENTS * rounds);
    println!(
        "full {}: {} requests were answered whole, {} were turned away; in the books: {:?}",
        disk.word(),
        whole(&seen).len(),
        seen.iter()
            .filter(|seen| matches!(seen, Seen::Refused(503, _)))
            .count(),
        books.by_status()
    );
    server.stop();
}

#[test]
fn on_a_disk_that_is_full_it_starts_and_serves_once_there_is_room() {
    let folder = Folder::new();
    let disk = Disk::small(&folder);
    let provider = Simulator::builder().try_start().unwrap();
    let database = [
        ("DATABASE_URL", "sqlite://gateway.db"),
        ("GATEWAY__LEDGER__JOURNAL_LIMIT_BYTES", "1073741824"),
        ("GATEWAY__LEDGER__JOURNAL_RESERVE_BYTES", "131072"),
    ];
    let server = Server::start(&folder, &database);
    let key = set_up(&server, &provider);
    server.stop();
    let hog = folder.path("data/hog");
    let mut variables = database;
    if disk.0.is_some() {
        // As much of it as there is room for.
        fs::write(&hog, vec![1; BYTES]).unwrap_err();
    } else {
        variables[1].1 = "0";
    }

    let server = Server::start(&folder, &variables);
    assert_eq!(server.missing(), [disk.word()]);
    assert_no_room(&server, &key);
    if disk.0.is_none() {
        return server.stop();
    }
    let log = server.log();
    assert!(log.contains("the disk has no room for the journal"), "{log}");
    fs::remove_file(hog).unwrap();
    while !server.missing().is_empty() {
        thread::sleep(Duration::from_millis(20));
    }
    let answered = ask(&server.address, &key, false);
    assert!(matches!(answered, Some(Seen::Whole(_))), "{answered:?}");
    server.stop();
}
