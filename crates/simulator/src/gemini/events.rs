use gateway_domain::TokenCounts;
use serde_json::{Value, json};

use super::answer::{Answer, Finish, Part};
use super::request::Framing;
use super::{ApiError, error};
use crate::dialect::{Event, Events};
use crate::record::Billed;
use crate::tokens::tokens;

/// An answer as a stream of chunks, each an answer of its own; written one by one.
#[derive(Debug)]
pub(super) struct Chunks {
    answer: Answer,
    framing: Framing,
    /// The next part, and how much of it was written.
    at: usize,
    from: usize,
    stage: Stage,
    /// Tokens of what was said and thought in the chunks so far.
    said: u64,
    thought: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Start,
    Parts,
    Done,
}

impl Chunks {
    pub(super) fn new(answer: Answer, framing: Framing) -> Self {
        let shown = |part: &Part| match part {
            Part::Thought(text) => tokens(text),
            Part::Text(_) | Part::Call { .. } => 0,
        };
        let shown: u64 = answer.parts.iter().map(shown).sum();
        Self {
            // What is thought in silence is thought before the first chunk.
            thought: answer.usage.tokens.reasoning.saturating_sub(shown),
            answer,
            framing,
            at: 0,
            from: 0,
            stage: Stage::Start,
            said: 0,
        }
    }

    /// The next piece of the next part; whether it is the answer's end.
    fn piece(&mut self) -> (Option<Value>, bool) {
        let is_last = self.at + 1 == self.answer.parts.len();
        let Some(part) = self.answer.parts.get(self.at) else {
            return (None, true);
        };
        let (text, is_thought) = match part {
            Part::Text(text) => (text, false),
            Part::Thought(text) => (text, true),
            Part::Call { .. } => {
                self.said += part.tokens();
                let call = part.to_json();
                self.at += 1;
                return (Some(call), is_last);
            }
        };
        let mut end = (self.from + self.answer.delta_bytes).min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let piece = text[self.from..end].to_owned();
        self.from = end;
        if end == text.len() {
            self.at += 1;
            self.from = 0;
        }
        if is_thought {
            self.thought += tokens(&piece);
            (Some(Part::Thought(piece).to_json()), false)
        } else {
            self.said += tokens(&piece);
            (Some(Part::Text(piece).to_json()), false)
        }
    }

    /// The last chunk, with what is left to say.
    fn last(&self, piece: Option<Value>) -> Value {
        let mut parts: Vec<Value> = piece.into_iter().collect();
        if parts.is_empty() && !self.answer.parts.is_empty() {
            parts.push(json!({"text": ""}));
        }
        if let Finish::Candidate {
            signature: Some(signature),
            ..
        } = &self.answer.finish
            && let Some(last) = parts.last_mut()
        {
            last["thoughtSignature"] = signature.as_str().into();
        }
        let candidate = self.answer.last_candidate(&parts);
        self.answer.envelope(candidate, &self.answer.usage.tokens)
    }

    fn frame(&self, chunk: &Value, is_last: bool, out: &mut Vec<u8>) {
        let is_first = self.stage == Stage::Start;
        match self.framing {
            Framing::ServerSent => out.extend_from_slice(b"data: "),
            Framing::Array => out.extend_from_slice(if is_first { b"[" } else { b",\r\n" }),
        }
        serde_json::to_writer(&mut *out, chunk)
            .expect("a value is always JSON, and a vector takes every byte");
        match self.framing {
            Framing::ServerSent => out.extend_from_slice(b"\r\n\r\n"),
            Framing::Array if is_last => out.extend_from_slice(b"]"),
            Framing::Array => {}
        }
    }

    /// What the provider counts for the chunks so far.
    fn counted(&self) -> TokenCounts {
        let mut counted = self.answer.usage.tokens;
        if self.stage != Stage::Done {
            let reasoning = self.thought.min(counted.reasoning);
            counted.output = (reasoning + self.said).min(counted.output);
            counted.reasoning = reasoning;
        }
        counted
    }
}

impl Events for Chunks {
    fn content_type(&self) -> &'static str {
        match self.framing {
            Framing::ServerSent => "text/event-stream",
            Framing::Array => "application/json; charset=UTF-8",
        }
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Option<Event> {
        if self.stage == Stage::Done {
            return None;
        }
        let is_first = self.stage == Stage::Start;
        let (piece, is_last) = self.piece();
        let has_piece = piece.is_some();
        let chunk = match piece {
            Some(piece) if !is_last => {
                let candidate = Answer::candidate(&piece);
                self.answer.envelope(Some(candidate), &self.counted())
            }
            piece => self.last(piece),
        };
        self.frame(&chunk, is_last, out);
        self.stage = if is_last { Stage::Done } else { Stage::Parts };
        Some(match (is_first, has_piece) {
            (true, _) => Event::FirstContent,
            (false, true) => Event::Delta,
            (false, false) => Event::Frame,
        })
    }

    fn billed(&self) -> Billed {
        if self.stage == Stage::Start {
            return Billed::default();
        }
        Billed {
            messages: 1,
            tokens: self.counted(),
            web_searches: self.answer.usage.web_searches,
        }
    }

    fn fail(&mut self, error: &ApiError, _request_id: &str, out: &mut Vec<u8>) {
        self.frame(&error::body(error), true, out);
    }

    /// A client of this dialect takes every line for a chunk.
    fn ping(&self) -> &'static [u8] {
        b""
    }
}
