use std::time::Duration;

use gateway_domain::{FaultClass, ProviderKind, UpstreamAccount};

use crate::health::window::Window;

/// How long a provider counts as strained after its last overload.
const STRAIN: Duration = Duration::from_secs(5);
/// Overloads within the window that do not come by chance.
const FEW: u32 = 3;

/// What accounts at the same provider and address have in common: they are overloaded together.
#[derive(Debug)]
pub(crate) struct Service {
    provider: ProviderKind,
    base_url: String,
    window: Window,
    strained_until: Duration,
}

impl Service {
    pub(crate) fn of(account: &UpstreamAccount) -> Self {
        Self {
            provider: account.provider,
            base_url: account.base_url.clone(),
            window: Window::default(),
            strained_until: Duration::ZERO,
        }
    }

    pub(crate) fn runs(&self, account: &UpstreamAccount) -> bool {
        self.provider == account.provider && self.base_url == account.base_url
    }

    pub(crate) fn answered(&mut self, now: Duration) {
        self.window.at(now).answered += 1;
    }

    /// An overload of one account is weighed for all of them: a fifth of a minute's answers strain the service.
    pub(crate) fn failed(&mut self, class: FaultClass, now: Duration) {
        if class != FaultClass::Overload {
            return;
        }
        self.window.at(now).refused += 1;
        let tally = self.window.tally(now);
        if tally.refused >= FEW && tally.refused.saturating_mul(5) >= tally.total() {
            self.strained_until = now.saturating_add(STRAIN);
        }
    }

    pub(crate) fn is_strained(&self, now: Duration) -> bool {
        now < self.strained_until
    }
}
