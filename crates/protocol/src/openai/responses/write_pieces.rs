use std::mem::discriminant;

use gateway_domain::Usage;
use serde_json::value::RawValue;

use crate::ErrorAnswer;
use crate::translation::{Piece, PieceWriter, ReplyTerms, Signature, Stop};

use super::error;
use super::item::{Content, Item, Status, Summary};
use super::response::{Ending, Progress, Response, status};
use super::told::{Told, ToldPart, tell};
use super::write_reply::ItemId;

/// See [`Translate::piece_writer`](crate::translation::Translate::piece_writer).
///
/// Grows with the answer, since the last event repeats all of it.
pub(super) struct Writer {
    terms: ReplyTerms,
    is_begun: bool,
    /// Events so far.
    sequence: u64,
    /// The items that are over.
    done: Vec<Box<RawValue>>,
    open: Option<Open>,
    usage: Option<Usage>,
    stop: Stop,
}

/// The item that comes at present.
struct Open {
    id: String,
    kind: OpenKind,
    text: String,
}

enum OpenKind {
    Message,
    Thought,
    Call {
        call_id: String,
        name: String,
        is_text: bool,
    },
}

impl Writer {
    pub(super) fn new(terms: ReplyTerms) -> Self {
        Self {
            terms,
            is_begun: false,
            sequence: 0,
            done: Vec::new(),
            open: None,
            usage: None,
            stop: Stop::EndTurn,
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.is_begun, true) {
            self.tell_response("response.created", Ending::None, out);
            self.tell_response("response.in_progress", Ending::None, out);
        }
    }

    fn tell_response(&mut self, kind: &'static str, ending: Ending<'_>, out: &mut Vec<u8>) {
        let is_over = !matches!(ending, Ending::None);
        let progress = Progress {
            ending,
            output: &self.done,
            usage: self.usage.as_ref().filter(|_| is_over),
        };
        let told = Told {
            response: Some(Response::new(&self.terms, progress)),
            ..Told::default()
        };
        tell(&mut self.sequence, kind, told, out);
    }

    /// Makes sure that the open item is one of this kind, and adds to it.
    fn add(&mut self, kind: OpenKind, more: &str, out: &mut Vec<u8>) {
        let open = self.open.as_ref().map(|open| discriminant(&open.kind));
        if open != Some(discriminant(&kind)) {
            self.open(kind, out);
        }
        self.extend(more, out);
    }

    /// Begins an item.
    fn open(&mut self, kind: OpenKind, out: &mut Vec<u8>) {
        self.close(Status::Completed, None, out);
        let place = self.done.len();
        let open = Open {
            id: ItemId::new(&self.terms.id, place).of(kind.prefix()),
            kind,
            text: String::new(),
        };
        let item = open.item(Status::InProgress, None);
        let told = Told {
            output_index: Some(place),
            item: Some(&item),
            ..Told::default()
        };
        tell(&mut self.sequence, "response.output_item.added", told, out);
        self.open = Some(open);
    }

    /// Says more of the open item.
    fn extend(&mut self, more: &str, out: &mut Vec<u8>) {
        let Some(open) = &mut self.open else { return };
        let place = self.done.len();
        if open.text.is_empty()
            && let Some((kind, _)) = open.kind.part_events()
        {
            let part = open.told(place, Some(open.kind.part("")));
            tell(&mut self.sequence, kind, part, out);
        }
        open.text.push_str(more);
        let told = Told {
            delta: Some(more),
            logprobs: open.kind.logprobs(),
            ..open.told(place, None)
        };
        tell(&mut self.sequence, open.kind.delta_event(), told, out);
    }

    /// Says that the open item is over.
    fn close(&mut self, status: Status, signature: Option<&Signature>, out: &mut Vec<u8>) {
        if let Some(Open {
            kind: OpenKind::Call { is_text: false, .. },
            text,
            ..
        }) = &self.open
            && text.is_empty()
        {
            self.extend("{}", out);
        }
        let Some(open) = self.open.take() else { return };
        let place = self.done.len();
        if !(open.text.is_empty() && open.kind.part_events().is_some()) {
            self.tell_text_done(&open, place, out);
        }
        let item = open.item(status, signature);
        let told = Told {
            output_index: Some(place),
            item: Some(&item),
            ..Told::default()
        };
        tell(&mut self.sequence, "response.output_item.done", told, out);
        self.done.push(item);
    }

    fn tell_text_done(&mut self, open: &Open, place: usize, out: &mut Vec<u8>) {
        let text = Some(open.text.as_str());
        let (kind, mut told) = (open.kind.done_event(), open.told(place, None));
        match open.kind {
            OpenKind::Message | OpenKind::Thought => told.text = text,
            OpenKind::Call { is_text: false, .. } => told.arguments = text,
            OpenKind::Call { is_text: true, .. } => told.input = text,
        }
        told.logprobs = open.kind.logprobs();
        tell(&mut self.sequence, kind, told, out);
        if let Some((_, kind)) = open.kind.part_events() {
            let told = open.told(place, Some(open.kind.part(&open.text)));
            tell(&mut self.sequence, kind, told, out);
        }
    }

    /// Signs the thought that has just passed, or one that is withheld.
    fn sign(&mut self, signature: &Signature, out: &mut Vec<u8>) {
        if !matches!(
            self.open,
            Some(Open {
                kind: OpenKind::Thought,
                ..
            })
        ) {
            self.open(OpenKind::Thought, out);
        }
        self.close(Status::Completed, Some(signature), out);
    }
}

impl PieceWriter for Writer {
    fn write(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        if let Piece::Ping = piece {
            out.extend_from_slice(b": keep-alive\n\n");
            return;
        }
        if let Piece::Usage(usage) = piece {
            self.usage = Some(usage.clone());
        }
        self.begin(out);
        match piece {
            Piece::Text(text) => self.add(OpenKind::Message, text, out),
            Piece::Thinking(text) => self.add(OpenKind::Thought, text, out),
            Piece::Signature(signature) => self.sign(signature, out),
            Piece::Redacted(signature) => {
                self.open(OpenKind::Thought, out);
                self.sign(signature, out);
            }
            Piece::ToolCall {
                id, name, is_text, ..
            } => {
                let kind = OpenKind::Call {
                    call_id: id.clone(),
                    name: name.clone(),
                    is_text: *is_text,
                };
                self.open(kind, out);
            }
            Piece::Arguments(more) => {
                let is_call = matches!(
                    self.open,
                    Some(Open {
                        kind: OpenKind::Call { .. },
                        ..
                    })
                );
                if is_call && !more.is_empty() {
                    self.extend(more, out);
                }
            }
            Piece::Stop(stop) => {
                self.close(status(stop), None, out);
                self.stop = stop.clone();
            }
            Piece::Usage(_) | Piece::Ping | Piece::End | Piece::Error { .. } => {}
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        self.close(Status::Completed, None, out);
        let stop = self.stop.clone();
        let kind = match status(&stop) {
            Status::Incomplete => "response.incomplete",
            Status::InProgress | Status::Completed => "response.completed",
        };
        self.tell_response(kind, Ending::Stop(&stop), out);
    }

    fn fail(&mut self, error: &ErrorAnswer<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&error::event(error, self.sequence));
    }
}

impl Open {
    /// The item as it stands.
    fn item(&self, status: Status, signature: Option<&Signature>) -> Box<RawValue> {
        let Self { id, kind, text } = self;
        let item = match kind {
            OpenKind::Message if text.is_empty() => Item::message(id, status, &[]),
            OpenKind::Message => Item::message(id, status, &[text]),
            OpenKind::Thought if status == Status::InProgress => Item::begun_reasoning(id),
            OpenKind::Thought => Item::reasoning(id, text, signature),
            OpenKind::Call {
                call_id,
                name,
                is_text: true,
            } => Item::CustomToolCall {
                id,
                status,
                call_id,
                name,
                input: text.into(),
            },
            OpenKind::Call {
                call_id,
                name,
                is_text: false,
            } => Item::FunctionCall {
                id,
                status,
                arguments: text,
                call_id,
                name,
            },
        };
        item.to_json()
    }

    /// What every event within the item tells.
    fn told<'a>(&'a self, place: usize, part: Option<ToldPart<'a>>) -> Told<'a> {
        Told {
            item_id: Some(&self.id),
            output_index: Some(place),
            content_index: matches!(self.kind, OpenKind::Message).then_some(0),
            summary_index: matches!(self.kind, OpenKind::Thought).then_some(0),
            part,
            ..Told::default()
        }
    }
}

impl OpenKind {
    const fn prefix(&self) -> &'static str {
        match self {
            Self::Message => "msg",
            Self::Thought => "rs",
            Self::Call { is_text: false, .. } => "fc",
            Self::Call { is_text: true, .. } => "ctc",
        }
    }

    /// The events at the beginning and the end of a part, where items have parts.
    const fn part_events(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Message => Some(("response.content_part.added", "response.content_part.done")),
            Self::Thought => Some((
                "response.reasoning_summary_part.added",
                "response.reasoning_summary_part.done",
            )),
            Self::Call { .. } => None,
        }
    }

    const fn delta_event(&self) -> &'static str {
        match self {
            Self::Message => "response.output_text.delta",
            Self::Thought => "response.reasoning_summary_text.delta",
            Self::Call { is_text: false, .. } => "response.function_call_arguments.delta",
            Self::Call { is_text: true, .. } => "response.custom_tool_call_input.delta",
        }
    }

    const fn done_event(&self) -> &'static str {
        match self {
            Self::Message => "response.output_text.done",
            Self::Thought => "response.reasoning_summary_text.done",
            Self::Call { is_text: false, .. } => "response.function_call_arguments.done",
            Self::Call { is_text: true, .. } => "response.custom_tool_call_input.done",
        }
    }

    const fn part<'a>(&self, text: &'a str) -> ToldPart<'a> {
        match self {
            Self::Thought => ToldPart::Summary(Summary::SummaryText { text }),
            Self::Message | Self::Call { .. } => ToldPart::Content(Content::text(text)),
        }
    }

    fn logprobs(&self) -> Option<[(); 0]> {
        matches!(self, Self::Message).then_some([])
    }
}
