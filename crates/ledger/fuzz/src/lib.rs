//! What is thrown at the readers of the journal: whatever the bytes, nothing may panic or be invented.
//!
//! The same functions are run by the crate's own tests on damaged journals, and by `cargo fuzz` for as long as one likes.

use std::fs;

use gateway_ledger::{Journal, JournalReader, JournalSettings, LedgerEntry, Need, SegmentContents};

/// Reads `data` as a segment: what is found in it is in it, in order, and once.
pub fn segment(data: &[u8]) {
    let contents = SegmentContents::of(data.to_vec());
    assert_eq!(contents.bytes(), data.len());
    let entries = contents
        .entries()
        .map(|(offset, entry)| offset..offset + 12 + entry.len());
    let mut found: Vec<_> = entries.collect();
    for frame in &found {
        // Each stands for itself, wherever it is.
        let alone = SegmentContents::of(data[frame.clone()].to_vec());
        assert_eq!(alone.entries().len(), 1);
        assert!(alone.damaged().is_empty() && alone.torn().is_none());
    }
    found.extend_from_slice(contents.damaged());
    found.extend(contents.torn().cloned());
    found.sort_by_key(|range| range.start);
    let mut end = 0;
    for range in found {
        assert!(end <= range.start && range.start < range.end && range.end <= data.len());
        end = range.end;
    }
}

/// Reads `data` as an entry: what is understood can be said again.
pub fn entry(data: &[u8]) {
    let Ok(entry) = LedgerEntry::read(data) else {
        return;
    };
    let mut said = Vec::new();
    match &entry {
        LedgerEntry::Open(record) => LedgerEntry::write_open(record, &mut said),
        LedgerEntry::Closed(record) => LedgerEntry::write_closed(record, &mut said),
    }
    let again = LedgerEntry::read(&said).expect("what we write we can read");
    // A number that JSON has no form for is not equal to itself.
    assert_eq!(format!("{again:?}"), format!("{entry:?}"));
}

/// Opens a journal that has `data` for a segment: it gives what a reader finds, at every start, and takes what is new.
pub fn replay(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("0000000001.journal");
    fs::write(&path, data).expect("a folder of our own");
    let found = JournalReader::new(folder.path()).read(1).expect("it is there");
    let found = found.expect("it is there");
    let mut found: Vec<Vec<u8>> = found.entries().map(|(_, entry)| entry.to_vec()).collect();
    for start in 0..2 {
        let settings = JournalSettings {
            reserve_bytes: 64,
            ..JournalSettings::default()
        };
        let journal = Journal::open(folder.path(), settings).expect("no damage keeps it from opening");
        let mut replayed = Vec::new();
        for (entry, kept) in journal.replay() {
            assert_eq!(journal.read(&kept).expect("it is still there"), entry);
            replayed.push(entry);
        }
        assert_eq!(replayed, found, "at start {start}");
        let kept = journal.append(b"new", Need::New).expect("it has room");
        assert_eq!(journal.read(&kept).expect("it is there"), b"new");
        found.push(b"new".to_vec());
    }
}
