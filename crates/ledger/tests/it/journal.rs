use std::fs;
use std::path::{Path, PathBuf};

use gateway_ledger::{AppendError, Journal, JournalSettings, Kept, Need, OpenError};
use proptest::prelude::{any, prop, proptest};
use tempfile::TempDir;

const SMALL: JournalSettings = JournalSettings {
    segment_bytes: 256,
    limit_bytes: 4 << 20,
    reserve_bytes: 128,
};

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn open(&self) -> Journal {
        Journal::open(self.path(), SMALL).unwrap()
    }

    /// The files whose names end so, oldest first.
    fn files(&self, end: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.path())
            .unwrap()
            .map(|file| file.unwrap().path());
        let mut files: Vec<_> = files
            .filter(|path| path.extension().is_some_and(|it| it == end))
            .collect();
        files.sort();
        files
    }

    /// What a process leaves that was killed after it had appended `entries`: nothing is closed or trimmed.
    fn left_by_a_kill(entries: &[&[u8]]) -> Self {
        let home = Self::new();
        let journal = home.open();
        let copy = Self::new();
        for entry in entries {
            append(&journal, entry);
        }
        for file in home.files("journal") {
            fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
        }
        copy
    }

    fn replayed(&self) -> Vec<Vec<u8>> {
        replayed(&self.open())
    }
}

/// As somebody does who dies before it is safe elsewhere.
fn append(journal: &Journal, entry: &[u8]) {
    let _ = journal.append(entry, Need::New).unwrap();
}

fn replayed(journal: &Journal) -> Vec<Vec<u8>> {
    journal.replay().map(|(entry, _)| entry).collect()
}

#[test]
fn what_is_appended_comes_back_after_a_kill() {
    let home = Home::left_by_a_kill(&[b"one", b"", b"\0\0three\0", &[0xff; 100]]);
    assert_eq!(home.replayed(), [&b"one"[..], b"", b"\0\0three\0", &[0xff; 100]]);
}

#[test]
fn what_is_not_released_comes_back_at_every_start() {
    let home = Home::left_by_a_kill(&[b"one", b"two"]);
    for _ in 0..3 {
        assert_eq!(home.replayed(), [b"one", b"two"]);
    }
}

#[test]
fn what_is_released_does_not_come_back() {
    let home = Home::left_by_a_kill(&[b"one", b"two"]);
    let journal = home.open();
    for (_, kept) in journal.replay() {
        journal.release(kept);
    }
    drop(journal);
    assert_eq!(home.files("journal"), [] as [&Path; 0]);
    assert!(home.replayed().is_empty());
}

#[test]
fn what_is_not_replayed_stays() {
    let home = Home::left_by_a_kill(&[&[b'a'; 200], &[b'b'; 200]]);
    let journal = home.open();
    let (_, kept) = journal.replay().next().unwrap();
    journal.release(kept);
    drop(journal);
    assert_eq!(home.replayed(), [[b'a'; 200], [b'b'; 200]]);
}

#[test]
fn an_entry_keeps_all_that_came_after_it() {
    let home = Home::new();
    let journal = home.open();
    let first = journal.append(&[b'a'; 200], Need::New).unwrap();
    let others: Vec<Kept> = (0..3)
        .map(|_| journal.append(&[b'b'; 200], Need::New).unwrap())
        .collect();
    assert_eq!(home.files("journal").len(), 4);
    others.into_iter().for_each(|kept| journal.release(kept));
    assert_eq!(home.files("journal").len(), 4);
    journal.release(first);
    // The one that is written to remains.
    assert_eq!(home.files("journal").len(), 1);
}

#[test]
fn a_full_journal_takes_only_what_is_owed() {
    let home = Home::new();
    let settings = JournalSettings {
        limit_bytes: 1_000,
        ..SMALL
    };
    let journal = Journal::open(home.path(), settings).unwrap();
    let mut kept = Vec::new();
    let refused = loop {
        match journal.append(&[b'a'; 100], Need::New) {
            Ok(entry) => kept.push(entry),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Full), "{refused}");
    assert!(!journal.has_room());
    assert!(journal.bytes() >= 1_000);
    kept.push(journal.append(b"owed", Need::Owed).unwrap());
    kept.into_iter().for_each(|kept| journal.release(kept));
    assert!(journal.has_room());
    append(&journal, b"new");
}

#[test]
fn two_processes_cannot_have_it_open() {
    let home = Home::new();
    let _first = home.open();
    let second = Journal::open(home.path(), SMALL);
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
}

#[test]
fn an_entry_that_is_too_long_is_refused_and_no_harm() {
    let home = Home::new();
    let journal = home.open();
    let error = journal.append(&vec![0; (1 << 20) + 1], Need::Owed).unwrap_err();
    assert!(
        matches!(error, AppendError::TooLong { bytes: 1_048_577 }),
        "{error}"
    );
    append(&journal, &vec![b'x'; 1 << 20]);
    append(&journal, b"short");
    drop(journal);
    assert_eq!(home.replayed().len(), 2);
}

#[test]
fn room_is_made_ahead_of_the_entries() {
    let home = Home::new();
    let journal = home.open();
    append(&journal, b"one");
    journal.sync().unwrap();
    let segment = &home.files("journal")[0];
    assert_eq!(
        fs::metadata(segment).unwrap().len(),
        8 + 12 + 3 + SMALL.reserve_bytes
    );
    assert_eq!(journal.bytes(), fs::metadata(segment).unwrap().len());
}

proptest! {
    #[test]
    fn a_torn_tail_costs_nothing_but_itself(
        entries in prop::collection::vec(prop::collection::vec(1_u8..255, 0..12), 1..6),
        kept in any::<prop::sample::Index>(),
    ) {
        let slices: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let home = Home::left_by_a_kill(&slices);
        let segment = &home.files("journal")[0];
        let bytes = fs::read(segment).unwrap();
        let kept = kept.index(bytes.len() + 1);
        fs::write(segment, &bytes[..kept]).unwrap();
        let mut end = 8;
        let whole = entries.iter().take_while(|entry| {
            end += 12 + entry.len();
            end <= kept
        });
        assert_eq!(home.replayed(), whole.cloned().collect::<Vec<_>>());
        // A header that is cut is no entry that anybody was told of, yet nothing that a kill leaves.
        assert!(kept < 8 || home.files("bad").is_empty());
    }

    #[test]
    fn a_damaged_byte_costs_one_entry_and_a_copy_is_kept(
        entries in prop::collection::vec(prop::collection::vec(1_u8..255, 1..12), 1..6),
        at in any::<prop::sample::Index>(),
        by in 1_u8..,
    ) {
        let slices: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let home = Home::left_by_a_kill(&slices);
        let segment = &home.files("journal")[0];
        let mut bytes = fs::read(segment).unwrap();
        let written: usize = entries.iter().map(|entry| entry.len() + 12).sum();
        let at = 8 + at.index(written);
        bytes[at] ^= by;
        fs::write(segment, &bytes).unwrap();
        let replayed = home.replayed();
        assert_eq!(replayed.len(), entries.len() - 1);
        let mut left = entries.iter();
        assert!(replayed.iter().all(|entry| left.any(|whole| whole == entry)), "{replayed:?}");
        // The last entry's length may have become one that looks like a torn tail.
        let is_in_last = at >= 8 + written - 12 - entries[entries.len() - 1].len();
        if let [bad] = home.files("bad").as_slice() {
            assert_eq!(fs::read(bad).unwrap(), bytes);
        } else {
            assert!(is_in_last);
        }
    }

    #[test]
    fn nothing_in_a_segment_is_too_strange_to_start_with(
        bytes in prop::collection::vec(prop::sample::select(vec![0, 0xff, b'E', 0xfe, b'\n', b'L', 1, 7]), 0..300),
    ) {
        let home = Home::new();
        fs::write(home.path().join("0000000007.journal"), &bytes).unwrap();
        let journal = home.open();
        append(&journal, b"new");
        for _ in journal.replay() {}
        drop(journal);
        assert!(home.replayed().iter().any(|entry| entry == b"new"));
    }
}
