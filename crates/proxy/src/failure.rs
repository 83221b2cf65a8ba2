use std::time::Duration;

use bytes::Bytes;
use gateway_domain::{Fault, FaultClass};
use gateway_protocol::translation::{ProviderError, Untranslatable};
use http::{HeaderMap, StatusCode};

/// A try that brought no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) timed_out: bool,
    /// Whether the provider went away in the middle of an answer.
    pub(crate) was_cut: bool,
    /// Whether the model answered nonsense, as it may not do the next time.
    pub(crate) is_nonsense: bool,
    pub(crate) answer: Option<ErrorFromProvider>,
}

/// The error answer of a provider.
#[derive(Debug)]
pub(crate) struct ErrorFromProvider {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) words: Words,
}

/// How much of a provider's error answer a client may see.
#[derive(Debug)]
pub(crate) enum Words {
    /// The body as it is.
    AsTheyAre,
    /// What it says, in the client's dialect.
    Told(ProviderError),
    /// Nothing.
    Hidden,
}

impl Failure {
    pub(crate) fn new(fault: Fault) -> Box<Self> {
        Box::new(Self {
            fault,
            timed_out: false,
            was_cut: false,
            is_nonsense: false,
            answer: None,
        })
    }

    /// An answer that came to its end and is none.
    pub(crate) fn nonsense(reason: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            is_nonsense: true,
            ..*Self::new(Fault::new(FaultClass::Server, reason))
        })
    }

    /// A call that the server does not have, and that cannot be said in those that it has.
    pub(crate) fn unspeakable(error: &Untranslatable) -> Box<Self> {
        let said = ProviderError {
            message: error.to_string(),
            is_too_long: false,
        };
        Box::new(Self {
            answer: Some(ErrorFromProvider {
                status: StatusCode::BAD_REQUEST,
                headers: HeaderMap::new(),
                body: Bytes::new(),
                words: Words::Told(said),
            }),
            ..*Self::new(Fault::new(
                FaultClass::Client,
                "the server does not have this call",
            ))
        })
    }

    pub(crate) fn transport(reason: impl Into<String>) -> Box<Self> {
        Self::new(Fault::new(FaultClass::Transport, reason))
    }

    /// An answer that broke off.
    pub(crate) fn cut(fault: Fault) -> Box<Self> {
        Box::new(Self {
            was_cut: true,
            ..*Self::new(fault)
        })
    }

    pub(crate) fn timed_out(what: &str, after: Duration) -> Box<Self> {
        let fault = Fault::new(
            FaultClass::Transport,
            format!("no {what} within {} s", after.as_secs()),
        );
        Box::new(Self {
            timed_out: true,
            ..*Self::new(fault)
        })
    }

    /// Whether the provider had taken the request and may charge for it, though it did not answer.
    pub(crate) const fn may_be_charged(&self) -> bool {
        self.timed_out || self.was_cut
    }

    /// Whether the server seems to have no such call at all.
    pub(crate) fn is_of_a_missing_route(&self) -> bool {
        let status = self.status().map(|status| status.as_u16());
        self.fault.class != FaultClass::ModelMissing && matches!(status, Some(404 | 405 | 501))
    }

    /// The provider's status, if it answered at all.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.answer.as_ref().map(|answer| answer.status)
    }
}
