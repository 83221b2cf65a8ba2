use crate::ErrorKind;
use crate::json;
use crate::sse::{Event, EventReader};
use crate::translation::{Piece, PieceReader, Stop};

use super::super::super::error;
use super::super::answer::Answer;
use super::super::completion::{Call, Choice, Finish, Message};
use super::calls::{CallDelta, Calls, Entangled};

/// The longest event that is read: a call's arguments may come in one.
const MAX_EVENT: usize = 16 * 1024 * 1024;
/// By which the one call is known that older servers give.
const FUNCTION_CALL: u64 = u64::MAX;

/// Reads a stream of chunks.
pub(in super::super) struct Reader {
    events: EventReader,
    telling: Telling,
}

impl Reader {
    pub(in super::super) fn new() -> Self {
        Self {
            events: EventReader::new(|_| MAX_EVENT),
            telling: Telling {
                answer: Answer::default(),
                calls: Calls::default(),
                is_refused: false,
                has_stopped: false,
                is_over: false,
            },
        }
    }
}

impl PieceReader for Reader {
    fn push(&mut self, chunk: &[u8], on_piece: &mut dyn FnMut(Piece)) {
        let telling = &mut self.telling;
        self.events.push(chunk, |event| {
            if telling.is_over {
                return;
            }
            if let Err(broken) = telling.read(&event, on_piece) {
                telling.is_over = true;
                on_piece(broken.into());
            }
        });
    }
}

/// What has been told so far.
struct Telling {
    answer: Answer,
    calls: Calls,
    is_refused: bool,
    has_stopped: bool,
    /// Whether the last piece has been told.
    is_over: bool,
}

/// Why the answer cannot be told to its end.
enum Broken {
    /// The provider says so.
    Said { kind: ErrorKind, message: String },
    /// It cannot be read.
    Unreadable(&'static str),
}

impl Telling {
    fn read(&mut self, event: &Event<'_>, on_piece: &mut dyn FnMut(Piece)) -> Result<(), Broken> {
        if event.len == 0 {
            return Ok(());
        }
        if !event.is_whole() {
            return Err(Broken::Unreadable("the provider sent an event that is too long"));
        }
        if event.data.starts_with(b"[DONE]") {
            self.stop(Stop::EndTurn, on_piece)?;
            self.is_over = true;
            on_piece(Piece::End);
            return Ok(());
        }
        if event.name == b"error" {
            return Err(Broken::said(event.data));
        }
        self.read_chunk(event.data, on_piece)
    }

    fn read_chunk(&mut self, chunk: &[u8], on_piece: &mut dyn FnMut(Piece)) -> Result<(), Broken> {
        let mut choices = None;
        let mut has_usage = false;
        for member in json::members(chunk) {
            let member =
                member.map_err(|_| Broken::Unreadable("the provider sent an event that is no JSON"))?;
            match &*member.key {
                b"error" if !json::is_null(member.value) => return Err(Broken::said(chunk)),
                b"choices" if !json::is_null(member.value) => choices = Some(member.value),
                b"usage" | b"x_groq" => {
                    has_usage |= member.value.starts_with(b"{");
                    self.answer.read_member(&member);
                }
                _ => self.answer.read_member(&member),
            }
        }
        let choices = choices.unwrap_or(b"[]");
        for choice in serde_json::from_slice::<Vec<Choice<'_>>>(choices)? {
            if choice.index.unwrap_or_default() == 0 {
                self.read_choice(choice, on_piece)?;
            }
        }
        if let Some(Ok(choice)) = json::elements(choices).next()
            && json::member(choice, b"usage").is_some_and(|usage| usage.starts_with(b"{"))
        {
            self.answer.read_usage_in(choice);
            has_usage = true;
        }
        if has_usage && let Some(usage) = self.answer.usage() {
            on_piece(Piece::Usage(usage));
        }
        Ok(())
    }

    fn read_choice(&mut self, choice: Choice<'_>, on_piece: &mut dyn FnMut(Piece)) -> Result<(), Broken> {
        if self.has_stopped {
            return Ok(());
        }
        if let Some(delta) = choice.message {
            self.read_delta(delta, on_piece)?;
        }
        let reason = choice.finish_reason.unwrap_or_default();
        if reason.is_empty() {
            return Ok(());
        }
        match Finish::of(&reason, !self.calls.is_empty(), self.is_refused) {
            Finish::Stopped(stop) => self.stop(stop, on_piece),
            Finish::Broken => Err(Broken::Unreadable("the provider broke the answer off")),
        }
    }

    fn read_delta(&mut self, delta: Message<'_>, on_piece: &mut dyn FnMut(Piece)) -> Result<(), Broken> {
        self.say(delta.thoughts(), Piece::Thinking, on_piece)?;
        self.say(delta.text()?, Piece::Text, on_piece)?;
        let refusal = delta.refusal.unwrap_or_default().into_owned();
        self.is_refused |= !refusal.is_empty();
        self.say(refusal, Piece::Text, on_piece)?;
        for call in delta.tool_calls.into_iter().flatten() {
            self.calls.push(call_delta(call)?, on_piece)?;
        }
        if let Some(function) = delta.function_call {
            let delta = CallDelta {
                index: Some(FUNCTION_CALL),
                id: String::new(),
                arguments: function.more()?,
                name: function.name.unwrap_or_default().into_owned(),
                is_text: false,
            };
            self.calls.push(delta, on_piece)?;
        }
        Ok(())
    }

    fn say(
        &mut self,
        text: String,
        piece: fn(String) -> Piece,
        on_piece: &mut dyn FnMut(Piece),
    ) -> Result<(), Broken> {
        if !text.is_empty() {
            let length = text.len();
            self.calls.push_other(piece(text), length, on_piece)?;
        }
        Ok(())
    }

    /// Tells why the model stopped, behind all that it said. Only the first counts.
    fn stop(&mut self, stop: Stop, on_piece: &mut dyn FnMut(Piece)) -> Result<(), Broken> {
        if std::mem::replace(&mut self.has_stopped, true) {
            return Ok(());
        }
        self.calls.finish(on_piece)?;
        let stop = match stop {
            Stop::EndTurn if !self.calls.is_empty() => Stop::ToolUse,
            stop => stop,
        };
        on_piece(Piece::Stop(stop));
        Ok(())
    }
}

fn call_delta(call: Call<'_>) -> Result<CallDelta, serde_json::Error> {
    let is_text = call.custom.is_some();
    let (name, arguments) = match (call.custom, call.function) {
        (Some(custom), _) => (custom.name, custom.input.unwrap_or_default().into_owned()),
        (None, Some(function)) => {
            let more = function.more()?;
            (function.name, more)
        }
        (None, None) => (None, String::new()),
    };
    Ok(CallDelta {
        index: call.index,
        id: call.id.unwrap_or_default().into_owned(),
        name: name.unwrap_or_default().into_owned(),
        is_text,
        arguments,
    })
}

impl Broken {
    fn said(data: &[u8]) -> Self {
        let said = error::read(data).map(|error| error.message);
        Self::Said {
            kind: error::kind(data),
            message: said.unwrap_or_else(|| "The model's provider broke the answer off".to_owned()),
        }
    }
}

impl From<Broken> for Piece {
    fn from(broken: Broken) -> Self {
        let (kind, message) = match broken {
            Broken::Said { kind, message } => (kind, message),
            Broken::Unreadable(problem) => (ErrorKind::BadGateway, problem.to_owned()),
        };
        Self::Error { kind, message }
    }
}

impl From<Entangled> for Broken {
    fn from(_: Entangled) -> Self {
        Self::Unreadable("the provider sent tool calls that cannot be told apart")
    }
}

impl From<serde_json::Error> for Broken {
    fn from(_: serde_json::Error) -> Self {
        Self::Unreadable("the provider sent a chunk that cannot be read")
    }
}
