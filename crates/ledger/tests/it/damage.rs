//! The fuzz targets, on journals that were damaged.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own when it is fuzzed")]
mod fuzzing;

use std::fs;
use std::ops::Range;
use std::sync::Arc;

use gateway_domain::RequestId;
use gateway_ledger::{Journal, JournalSettings, Ledger, LedgerEntry, LedgerSettings, Need, SegmentContents};
use gateway_metering::{Outcome, RequestRecord};
use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use proptest::sample::Index;

use crate::fake_sink::{FakeSink, request};

/// A segment as a process left it that was killed, and where the frames of its entries are.
struct Left {
    bytes: Vec<u8>,
    entries: Vec<Vec<u8>>,
    frames: Vec<Range<usize>>,
}

fn left(entries: Vec<Vec<u8>>) -> Left {
    let folder = tempfile::tempdir().unwrap();
    let settings = JournalSettings {
        reserve_bytes: 256,
        ..JournalSettings::default()
    };
    let journal = Journal::open(folder.path(), settings).unwrap();
    let mut frames = Vec::new();
    let mut end = 8;
    for entry in &entries {
        let _ = journal.append(entry, Need::New).unwrap();
        frames.push(end..end + 12 + entry.len());
        end += 12 + entry.len();
    }
    let bytes = fs::read(folder.path().join("0000000001.journal")).unwrap();
    Left {
        bytes,
        entries,
        frames,
    }
}

fn found(bytes: &[u8]) -> Vec<Vec<u8>> {
    let contents = SegmentContents::of(bytes.to_vec());
    contents.entries().map(|(_, entry)| entry.to_vec()).collect()
}

fn fuzz(data: &[u8]) {
    fuzzing::segment(data);
    fuzzing::entry(data);
    fuzzing::replay(data);
}

/// What a ledger writes, and what nobody writes.
fn entries() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let entry = prop_oneof![
        any::<bool>().prop_map(|is_open| {
            let mut entry = Vec::new();
            if is_open {
                LedgerEntry::write_open(&request(), &mut entry);
            } else {
                LedgerEntry::write_closed(&request(), &mut entry);
            }
            entry
        }),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(entry, 1..8)
}

/// Whether each of the requests that the next process books has ended, after this was done to its journal.
async fn booked(left: &[u8]) -> Vec<(RequestId, Outcome)> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("0000000001.journal"), left).unwrap();
    let settings = LedgerSettings {
        journal_reserve_bytes: 0,
        ..LedgerSettings::default()
    };
    let journal = Journal::open(folder.path(), settings.journal()).unwrap();
    let sink = Arc::new(FakeSink::default());
    let ledger = Ledger::with_journal(journal, sink.clone(), settings);
    ledger.flush().await;
    let records = sink.records();
    let mut booked: Vec<_> = records.iter().map(|it| (it.id, it.status)).collect();
    booked.sort_by_key(|(id, _)| *id);
    booked
}

#[tokio::test]
async fn at_whatever_byte_the_last_entry_is_cut_or_changed_it_alone_is_missing() {
    let mut entries = Vec::new();
    let mut whole = Vec::new();
    for _ in 0..3 {
        let ended = request();
        let open = RequestRecord {
            status: Outcome::Interrupted,
            ..ended.clone()
        };
        let mut entry = Vec::new();
        LedgerEntry::write_open(&open, &mut entry);
        entries.push(entry);
        let mut entry = Vec::new();
        LedgerEntry::write_closed(&ended, &mut entry);
        entries.push(entry);
        whole.push((ended.id, Outcome::Ok));
    }
    whole.sort_by_key(|(id, _)| *id);
    let last = LedgerEntry::read(&entries[5]).unwrap().record().id;
    let mut without_end = whole.clone();
    for (id, status) in &mut without_end {
        if *id == last {
            *status = Outcome::Interrupted;
        }
    }
    let Left { bytes, frames, .. } = left(entries);
    assert_eq!(booked(&bytes).await, whole);
    for at in frames[5].clone() {
        assert_eq!(booked(&bytes[..at]).await, without_end, "cut at {at}");
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(booked(&changed).await, without_end, "changed at {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_was_changed_all_that_was_not_is_given_and_nothing_else(
        entries in entries(),
        flips in prop::collection::vec((any::<Index>(), 1_u8..), 1..5),
    ) {
        let Left { mut bytes, entries, frames } = left(entries);
        // Not the zeros at the end, which may become anything but an entry.
        let written = frames.last().map_or(8, |frame| frame.end);
        let mut at: Vec<usize> = Vec::new();
        for (index, by) in flips {
            at.push(8 + index.index(written - 8));
            bytes[at[at.len() - 1]] ^= by;
        }
        // Changed back by a second change it is as it was.
        let original = left(entries.clone()).bytes;
        let whole = frames.iter().map(|frame| bytes[frame.clone()] == original[frame.clone()]);
        let whole: Vec<_> = entries.iter().zip(whole).filter(|(_, it)| *it).map(|(entry, _)| entry.clone()).collect();
        assert_eq!(found(&bytes), whole);
        fuzz(&bytes);
    }

    #[test]
    fn whatever_was_cut_off_all_that_came_before_is_given(entries in entries(), end in any::<Index>()) {
        let Left { bytes, entries, frames } = left(entries);
        let end = end.index(bytes.len() + 1);
        let whole = frames.iter().filter(|frame| frame.end <= end).count();
        assert_eq!(found(&bytes[..end]), entries[..whole]);
        fuzz(&bytes[..end]);
    }

    #[test]
    fn what_was_put_in_between_costs_no_entry_that_was_not_torn(
        entries in entries(),
        at in any::<Index>(),
        junk in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let Left { mut bytes, entries, frames } = left(entries);
        let at = 8 + at.index(bytes.len() - 8);
        bytes.splice(at..at, junk);
        let whole = frames.iter().map(|frame| at <= frame.start || at >= frame.end);
        let whole: Vec<_> = entries.into_iter().zip(whole).filter(|(_, it)| *it).map(|(entry, _)| entry).collect();
        assert_eq!(found(&bytes), whole);
        fuzz(&bytes);
    }

    #[test]
    fn any_bytes_can_be_read(data in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz(&data);
    }

    #[test]
    fn any_bytes_that_look_like_frames_can_be_read(
        words in prop::collection::vec(
            prop::sample::select(vec![&b"LEDGER1\n"[..], b"\xffE\xfe\n", b"\0\0\0\0", b"\x01\0\0\0", b"\xff\xff\0\0", b"x"]),
            0..40,
        ),
    ) {
        fuzz(&words.concat());
    }
}
