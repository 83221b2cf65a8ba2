use std::time::Duration;

use super::traffic::{Rhythm, Traffic};

/// Accounts, clients and troubles that are played through.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) accounts: &'static [AccountPlan],
    pub(crate) traffic: Traffic,
    /// When the provider has too much to do, and refuses two requests of three.
    pub(crate) overload: Option<Times>,
}

/// What an account is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccountPlan {
    pub(crate) weight: u16,
    /// Told to the gateway too.
    pub(crate) max_concurrency: Option<u32>,
    pub(crate) requests_per_minute: u64,
    pub(crate) input_tokens_per_minute: u64,
    pub(crate) output_tokens_per_minute: u64,
    /// Times the usual time to first token.
    pub(crate) slowness: f64,
    pub(crate) ailments: &'static [(Ailment, Times)],
}

/// What is wrong with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ailment {
    /// Connecting times out.
    Unreachable,
    /// It answers with status 500.
    Errors,
    /// It takes requests and sends no content.
    Hangs,
}

/// From a second on for so many seconds, and perhaps again every so often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    from: u64,
    lasts: u64,
    every: u64,
}

impl Times {
    const fn once(from: u64, lasts: u64) -> Self {
        Self {
            from,
            lasts,
            every: u64::MAX,
        }
    }

    pub(crate) fn contain(self, now: Duration) -> bool {
        let since = now.as_secs().checked_sub(self.from);
        since.is_some_and(|since| since % self.every < self.lasts)
    }
}

impl AccountPlan {
    const fn allowing(input_tokens_per_minute: u64) -> Self {
        Self {
            weight: 1,
            max_concurrency: None,
            requests_per_minute: input_tokens_per_minute / 500,
            input_tokens_per_minute,
            output_tokens_per_minute: input_tokens_per_minute / 5,
            slowness: 1.0,
            ailments: &[],
        }
    }

    const fn ailing(self, ailments: &'static [(Ailment, Times)]) -> Self {
        Self { ailments, ..self }
    }

    const fn limited_to(self, max_concurrency: u32) -> Self {
        Self {
            max_concurrency: Some(max_concurrency),
            ..self
        }
    }

    const fn slower(self, slowness: f64) -> Self {
        Self { slowness, ..self }
    }

    pub(crate) fn ailment(&self, now: Duration) -> Option<Ailment> {
        let current = self.ailments.iter().find(|(_, times)| times.contain(now));
        current.map(|(ailment, _)| *ailment)
    }
}

const AMPLE: AccountPlan = AccountPlan::allowing(2_000_000);

const USUAL: Traffic = Traffic {
    keys: 6,
    conversations_per_minute: 4.0,
    one_shots: 6.0,
    sub_agents: 0.02,
    hour_caches: 0.1,
    rhythm: Rhythm::Even,
};

/// Every scenario there is.
pub(crate) static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "steady",
        accounts: &[AMPLE, AMPLE, AMPLE.slower(1.3), AMPLE],
        traffic: USUAL,
        overload: None,
    },
    Scenario {
        name: "bursty",
        accounts: &[AccountPlan::allowing(90_000).limited_to(10); 5],
        traffic: Traffic {
            conversations_per_minute: 7.0,
            rhythm: Rhythm::Bursts,
            ..USUAL
        },
        overload: None,
    },
    Scenario {
        name: "one account down",
        accounts: &[
            AMPLE,
            AMPLE.ailing(&[
                (Ailment::Unreachable, Times::once(180, 240)),
                (Ailment::Hangs, Times::once(420, 180)),
            ]),
            AMPLE,
            AMPLE,
        ],
        traffic: USUAL,
        overload: None,
    },
    Scenario {
        name: "flapping account",
        accounts: &[
            AMPLE,
            AMPLE,
            AMPLE.ailing(&[(
                Ailment::Errors,
                Times {
                    from: 60,
                    lasts: 20,
                    every: 60,
                },
            )]),
        ],
        traffic: USUAL,
        overload: None,
    },
    Scenario {
        name: "unequal quotas",
        accounts: &[
            AccountPlan::allowing(30_000),
            AccountPlan::allowing(30_000),
            AccountPlan::allowing(100_000),
            AccountPlan::allowing(240_000),
        ],
        traffic: Traffic {
            conversations_per_minute: 6.0,
            ..USUAL
        },
        overload: None,
    },
    Scenario {
        name: "cache-heavy agents",
        accounts: &[AccountPlan::allowing(200_000); 8],
        traffic: Traffic {
            one_shots: 1.0,
            sub_agents: 0.12,
            hour_caches: 0.3,
            ..USUAL
        },
        overload: None,
    },
    Scenario {
        name: "provider overload",
        accounts: &[AMPLE; 4],
        traffic: USUAL,
        overload: Some(Times {
            from: 90,
            lasts: 15,
            every: 180,
        }),
    },
];
