//! `llm-gateway journal inspect`: what is in a journal, without a change to it.

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use gateway_domain::RequestId;
use gateway_ledger::{JournalReader, LedgerEntry, SegmentContents};
use gateway_metering::RequestRecord;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::Result;
use crate::cli::InspectFormat;

/// # Errors
///
/// When the folder cannot be read, or nobody takes what is printed.
pub(crate) fn run(folder: &Path, format: InspectFormat) -> Result<()> {
    let failed = |error| format!("the journal in {} cannot be read: {error}", folder.display());
    let reader = JournalReader::new(folder);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut sum = Sum::default();
    for number in reader.segments().map_err(failed)? {
        // Whoever has the journal open may have removed it since.
        if let Some(contents) = reader.read(number).map_err(failed)? {
            sum.add(&contents);
            let printed = match format {
                InspectFormat::Text => print_text(&mut out, number, &contents),
                InspectFormat::Jsonl => print_jsonl(&mut out, number, &contents),
            };
            if !is_read(printed)? {
                return Ok(());
            }
        }
    }
    sum.set_aside = reader.set_aside().map_err(failed)?;
    let printed = match format {
        InspectFormat::Text => sum.print_text(&mut out),
        InspectFormat::Jsonl => writeln!(out, "{}", sum.to_json()),
    };
    is_read(printed.and_then(|()| out.flush())).map(drop)
}

/// Whether somebody reads on; `| head` does not.
fn is_read(printed: io::Result<()>) -> Result<bool> {
    match printed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What all segments have together.
#[derive(Default)]
struct Sum {
    segments: usize,
    bytes: usize,
    entries: usize,
    unreadable: usize,
    damaged_bytes: usize,
    set_aside: usize,
    /// Whether each request has ended.
    requests: HashMap<RequestId, bool>,
}

impl Sum {
    fn add(&mut self, contents: &SegmentContents) {
        self.segments += 1;
        self.bytes += contents.bytes();
        self.entries += contents.entries().len();
        self.damaged_bytes += length(contents.damaged());
        for (_, entry) in contents.entries() {
            match LedgerEntry::read(entry) {
                Ok(LedgerEntry::Open(record)) => self.requests.insert(record.id, false),
                Ok(LedgerEntry::Closed(record)) => self.requests.insert(record.id, true),
                Err(_) => {
                    self.unreadable += 1;
                    continue;
                }
            };
        }
    }

    fn ended(&self) -> usize {
        self.requests.values().filter(|has_ended| **has_ended).count()
    }

    fn print_text(&self, out: &mut impl Write) -> io::Result<()> {
        let ended = self.ended();
        writeln!(
            out,
            "{} segments, {} bytes, {} entries: {ended} requests have ended, {} are open",
            self.segments,
            self.bytes,
            self.entries,
            self.requests.len() - ended
        )?;
        writeln!(
            out,
            "{} bytes are damaged, {} entries say nothing that this version knows, {} lines are in rejected.bad",
            self.damaged_bytes, self.unreadable, self.set_aside
        )?;
        writeln!(
            out,
            "Those that have ended may be in the database already: a segment goes once nothing in it or before it waits."
        )
    }

    fn to_json(&self) -> Value {
        let ended = self.ended();
        json!({"summary": {
            "segments": self.segments,
            "bytes": self.bytes,
            "entries": self.entries,
            "unreadable_entries": self.unreadable,
            "requests_ended": ended,
            "requests_open": self.requests.len() - ended,
            "damaged_bytes": self.damaged_bytes,
            "set_aside_lines": self.set_aside,
        }})
    }
}

fn print_text(out: &mut impl Write, number: u64, contents: &SegmentContents) -> io::Result<()> {
    let (bytes, entries) = (contents.bytes(), contents.entries().len());
    write!(out, "segment {number}: {bytes} bytes, {entries} entries")?;
    for damaged in contents.damaged() {
        write!(out, ", {} bytes damaged at {}", damaged.len(), damaged.start)?;
    }
    if let Some(torn) = contents.torn() {
        write!(out, ", torn tail of {} bytes at {}", torn.len(), torn.start)?;
    }
    writeln!(out)?;
    for (offset, entry) in contents.entries() {
        write!(out, "  {number}:{offset}  ")?;
        match LedgerEntry::read(entry) {
            Ok(LedgerEntry::Open(record)) => print_request(out, "open", &record)?,
            Ok(LedgerEntry::Closed(record)) => print_request(out, "closed", &record)?,
            Err(error) => {
                let why = crate::in_one_line(&error);
                writeln!(out, "unreadable, {} bytes: {why}", entry.len())?;
            }
        }
    }
    Ok(())
}

fn print_request(out: &mut impl Write, state: &str, record: &RequestRecord) -> io::Result<()> {
    let tokens = record.tokens();
    let http_status = record.http_status.map_or(String::new(), |it| format!(" {it}"));
    let cost = record
        .cost()
        .map_or("no price".to_owned(), |cost| format!("${cost}"));
    writeln!(
        out,
        "{state:<6}  {}  {}  {}  {}{http_status}  {} attempts  {} tokens in, {} out  {cost}",
        record.id,
        record.started_at,
        // A client chose it.
        record.model.escape_debug(),
        record.status.as_str(),
        record.attempts.len(),
        tokens.total_input(),
        tokens.output,
    )
}

fn print_jsonl(out: &mut impl Write, number: u64, contents: &SegmentContents) -> io::Result<()> {
    let range = |range: &Range<usize>| json!([range.start, range.end]);
    let segment = json!({
        "segment": number,
        "bytes": contents.bytes(),
        "entries": contents.entries().len(),
        "damaged": contents.damaged().iter().map(range).collect::<Vec<_>>(),
        "torn": contents.torn().map(range),
    });
    writeln!(out, "{segment}")?;
    for (offset, entry) in contents.entries() {
        match serde_json::from_slice::<&RawValue>(entry) {
            Ok(entry) => writeln!(
                out,
                r#"{{"segment":{number},"offset":{offset},"entry":{}}}"#,
                entry.get()
            )?,
            Err(_) => {
                let bytes = String::from_utf8_lossy(entry);
                let line = json!({"segment": number, "offset": offset, "unreadable": bytes});
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(())
}

fn length(ranges: &[Range<usize>]) -> usize {
    ranges.iter().map(ExactSizeIterator::len).sum()
}
