use std::borrow::Cow;
use std::collections::BTreeSet;

use bytes::Bytes;

use super::tool_id::{fit, with_signature};
use super::wrapped_text;
use super::{Part, Piece, PieceReader, PieceWriter, Reply, ReplyTerms, ToolNames, Unreadable};
use crate::{Codec, ErrorAnswer};

/// How the answer to a translated request is told to its client.
#[derive(Clone)]
pub struct WayBack {
    client: &'static dyn Codec,
    upstream: &'static dyn Codec,
    terms: ReplyTerms,
    names: ToolNames,
    /// The client's freeform tools, by its names.
    text_tools: BTreeSet<String>,
}

impl WayBack {
    pub(super) const fn new(
        client: &'static dyn Codec,
        upstream: &'static dyn Codec,
        terms: ReplyTerms,
        names: ToolNames,
        text_tools: BTreeSet<String>,
    ) -> Self {
        Self {
            client,
            upstream,
            terms,
            names,
            text_tools,
        }
    }

    /// Puts a whole answer into the client's dialect.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if it is no answer.
    pub fn reply(&self, body: &[u8]) -> Result<Bytes, Unreadable> {
        let mut reply: Reply = self.upstream.read_reply(body)?;
        let mut ids = CallIds::new(&self.terms.id);
        for part in &mut reply.parts {
            if let Part::ToolCall(call) = part {
                let id = ids.next(&call.id);
                call.id = with_signature(&id, call.signature.as_ref());
                call.name = self.names.ours(&call.name).to_owned();
                if self.text_tools.contains(&call.name) {
                    call.arguments = wrapped_text::unwrap_call(&call.arguments);
                }
            }
        }
        Ok(self.client.write_reply(&reply, &self.terms))
    }

    /// Puts a stream into the client's dialect.
    #[must_use]
    pub fn stream(&self) -> Box<dyn Rewriter + Send> {
        Box::new(Retelling {
            reader: self.upstream.piece_reader(),
            telling: Telling {
                writer: self.client.piece_writer(&self.terms),
                names: self.names.clone(),
                text_tools: self.text_tools.clone(),
                ids: CallIds::new(&self.terms.id),
                held: None,
                is_over: false,
            },
        })
    }
}

impl std::fmt::Debug for WayBack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WayBack")
            .field("client", &self.client.dialect())
            .field("upstream", &self.upstream.dialect())
            .finish_non_exhaustive()
    }
}

/// Characters of an id that every provider takes: OpenAI's chat takes no more.
const MAX_ID: usize = 40;

/// Whether the conversation can go on anywhere with this id.
fn is_fit_for_all(id: &str) -> bool {
    matches!(fit(id, MAX_ID), Cow::Borrowed(_))
}

/// Gives ids to the calls of an answer whose provider gives none, or none that every provider takes.
struct CallIds {
    answer: String,
    calls: usize,
}

impl CallIds {
    fn new(answer: &str) -> Self {
        Self {
            answer: answer.to_owned(),
            calls: 0,
        }
    }

    fn next(&mut self, given: &str) -> String {
        self.calls += 1;
        if is_fit_for_all(given) {
            given.to_owned()
        } else {
            format!("call_{}{}", self.answer, self.calls)
        }
    }
}

/// Changes a stream on its way from the provider to the client, without holding anything back that can be said.
pub trait Rewriter {
    /// Takes the next bytes of the provider's stream and adds what they are for the client to `out`.
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>);

    /// Takes note that the provider's stream has properly ended. Only the first call of this or
    /// [`fail`](Self::fail) counts, and only if the stream did not say so itself.
    fn end(&mut self, out: &mut Vec<u8>);

    /// Ends the client's stream with an error.
    fn fail(&mut self, error: &ErrorAnswer<'_>, out: &mut Vec<u8>);
}

/// A stream told piece by piece in another dialect.
struct Retelling {
    reader: Box<dyn PieceReader + Send>,
    telling: Telling,
}

/// What becomes of each piece.
struct Telling {
    writer: Box<dyn PieceWriter + Send>,
    names: ToolNames,
    text_tools: BTreeSet<String>,
    ids: CallIds,
    /// The arguments so far of a call to a freeform tool that the provider knows as another: what they say in the end
    /// cannot be told before.
    held: Option<String>,
    is_over: bool,
}

impl Rewriter for Retelling {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let Self { reader, telling } = self;
        reader.push(chunk, &mut |piece| telling.tell(piece, out));
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.telling.end(out);
    }

    fn fail(&mut self, error: &ErrorAnswer<'_>, out: &mut Vec<u8>) {
        self.telling.fail(error, out);
    }
}

impl Telling {
    fn tell(&mut self, piece: Piece, out: &mut Vec<u8>) {
        if self.is_over {
            return;
        }
        match piece {
            Piece::ToolCall {
                id,
                name,
                signature,
                is_text,
            } => {
                self.release(out);
                let name = self.names.ours(&name).to_owned();
                let is_wrapped = !is_text && self.text_tools.contains(&name);
                if is_wrapped {
                    self.held = Some(String::new());
                }
                let call = Piece::ToolCall {
                    id: with_signature(&self.ids.next(&id), signature.as_ref()),
                    name,
                    signature,
                    is_text: is_text || is_wrapped,
                };
                self.writer.write(&call, out);
            }
            Piece::Arguments(more) => match &mut self.held {
                Some(held) => held.push_str(&more),
                None => self.writer.write(&Piece::Arguments(more), out),
            },
            Piece::End => self.end(out),
            Piece::Error { kind, message } => {
                let request_id = self.ids.answer.clone();
                let error = ErrorAnswer {
                    kind,
                    message: &message,
                    request_id: &request_id,
                    code: None,
                    retry_after: None,
                };
                self.fail(&error, out);
            }
            piece @ (Piece::Ping | Piece::Usage(_)) => self.writer.write(&piece, out),
            piece => {
                self.release(out);
                self.writer.write(&piece, out);
            }
        }
    }

    /// Tells what was held back.
    fn release(&mut self, out: &mut Vec<u8>) {
        let Some(held) = self.held.take() else { return };
        let text = wrapped_text::unwrap(&held);
        if !text.is_empty() {
            self.writer.write(&Piece::Arguments(text), out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.release(out);
            self.writer.end(out);
        }
    }

    fn fail(&mut self, error: &ErrorAnswer<'_>, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.writer.fail(error, out);
        }
    }
}
