//! The seam between the simulator and the dialects that it speaks: a new one is a folder that implements [`Dialect`],
//! and a line in [`Dialects::new`].

use std::fmt;

use bytes::Bytes;
use gateway_domain::{ProviderKind, Timestamp};

use crate::anthropic::Anthropic;
use crate::ask::Ask;
use crate::draft::Draft;
use crate::error::ApiError;
use crate::gemini::Gemini;
use crate::headers::{HeaderLines, Told};
use crate::openai::{Chat, Responses};
use crate::organization::{Entry, Organization};
use crate::record::Billed;
use crate::script::Endpoint;
use crate::wire::Head;

/// Everything that one provider does in its own way: its paths, its checks, its words.
pub(crate) trait Dialect: fmt::Debug + Send + Sync {
    /// Whose dialect it is.
    fn provider(&self) -> ProviderKind;

    /// Whether a path is of this dialect and of no other.
    fn owns(&self, path: &str) -> bool;

    /// Whether headers or query tell this dialect, where the path does not.
    fn is_marked(&self, head: &Head) -> bool;

    /// What is found at a path; `None` if there is nothing.
    fn call<'p>(&self, path: &'p str) -> Option<Call<'p>>;

    /// What the request says that it is paid with.
    fn credential<'h>(&self, head: &'h Head) -> Option<&'h str>;

    /// Refuses a request for what its head lacks, such as a good credential.
    fn admit(&self, head: &Head, is_accepted: bool) -> Result<(), ApiError>;

    /// Reads and checks a request for an answer.
    fn read(&self, asked: Asked<'_>) -> Result<Box<dyn Accepted>, ApiError>;

    /// The answer to a request that only counts a prompt.
    fn count(&self, asked: Asked<'_>) -> Result<Vec<u8>, ApiError>;

    /// A page of the models on offer.
    fn models(&self, query: &str) -> Result<Vec<u8>, ApiError>;

    /// One of the models on offer.
    fn model(&self, id: &str) -> Result<Vec<u8>, ApiError>;

    /// A page of what the organisation used or owes.
    fn report(&self, report: Report, query: &str, reported: &Reported<'_>) -> Result<Vec<u8>, ApiError> {
        let _ = (report, query, reported);
        Err(ApiError::usual(404))
    }

    /// The body of an error answer.
    fn error_body(&self, error: &ApiError, request_id: &str) -> Vec<u8>;

    /// The error of this `error.type` or what stands in its place, with its status.
    fn error_of_kind(&self, kind: &str) -> ApiError;

    /// The headers of every answer, but for those of framing.
    fn put_headers(&self, lines: &mut HeaderLines<'_>, told: &Told<'_>);

    /// The `content-type` of an answer in one piece.
    fn content_type(&self) -> &'static str {
        "application/json"
    }
}

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call<'p> {
    /// An answer of a model.
    Create,
    /// The length of a prompt.
    Count,
    /// The list of models.
    Models,
    /// One model, by its id.
    Model(&'p str),
    /// What the organisation used or owes.
    Report(Report),
}

/// A report that an organisation's admin reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// Tokens.
    Usage,
    /// Money.
    Costs,
}

/// What an organisation's reports say by now.
#[derive(Debug)]
pub(crate) struct Reported<'a> {
    pub(crate) organization: &'a Organization,
    pub(crate) entries: &'a [Entry],
    pub(crate) now: Timestamp,
}

impl Reported<'_> {
    /// What was used on the day that begins there, in seconds since 1970.
    pub(crate) fn of_day(&self, day: i64) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.day == day)
    }
}

impl Call<'_> {
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Self::Create | Self::Count => "POST",
            Self::Models | Self::Model(_) | Self::Report(_) => "GET",
        }
    }

    pub(crate) const fn endpoint(self) -> Endpoint {
        match self {
            Self::Create => Endpoint::Messages,
            Self::Count => Endpoint::CountTokens,
            Self::Models | Self::Model(_) => Endpoint::Models,
            Self::Report(_) => Endpoint::Reports,
        }
    }
}

/// A request that has come in whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) head: &'a Head,
    /// Without its content encoding.
    pub(crate) body: &'a Bytes,
    pub(crate) at: Timestamp,
}

/// A request for an answer that the provider accepts.
pub(crate) trait Accepted {
    /// What it asks for.
    fn ask(&self) -> &Ask;

    /// Gives an answer the form that the request wants.
    fn write(self: Box<Self>, draft: Draft) -> Written;
}

/// An answer of a model in its dialect.
pub(crate) enum Written {
    Whole(Vec<u8>),
    Events(Box<dyn Events>),
}

/// A stream, written event by event, so that a fault finds its place in it and an open stream costs no more than
/// its text.
pub(crate) trait Events: fmt::Debug + Send + Sync {
    fn content_type(&self) -> &'static str;

    /// Appends the next event to `out`; `None` after the last.
    fn next(&mut self, out: &mut Vec<u8>) -> Option<Event>;

    /// What the provider bills for the events so far.
    fn billed(&self) -> Billed;

    /// Appends the event that says that the stream has failed.
    fn fail(&mut self, error: &ApiError, request_id: &str, out: &mut Vec<u8>);

    /// What breaks a silence; empty in a dialect that has nothing to break it with.
    fn ping(&self) -> &'static [u8];
}

/// What an event is, as far as the pace depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// What comes before the model has said anything.
    Head,
    /// The first that follows from what the model says.
    FirstContent,
    /// A later one with content.
    Delta,
    /// Any other.
    Frame,
}

/// The dialects of a simulator.
#[derive(Debug)]
pub(crate) struct Dialects(Vec<Box<dyn Dialect>>);

impl Dialects {
    /// All that there are; with `only`, they serve these models and no others.
    pub(crate) fn new(only: Option<&[String]>) -> Self {
        // The last one takes what none of the others knows as its own.
        Self(vec![
            Box::new(Gemini::new(only)),
            Box::new(Anthropic::new(only)),
            Box::new(Responses::new(only)),
            Box::new(Chat::new(only)),
        ])
    }

    /// The dialect of a request: by its path, else by its headers and query.
    pub(crate) fn of(&self, head: &Head) -> &dyn Dialect {
        let path = head.path();
        let owner = self.0.iter().find(|dialect| dialect.owns(path));
        owner
            .or_else(|| self.0.iter().find(|dialect| dialect.is_marked(head)))
            .map_or_else(|| self.usual(), Box::as_ref)
    }

    /// The dialect of those who do not say which.
    pub(crate) fn usual(&self) -> &dyn Dialect {
        self.0.last().expect("there are dialects").as_ref()
    }
}
