use std::collections::HashMap;
use std::time::Duration;

use gateway_domain::{Fault, FaultClass, FaultReach, RateLimits, Timestamp, TokenCounts};

use super::bucket::Bucket;
use super::dice::Dice;
use super::plan::{AccountPlan, Ailment};
use super::traffic::{Script, Turn};

/// Below this nothing is cached, in tokens.
const SHORTEST_CACHED: u64 = 1_024;
/// How long it takes to say no.
const REFUSAL: Duration = Duration::from_millis(300);
/// How long the gateway waits for a connection and for a stream's first content.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CONTENT_TIMEOUT: Duration = Duration::from_secs(60);

const FIRST_TOKEN_SECONDS: f64 = 0.6;
const UNCACHED_TOKENS_PER_SECOND: f64 = 12_000.0;
const CACHED_TOKENS_PER_SECOND: f64 = 150_000.0;
const OUTPUT_TOKENS_PER_SECOND: f64 = 70.0;

/// A simulated account at a provider like Anthropic.
#[derive(Debug)]
pub(crate) struct Account {
    plan: AccountPlan,
    requests: Bucket,
    input_tokens: Bucket,
    output_tokens: Bucket,
    /// What its prompt cache holds, by the hash of the preamble or the conversation.
    cached: HashMap<u64, Cached>,
    open: u32,
}

#[derive(Debug, Clone, Copy)]
struct Cached {
    tokens: u64,
    expires: Duration,
}

/// How an account answers a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Fails {
        after: Duration,
        fault: Fault,
    },
    Serves {
        ttft: Duration,
        /// From the first content to the end.
        takes: Duration,
        limits: Box<RateLimits>,
        tokens: TokenCounts,
    },
}

impl Account {
    pub(crate) fn new(plan: AccountPlan) -> Self {
        Self {
            requests: Bucket::full(plan.requests_per_minute),
            input_tokens: Bucket::full(plan.input_tokens_per_minute),
            output_tokens: Bucket::full(plan.output_tokens_per_minute),
            cached: HashMap::new(),
            open: 0,
            plan,
        }
    }

    pub(crate) fn ailment(&self, now: Duration) -> Option<Ailment> {
        self.plan.ailment(now)
    }

    /// Answers a turn. What is served has to be ended with [`Self::served`].
    pub(crate) fn ask(
        &mut self,
        script: &Script,
        turn: &Turn,
        now: Duration,
        time: Timestamp,
        dice: &mut Dice,
    ) -> Reply {
        if let Some(ailment) = self.ailment(now) {
            return ail(ailment);
        }
        if self.plan.max_concurrency.is_some_and(|limit| limit <= self.open) {
            return fails(
                REFUSAL,
                Fault::new(FaultClass::Burst, "too many requests at once"),
            );
        }
        for bucket in self.buckets() {
            bucket.refill(now);
        }
        let tokens = self.tokens(script, turn, now);
        let counted = (tokens.total_input() - tokens.cache_read) as f64;
        let waits = [
            self.requests.wait_for(1.0),
            self.input_tokens.wait_for(counted),
            // Output is not known yet: it is enough that some is left.
            self.output_tokens.wait_for(1.0),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            // Said in whole seconds.
            let wait = Duration::from_secs(wait.as_secs() + 1);
            let fault = Fault {
                reach: FaultReach::ModelFamily,
                ..Fault::new(FaultClass::Quota, "would exceed the rate limit").retry_after(wait)
            };
            return fails(REFUSAL, fault);
        }
        self.requests.take(1.0);
        self.input_tokens.take(counted);
        let (ttft, takes) = self.times(&tokens, dice);
        self.open += 1;
        Reply::Serves {
            ttft,
            takes,
            limits: Box::new(self.limits(time)),
            tokens,
        }
    }

    /// The first content is out: from now on others can read what it has put into the cache.
    pub(crate) fn has_begun(&mut self, script: &Script, turn: &Turn, now: Duration) {
        let Some(lifetime) = script.cache_lifetime else {
            return;
        };
        let expires = now + lifetime;
        let mut keep = |hash, tokens| {
            if tokens >= SHORTEST_CACHED {
                self.cached.insert(hash, Cached { tokens, expires });
            }
        };
        keep(script.conversation, turn.prompt_tokens);
        if let Some(preamble) = script.preamble {
            keep(preamble.hash, preamble.tokens);
        }
    }

    /// The answer is out.
    pub(crate) fn served(&mut self, tokens: &TokenCounts, now: Duration) {
        self.open -= 1;
        self.output_tokens.refill(now);
        self.output_tokens.take(tokens.output as f64);
    }

    fn buckets(&mut self) -> [&mut Bucket; 3] {
        [
            &mut self.requests,
            &mut self.input_tokens,
            &mut self.output_tokens,
        ]
    }

    fn limits(&self, time: Timestamp) -> RateLimits {
        RateLimits {
            requests: Some(self.requests.told(time)),
            input_tokens: Some(self.input_tokens.told(time)),
            output_tokens: Some(self.output_tokens.told(time)),
            ..RateLimits::default()
        }
    }

    fn tokens(&self, script: &Script, turn: &Turn, now: Duration) -> TokenCounts {
        let mut tokens = TokenCounts {
            output: turn.output_tokens,
            ..TokenCounts::default()
        };
        match script.cache_lifetime {
            Some(lifetime) if turn.prompt_tokens >= SHORTEST_CACHED => {
                tokens.cache_read = self.cached_tokens(script, now);
                let written = turn.prompt_tokens - tokens.cache_read;
                if lifetime > Duration::from_secs(300) {
                    tokens.cache_write_1h = written;
                } else {
                    tokens.cache_write_5m = written;
                }
            }
            _ => tokens.input = turn.prompt_tokens,
        }
        tokens
    }

    fn cached_tokens(&self, script: &Script, now: Duration) -> u64 {
        let alive = |hash: u64| self.cached.get(&hash).filter(|cached| now < cached.expires);
        let of_conversation = alive(script.conversation);
        let of_preamble = script.preamble.and_then(|preamble| alive(preamble.hash));
        of_conversation.or(of_preamble).map_or(0, |cached| cached.tokens)
    }

    fn times(&self, tokens: &TokenCounts, dice: &mut Dice) -> (Duration, Duration) {
        let uncached = (tokens.total_input() - tokens.cache_read) as f64;
        let reading =
            uncached / UNCACHED_TOKENS_PER_SECOND + tokens.cache_read as f64 / CACHED_TOKENS_PER_SECOND;
        let load = 1.0 + f64::from(self.open) / 40.0;
        let ttft = (FIRST_TOKEN_SECONDS + reading) * load * self.plan.slowness * dice.noise(0.3);
        let takes = tokens.output as f64 / OUTPUT_TOKENS_PER_SECOND * dice.noise(0.15);
        (Duration::from_secs_f64(ttft), Duration::from_secs_f64(takes))
    }
}

fn ail(ailment: Ailment) -> Reply {
    match ailment {
        Ailment::Unreachable => fails(
            CONNECT_TIMEOUT,
            Fault::new(FaultClass::Transport, "no connection"),
        ),
        Ailment::Errors => fails(REFUSAL, Fault::new(FaultClass::Server, "status 500")),
        Ailment::Hangs => fails(
            CONTENT_TIMEOUT,
            Fault::new(FaultClass::Transport, "no content came"),
        ),
    }
}

/// The provider as a whole has too much to do.
pub(crate) fn overloaded() -> Reply {
    fails(REFUSAL, Fault::new(FaultClass::Overload, "overloaded"))
}

fn fails(after: Duration, fault: Fault) -> Reply {
    Reply::Fails { after, fault }
}
