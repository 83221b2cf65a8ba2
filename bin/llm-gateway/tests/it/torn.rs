use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gateway_ledger::JournalReader;
use gateway_simulator::Simulator;
use rustix::process::Signal;

use crate::books::Books;
use crate::folder::Folder;
use crate::load::{Seen, ask};
use crate::server::Server;
use crate::serving::set_up;
use crate::soak;

const REQUESTS: usize = 3;

/// What a process left that was killed before anything of its journal was in the database.
fn left_by_a_kill() -> Folder {
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    let never = [("GATEWAY__LEDGER__BATCH_INTERVAL_MS", "3600000")];
    let server = Server::start(&folder, &never);
    let key = set_up(&server, &provider);
    for _ in 0..REQUESTS {
        let answered = ask(&server.address, &key, false);
        assert!(matches!(answered, Some(Seen::Whole(_))), "{answered:?}");
    }
    server.signal(Signal::KILL);
    server.wait();
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let to = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}

/// What the next process has in its books after somebody did this to the journal's only segment, whether it kept a copy
/// of that, and what it logged.
fn next_start(left: &Folder, damage: impl FnOnce(&mut Vec<u8>)) -> (BTreeMap<String, usize>, bool, String) {
    let folder = Folder::new();
    copy(&left.path("data"), &folder.path("data"));
    let segment = folder.path("data/journal/0000000001.journal");
    let mut bytes = fs::read(&segment).unwrap();
    damage(&mut bytes);
    fs::write(&segment, bytes).unwrap();
    let server = Server::start(&folder, &[]);
    let books = Books::of(&server);
    let books = books.by_status();
    let books = books
        .into_iter()
        .map(|(status, count)| (status.to_owned(), count))
        .collect();
    let log = server.log();
    server.stop();
    (books, folder.path("data/journal/0000000001.bad").exists(), log)
}

#[test]
fn a_torn_or_damaged_journal_costs_what_is_damaged_and_never_the_start() {
    let left = left_by_a_kill();
    let reader = JournalReader::new(&left.path("data/journal"));
    let segment = reader.read(1).unwrap().unwrap();
    // That the last of the requests has ended.
    let (start, entry) = segment.entries().last().unwrap();
    let end = start + 12 + entry.len();
    let all_ok = BTreeMap::from([("ok".to_owned(), REQUESTS)]);
    let one_interrupted = BTreeMap::from([("interrupted".to_owned(), 1), ("ok".to_owned(), REQUESTS - 1)]);

    let (books, has_copy, _) = next_start(&left, |_| {});
    assert_eq!((books, has_copy), (all_ok, false));

    let rounds = soak::rounds(3);
    let step = ((end - start) / rounds).max(1);
    for at in (start..end).step_by(step) {
        let (books, has_copy, log) = next_start(&left, |bytes| bytes.truncate(at));
        assert_eq!((&books, has_copy), (&one_interrupted, false), "cut at {at}");
        let is_told = log.contains("the journal's last entry was never written whole");
        assert_eq!(is_told, at > start, "{log}");
    }
    for at in (start..end).step_by(step) {
        let (books, has_copy, log) = next_start(&left, |bytes| bytes[at] ^= 0x20);
        assert_eq!(books, one_interrupted, "changed at {at}");
        // A length that became longer looks like an entry whose end was never written.
        let is_length = (start + 4..start + 8).contains(&at);
        assert!(has_copy || is_length, "changed at {at}");
        assert!(
            !has_copy || log.contains("a segment of the journal is damaged"),
            "{log}"
        );
    }
}

#[test]
fn a_journal_can_be_looked_into_while_a_gateway_has_it_open_and_afterwards() {
    let folder = Folder::new();
    let provider = Simulator::builder().try_start().unwrap();
    let never = [("GATEWAY__LEDGER__BATCH_INTERVAL_MS", "3600000")];
    let server = Server::start(&folder, &never);
    let key = set_up(&server, &provider);
    let Some(Seen::Whole(id)) = ask(&server.address, &key, false) else {
        panic!("it was answered");
    };
    let text = folder.run(&["journal", "inspect"], &[]).success();
    let closed = text
        .lines()
        .find(|line| line.contains("closed") && line.contains(&id));
    let closed = closed.unwrap_or_else(|| panic!("{text}"));
    assert!(
        closed.contains("claude-haiku-4-5  ok 200  1 attempts  "),
        "{closed}"
    );
    assert!(
        text.contains("entries: 1 requests have ended, 0 are open"),
        "{text}"
    );

    server.signal(Signal::KILL);
    server.wait();
    let lines = folder
        .run(
            &[
                "journal",
                "inspect",
                "--folder",
                "data/journal",
                "--format",
                "jsonl",
            ],
            &[],
        )
        .success();
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["segment"], 1);
    let last_entry = &lines[lines.len() - 2]["entry"];
    assert_eq!(last_entry["closed"]["id"], id.as_str());
    let summary = &lines[lines.len() - 1]["summary"];
    assert_eq!(summary["requests_ended"], 1, "{summary}");
    assert_eq!(summary["damaged_bytes"], 0, "{summary}");

    let error = folder
        .run(&["journal", "inspect", "--folder", "elsewhere"], &[])
        .error();
    assert!(
        error.starts_with("the journal in elsewhere cannot be read"),
        "{error}"
    );
}
