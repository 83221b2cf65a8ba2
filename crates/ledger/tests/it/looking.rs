//! Looking into a journal without touching it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::slice;

use gateway_ledger::{Journal, JournalReader, JournalSettings, Need};

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn a_journal_that_is_open_can_be_looked_into_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let settings = JournalSettings {
        segment_bytes: 64,
        ..JournalSettings::default()
    };
    let journal = Journal::open(folder.path(), settings).unwrap();
    for entry in [&b"one"[..], b"two", &[b'3'; 100]] {
        let _ = journal.append(entry, Need::New).unwrap();
    }
    journal.set_aside("a line").unwrap();
    journal.set_aside("another").unwrap();
    let before = files(folder.path());

    let reader = JournalReader::new(folder.path());
    assert_eq!(reader.segments().unwrap(), [1, 2]);
    let first = reader.read(1).unwrap().unwrap();
    assert_eq!(
        first.entries().collect::<Vec<_>>(),
        [(8, &b"one"[..]), (23, b"two")]
    );
    assert!(first.damaged().is_empty() && first.torn().is_none());
    assert_eq!(first.bytes(), 38);
    let second = reader.read(2).unwrap().unwrap();
    assert_eq!(second.entries().collect::<Vec<_>>(), [(8, &[b'3'; 100][..])]);
    assert!(reader.read(3).unwrap().is_none());
    assert_eq!(reader.set_aside().unwrap(), 2);

    assert_eq!(files(folder.path()), before);
    drop(journal);
    assert_eq!(reader.segments().unwrap(), [1, 2]);
}

#[test]
fn damage_and_a_torn_end_are_told_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path(), JournalSettings::default()).unwrap();
    for entry in [b"one", b"two", b"end"] {
        let _ = journal.append(entry, Need::New).unwrap();
    }
    drop(journal);
    let segment = folder.path().join("0000000001.journal");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[8 + 12] ^= 1;
    bytes.truncate(bytes.len() - 1);
    fs::write(&segment, bytes).unwrap();
    let before = files(folder.path());

    let contents = JournalReader::new(folder.path()).read(1).unwrap().unwrap();
    assert_eq!(contents.entries().collect::<Vec<_>>(), [(23, &b"two"[..])]);
    assert_eq!(contents.damaged(), slice::from_ref(&(8..23)));
    assert_eq!(contents.torn(), Some(&(38..52)));
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_and_other_files_are_nobodys_business() {
    let folder = tempfile::tempdir().unwrap();
    assert!(
        JournalReader::new(&folder.path().join("none"))
            .segments()
            .is_err()
    );
    for name in [
        "notes.txt",
        "7.journal",
        "x.journal",
        "18446744073709551615.journal",
    ] {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    assert!(JournalReader::new(folder.path()).segments().unwrap().is_empty());
    drop(Journal::open(folder.path(), JournalSettings::default()).unwrap());
    assert_eq!(JournalReader::new(folder.path()).set_aside().unwrap(), 0);
}
