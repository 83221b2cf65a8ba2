use std::time::Duration;

use gateway_domain::{AccountId, ApiKey, FaultClass, ProviderKind, UserId};

/// What a request needs of the account that serves it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Whose request it is.
    pub user_id: UserId,
    /// The key that it came with.
    pub key: &'a ApiKey,
    /// The model as the client names it.
    pub model: &'a str,
    /// The providers that can answer in the client's dialect.
    pub providers: &'a [ProviderKind],
    /// The accounts that have had their try.
    pub tried: &'a [AccountId],
    /// What is known of the prompt.
    pub prompt: Prompt,
}

/// What is known of a request's prompt without reading it as its provider does.
///
/// The default knows nothing, which is enough for every strategy but `smart`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prompt {
    /// All input tokens, as an estimate.
    pub input_tokens: u64,
    /// The output tokens that are to be expected.
    pub output_tokens: u64,
    /// How the answer comes.
    pub delivery: Delivery,
    /// The same for every turn of one conversation of one key, and for nothing else.
    pub conversation: Option<u64>,
    /// What other conversations begin with as well: system prompt and tools.
    pub preamble: Option<Preamble>,
    /// How long its provider keeps what the request puts into a prompt cache; `None` if it puts nothing there.
    pub cache_lifetime: Option<Duration>,
    /// Names something that one account holds, such as a container or a file: no other can serve the request.
    pub pin: Option<u64>,
}

/// How an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// In one piece, when all of it is there.
    #[default]
    Whole,
    /// As it is made: the first content tells how fast the account answers.
    Streamed,
    /// Not at all: only the prompt's tokens are counted. That is free, under limits of its own, and says nothing about
    /// whether the account could answer; it takes no place, waits for none, and ends no rest.
    Counted,
}

/// The beginning of a prompt that other conversations have in common with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preamble {
    /// The same for equal preambles.
    pub hash: u64,
    /// Its length, as an estimate.
    pub tokens: u64,
}

/// Why no account can be leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAccount {
    /// No account of this user or of everybody's serves the model.
    #[error("no account serves the model")]
    NotServed,
    /// The key may not use the model, or none of the accounts that serve it.
    #[error("the key may not use the model or the accounts that serve it")]
    NotAllowed,
    /// The accounts rest after faults, and none for a reason that is worth a try all the same.
    #[error("every account that serves the model is down: {class}")]
    AllDown {
        /// What the client should hear of: the most hopeful of the reasons, in the order quota and burst, overload,
        /// server, transport, credential, missing model.
        class: FaultClass,
        /// When the first account that rests for that reason is back; at least a second.
        retry_after: Option<Duration>,
    },
    /// Some account is well, but all such have as many requests open as they may; or waiting for the one that holds
    /// the conversation costs less than another account. [`Pool::wait`](crate::Pool::wait) waits for a place.
    #[error("every account that serves the model is at its concurrency limit")]
    AllBusy,
    /// Each account has had its try.
    #[error("every account that serves the model was tried")]
    AllTried,
    /// Too many requests wait for a place already.
    #[error("too many requests wait for a place at an account")]
    QueueFull,
}
