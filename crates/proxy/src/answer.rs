use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::AnswerStream;

/// What the client gets, ready to be sent.
pub struct Answer {
    /// The status line's number.
    pub status: StatusCode,
    /// Every header but those of the framing.
    pub headers: HeaderMap,
    /// The body, whole or as it comes.
    pub body: AnswerBody,
}

/// An answer's body.
pub enum AnswerBody {
    /// All of it.
    Whole(Bytes),
    /// As it comes from the provider; dropping it cancels the request there.
    Stream(Box<AnswerStream>),
}
