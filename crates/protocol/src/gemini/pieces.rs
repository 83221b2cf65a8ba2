use serde_json::value::RawValue;

use crate::ErrorKind;
use crate::sse::{Event, EventReader};
use crate::translation::{Piece, PieceReader, Signature};

use super::error;
use super::finish::Finish;
use super::reply::{Response, ToldCall, ToldPart};

/// The longest event that is read. Only pictures are longer, and these cannot be told.
const MAX_EVENT: usize = 32 * 1024 * 1024;

/// Reads a stream of Gemini's events, piece by piece.
pub(super) struct Reader {
    events: EventReader,
    told: Told,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            events: EventReader::new(|_| MAX_EVENT),
            told: Told::default(),
        }
    }
}

impl PieceReader for Reader {
    fn push(&mut self, chunk: &[u8], on_piece: &mut dyn FnMut(Piece)) {
        self.events.push(chunk, |event| self.told.tell(&event, on_piece));
    }
}

/// What has been told of the answer so far.
#[derive(Default)]
struct Told {
    has_content: bool,
    has_calls: bool,
    /// Whether the last thing that was told was a thought that has no signature yet.
    is_thinking: bool,
    is_stopped: bool,
    is_broken: bool,
}

impl Told {
    fn tell(&mut self, event: &Event<'_>, on_piece: &mut dyn FnMut(Piece)) {
        if self.is_broken || event.len == 0 {
            return;
        }
        let response = serde_json::from_slice::<Response<'_>>(event.data);
        let response = match response {
            Ok(response) if event.is_whole() => response,
            _ => {
                let message = "The model's provider sent an event that cannot be read";
                return self.fail(ErrorKind::BadGateway, message.to_owned(), on_piece);
            }
        };
        if let Some(error) = response.error {
            let too_long = error::is_too_long(&error.message);
            let kind = match error.code {
                Some(400) if too_long => ErrorKind::ContextTooLong,
                code => error::kind(code.unwrap_or_default()),
            };
            return self.fail(kind, error.message, on_piece);
        }
        if let Some(metadata) = response.metadata() {
            on_piece(Piece::Usage(metadata.usage(0)));
        }
        let ended = response.ended();
        if self.is_stopped {
            return;
        }
        for part in response.into_parts() {
            self.tell_part(part, on_piece);
        }
        let Some(ended) = ended else { return };
        if ended.finish == Finish::Failed && !self.has_content {
            return self.fail(ErrorKind::BadGateway, ended.failure(), on_piece);
        }
        let message = ended.message.filter(|text| !text.is_empty());
        if let (false, Some(message)) = (self.has_content, message) {
            on_piece(Piece::Text(message));
        }
        self.is_stopped = true;
        on_piece(Piece::Stop(ended.finish.stop(self.has_calls)));
    }

    fn tell_part(&mut self, part: ToldPart<'_>, on_piece: &mut dyn FnMut(Piece)) {
        let signature = part.signature();
        if let Some(call) = part.function_call {
            self.tell_call(call, signature, on_piece);
            return;
        }
        let text = part.text.filter(|text| !text.is_empty());
        self.has_content |= text.is_some();
        if part.thought == Some(true) {
            self.is_thinking |= text.is_some();
            text.map(Piece::Thinking).map(&mut *on_piece);
            self.tell_signature(signature, on_piece);
            return;
        }
        // That of a text stands where clients can keep it: on the thought right before, if there is one.
        self.tell_signature(signature.filter(|_| self.is_thinking), on_piece);
        self.is_thinking &= text.is_none();
        text.map(Piece::Text).map(on_piece);
    }

    fn tell_call(
        &mut self,
        call: ToldCall<'_>,
        signature: Option<Signature>,
        on_piece: &mut dyn FnMut(Piece),
    ) {
        (self.has_content, self.has_calls, self.is_thinking) = (true, true, false);
        on_piece(Piece::ToolCall {
            id: call.id.unwrap_or_default(),
            name: call.name,
            signature,
            is_text: false,
        });
        let arguments = call.args.map(RawValue::get);
        if let Some(arguments) = arguments.filter(|args| !matches!(*args, "{}" | "null")) {
            on_piece(Piece::Arguments(arguments.to_owned()));
        }
    }

    fn tell_signature(&mut self, signature: Option<Signature>, on_piece: &mut dyn FnMut(Piece)) {
        if let Some(signature) = signature {
            self.is_thinking = false;
            on_piece(Piece::Signature(signature));
        }
    }

    fn fail(&mut self, kind: ErrorKind, message: String, on_piece: &mut dyn FnMut(Piece)) {
        self.is_broken = true;
        on_piece(Piece::Error { kind, message });
    }
}
