use std::time::Duration;

use bytes::Bytes;

use crate::error::ApiError;
use crate::{Fault, Reply};

/// How one request is answered: with what, how fast, and with which faults.
///
/// Everything that a script does not say stays as the simulator does it on its own.
///
/// ```
/// use std::time::Duration;
/// use gateway_simulator::{Fault, Point, Script};
///
/// let overloaded = Script::status(529);
/// let quota = Script::status(429).header("retry-after", "30");
/// let broken = Script::text("Half of a sentence").fault(Fault::Reset(Point::InEvent(4)));
/// let slow = Script::new().head_after(Duration::from_millis(200));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub(crate) answer: Answer,
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) pace: Pace,
}

/// What a script answers with.
#[derive(Debug, Clone, Default)]
pub(crate) enum Answer {
    /// Whatever follows from the request.
    #[default]
    Drawn,
    Reply(Reply),
    Error(ApiError),
    Raw {
        status: u16,
        content_type: String,
        body: Bytes,
    },
}

/// Which requests a script is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Endpoint {
    /// Where a model answers: `POST /v1/messages` and its like in other dialects.
    #[default]
    Messages,
    /// Where a prompt is counted: `POST /v1/messages/count_tokens` and its like.
    CountTokens,
    /// Where models are listed: `GET /v1/models`, `GET /v1/models/{id}` and their like.
    Models,
    /// Where an organisation's usage and costs are reported.
    Reports,
    /// Every request, of whatever path.
    Every,
}

impl Endpoint {
    pub(crate) fn covers(self, asked: Self) -> bool {
        self == Self::Every || self == asked
    }
}

/// The delays of an answer; a zero is no delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// Before the status line.
    pub head: Duration,
    /// Between the head of a stream (such as `message_start` and a `ping`) and its first content.
    pub first_content: Duration,
    /// Between two content deltas of a stream.
    pub between: Duration,
    /// Of silence, after which another `ping` is sent, in a dialect that has one.
    pub ping_every: Duration,
}

impl Pace {
    /// This pace, with `other` wherever this one says nothing.
    pub(crate) fn or(self, other: Self) -> Self {
        let pick = |own: Duration, other: Duration| if own.is_zero() { other } else { own };
        Self {
            head: pick(self.head, other.head),
            first_content: pick(self.first_content, other.first_content),
            between: pick(self.between, other.between),
            ping_every: pick(self.ping_every, other.ping_every),
        }
    }

    /// The pace of an answer in one piece: its head comes when a stream of so many deltas would end.
    pub(crate) fn of_a_whole(self, deltas: u32) -> Self {
        Self {
            head: self
                .head
                .saturating_add(self.first_content)
                .saturating_add(self.between.saturating_mul(deltas)),
            ..Self::default()
        }
    }
}

impl Script {
    /// A script that changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers with this text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::reply(Reply::text(text))
    }

    /// Answers with this content.
    #[must_use]
    pub fn reply(reply: Reply) -> Self {
        Self::with(Answer::Reply(reply))
    }

    /// Refuses with this status, in the words that the provider has for it.
    ///
    /// No `retry-after` and no `anthropic-ratelimit-*` header is sent unless it is added by
    /// [`retry_after`](Self::retry_after) or [`header`](Self::header). The request is not checked in any way, not even its credential.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::with(Answer::Error(ApiError::usual(status)))
    }

    /// Answers with these bytes, such as a proxy's HTML page.
    #[must_use]
    pub fn raw(status: u16, content_type: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self::with(Answer::Raw {
            status,
            content_type: content_type.into(),
            body: body.into(),
        })
    }

    fn with(answer: Answer) -> Self {
        Self {
            answer,
            ..Self::default()
        }
    }

    /// Replaces the message of a refusal, as in "Your credit balance is too low". Nothing on other scripts.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        if let Answer::Error(error) = &mut self.answer {
            error.message = Some(message.into());
        }
        self
    }

    /// Replaces the `error.type` of a refusal, or what a dialect has in its place. Nothing on other scripts.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        if let Answer::Error(error) = &mut self.answer {
            error.kind = Some(kind.into());
        }
        self
    }

    /// Gives a refusal `details.error_code`, as in `enforced_spend_limit_reached`, or what a dialect has for programs to
    /// read: at Gemini's, the reason, as in `API_KEY_INVALID`, or the quota that was used up. Nothing on other scripts.
    #[must_use]
    pub fn error_code(mut self, code: impl Into<String>) -> Self {
        if let Answer::Error(error) = &mut self.answer {
            error.error_code = Some(code.into());
        }
        self
    }

    /// Makes a refusal ask the client to wait, in the way that the dialect has for it. Nothing on other scripts.
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        if let Answer::Error(error) = &mut self.answer {
            error.retry_after = Some(wait);
        }
        self
    }

    /// Adds a header to the answer, in place of one of that name that the simulator would send.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a fault; several may be combined where that makes sense.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Waits before the status line.
    #[must_use]
    pub const fn head_after(mut self, delay: Duration) -> Self {
        self.pace.head = delay;
        self
    }

    /// Waits between the head of the stream and its first content.
    #[must_use]
    pub const fn content_after(mut self, delay: Duration) -> Self {
        self.pace.first_content = delay;
        self
    }

    /// Waits between two content deltas.
    #[must_use]
    pub const fn between_chunks(mut self, delay: Duration) -> Self {
        self.pace.between = delay;
        self
    }

    /// Sends a `ping` after every such silence.
    #[must_use]
    pub const fn ping_every(mut self, silence: Duration) -> Self {
        self.pace.ping_every = silence;
        self
    }

    /// Makes the script one for another endpoint than [`Endpoint::Messages`].
    #[must_use]
    pub const fn on(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = endpoint;
        self
    }
}
