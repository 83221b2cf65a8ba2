use serde::Serialize;
use serde_json::value::RawValue;

use super::item::{Content, Summary};
use super::response::Response;

/// The data of an event: its type, and of the rest what that type has.
#[derive(Default, Serialize)]
pub(super) struct Told<'a> {
    pub(super) r#type: &'static str,
    pub(super) sequence_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<Response<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_index: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary_index: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<ToldPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<[(); 0]>,
}

/// A part of a message or of a thought.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ToldPart<'a> {
    Content(Content<'a>),
    Summary(Summary<'a>),
}

/// Writes one event.
pub(super) fn tell(sequence: &mut u64, kind: &'static str, told: Told<'_>, out: &mut Vec<u8>) {
    let told = Told {
        r#type: kind,
        sequence_number: *sequence,
        ..told
    };
    *sequence += 1;
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    serde_json::to_writer(&mut *out, &told).expect("strings, numbers and JSON always serialize");
    out.extend_from_slice(b"\n\n");
}
