use std::fmt;
use std::time::Duration;

/// Whose fault a failed attempt is, and so what to do about it.
///
/// The class decides what the account suffers and whether another account is tried, and for a quota its
/// [`QuotaWindow`] and [`FaultReach`] for how long and how far; see `docs/ARCHITECTURE.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultClass {
    /// The request itself is wrong; no other account would answer differently.
    Client,
    /// The account's credential is refused or out of credit.
    Credential,
    /// The account's quota is used up until a known time, or until the next month.
    Quota,
    /// Too many requests at once, with no word on when it ends.
    Burst,
    /// The provider as a whole is overloaded.
    Overload,
    /// The provider failed to answer properly.
    Server,
    /// No answer came through: resolving, connecting, TLS, reset or time-out.
    Transport,
    /// The account does not have the model.
    ModelMissing,
}

impl FaultClass {
    /// Every class, in the order of the taxonomy.
    pub const ALL: [Self; 8] = [
        Self::Client,
        Self::Credential,
        Self::Quota,
        Self::Burst,
        Self::Overload,
        Self::Server,
        Self::Transport,
        Self::ModelMissing,
    ];

    /// The word that stands for it in stored rows, reports and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Credential => "credential",
            Self::Quota => "quota",
            Self::Burst => "burst",
            Self::Overload => "overload",
            Self::Server => "server",
            Self::Transport => "transport",
            Self::ModelMissing => "model_missing",
        }
    }

    /// Whether another account may succeed where this one failed.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        !matches!(self, Self::Client)
    }
}

impl fmt::Display for FaultClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Decides what happens next.
    pub class: FaultClass,
    /// One short sentence for an operator, without secrets or prompt text.
    pub reason: String,
    /// How long the provider asked to be left alone, if it said so.
    pub retry_after: Option<Duration>,
    /// How much of the account it concerns.
    pub reach: FaultReach,
    /// Which limit was reached, where one was.
    pub window: QuotaWindow,
}

/// How much of an account a fault concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FaultReach {
    /// All of it.
    #[default]
    Account,
    /// The models that share their limits with the one that was asked for.
    ModelFamily,
}

/// Which of an account's limits was reached; that decides how long a wait is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum QuotaWindow {
    /// Requests or tokens in a short time: an hour at the most.
    #[default]
    Rate,
    /// A signed-in subscription's, or a quota of a day: of hours or days.
    Subscription,
    /// Money in a calendar month: nothing but the next month or the account's owner ends it.
    Spending,
}

impl QuotaWindow {
    /// Every window, the shortest first.
    pub const ALL: [Self; 3] = [Self::Rate, Self::Subscription, Self::Spending];

    /// The word that stands for it in stored rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Subscription => "subscription",
            Self::Spending => "spending",
        }
    }
}

impl fmt::Display for QuotaWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Fault {
    /// A fault without a wish to be left alone.
    pub fn new(class: FaultClass, reason: impl Into<String>) -> Self {
        Self {
            class,
            reason: reason.into(),
            retry_after: None,
            reach: FaultReach::default(),
            window: QuotaWindow::default(),
        }
    }

    /// The same fault, with the time that the provider asked for.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.reason)
    }
}
