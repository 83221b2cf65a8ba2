use std::sync::Arc;

use bytes::Bytes;
use gateway_domain::FaultClass;
use gateway_metering::Outcome;
use gateway_protocol::Codec;
use http::{HeaderMap, StatusCode};

use crate::entry::Entry;
use crate::readers::Readers;
use crate::relay::Relay;
use crate::{Answer, AnswerBody, AnswerStream};

/// What a call came to.
pub(crate) enum Decided {
    /// An answer in one piece; its books are closed.
    Answered(Whole),
    /// A stream whose first content is there.
    Streaming {
        status: StatusCode,
        headers: HeaderMap,
        relay: Box<Relay>,
    },
    /// No account gave an answer.
    Refused(Box<Refused>),
}

/// An answer in one piece.
pub(crate) struct Whole {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An error answer, and the books that stay open until it is known what the client gets to see of it.
pub(crate) struct Refused {
    answer: Whole,
    entry: Entry,
    class: Option<FaultClass>,
}

impl Decided {
    /// The answer for a client that has seen nothing yet; should it be a stream, its reader is watched.
    pub(crate) fn into_answer(self, readers: &Arc<Readers>) -> Answer {
        match self {
            Self::Answered(whole) => whole.into(),
            Self::Streaming {
                status,
                headers,
                relay,
            } => Answer {
                status,
                headers,
                body: AnswerBody::Stream(Box::new(AnswerStream::relaying(relay, readers))),
            },
            Self::Refused(refused) => refused.into_whole().into(),
        }
    }
}

impl Refused {
    pub(crate) const fn new(answer: Whole, entry: Entry, class: Option<FaultClass>) -> Self {
        Self { answer, entry, class }
    }

    fn into_whole(mut self) -> Whole {
        let status = self.answer.status;
        self.entry.settle(Outcome::Error, Some(status), self.class, None);
        self.answer
    }

    /// The last event for a client that was sent the head of a stream already.
    pub(crate) fn into_event(mut self, codec: &dyn Codec) -> Bytes {
        self.entry
            .settle(Outcome::Error, Some(StatusCode::OK), self.class, None);
        codec.error_event_of(&self.answer.body)
    }
}

impl From<Whole> for Answer {
    fn from(whole: Whole) -> Self {
        Self {
            status: whole.status,
            headers: whole.headers,
            body: AnswerBody::Whole(whole.body),
        }
    }
}
