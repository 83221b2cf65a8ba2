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
    /// Some account is well, but all such have as many requests open as they may.
    #[error("every account that serves the model is at its concurrency limit")]
    AllBusy,
    /// Each account has had its try.
    #[error("every account that serves the model was tried")]
    AllTried,
}

/// What was thought of one account for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consideration {
    /// The account.
    pub account_id: AccountId,
    /// Why it was passed over, in words; `None` for those among which the strategy picks.
    pub reason: Option<String>,
}
