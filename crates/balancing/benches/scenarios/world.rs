use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use gateway_balancing::{Delivery, Prompt, Rates};
use gateway_domain::{Fault, FaultClass, Timestamp, TokenCounts};

use super::account::{Account, Reply, overloaded};
use super::contenders::{Ask, Contender, Entry, Pick};
use super::dice::Dice;
use super::outcome::Outcome;
use super::plan::Scenario;
use super::traffic::{Script, Turn, scripts};

/// When every simulation begins.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// Those of a model like Claude Sonnet.
pub(crate) const RATES: Rates = Rates {
    input: 3e-6,
    output: 15e-6,
    cache_read: 0.3e-6,
    cache_write: 3.75e-6,
    cache_write_long: 6e-6,
};

const MAX_ATTEMPTS: u32 = 3;
/// How often a client sends a turn before it goes on without an answer.
const MAX_SENDS: u32 = 10;
/// Before an overloaded account is asked again.
const OVERLOAD_PAUSE: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(30);
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// What the gateway expects of an answer that it cannot foresee.
const USUAL_OUTPUT_TOKENS: u64 = 300;

/// Plays a scenario of some `turns` turns through.
pub(crate) fn run(scenario: &Scenario, contender: &Entry, turns: usize, seed: u64) -> Outcome {
    let scripts = scripts(&scenario.traffic, turns, seed);
    let mut world = World {
        scenario,
        seed,
        contender: (contender.enter)(contender.name, scenario.accounts, seed),
        accounts: scenario.accounts.iter().copied().map(Account::new).collect(),
        requests: Vec::new(),
        events: BinaryHeap::new(),
        number: 0,
        open_scripts: scripts.len(),
        now: Duration::ZERO,
        outcome: Outcome::default(),
        scripts: &scripts,
    };
    for (index, script) in scripts.iter().enumerate() {
        if let Some(begins) = script.begins {
            world.at(begins, Event::Turn(index, 0));
        }
    }
    world.at(PROBE_EVERY, Event::Probes);
    world.run();
    world.outcome.ttfts.sort_unstable();
    world.outcome
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A turn of a script comes.
    Turn(usize, usize),
    /// The client sends a request again.
    SentAgain(usize),
    /// The gateway asks an overloaded provider again.
    TriedAgain(usize),
    WaitedTooLong(usize),
    Content(usize),
    Ends(usize),
    Fails(usize),
    Probes,
}

struct World<'a> {
    scenario: &'a Scenario,
    seed: u64,
    scripts: &'a [Script],
    contender: Box<dyn Contender>,
    accounts: Vec<Account>,
    requests: Vec<Request>,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    /// Of the newest event: those of the same time come in the order in which they were made.
    number: u64,
    open_scripts: usize,
    now: Duration,
    outcome: Outcome,
}

struct Request {
    script: usize,
    turn: usize,
    prompt: Prompt,
    wanted_at: Duration,
    asked_at: Duration,
    waits_since: Option<Duration>,
    sends: u32,
    attempts: u32,
    tried: Vec<usize>,
    /// Of those tried, the ones that were overloaded.
    overloaded: Vec<usize>,
    account: usize,
    reply: Option<Reply>,
}

impl<'a> World<'a> {
    fn run(&mut self) {
        while self.open_scripts > 0 {
            let Some(Reverse((now, _, event))) = self.events.pop() else {
                return;
            };
            self.now = now;
            self.contender.pass(now);
            match event {
                Event::Turn(script, turn) => self.begin(script, turn),
                Event::SentAgain(request) => self.send(request),
                Event::TriedAgain(request) => self.ask(request),
                Event::WaitedTooLong(request) => self.wait_ended(request),
                Event::Content(request) => self.content(request),
                Event::Ends(request) => self.ends(request),
                Event::Fails(request) => self.fails(request),
                Event::Probes => self.probe(),
            }
            for (request, pick) in self.contender.turns() {
                self.picked(request, pick);
            }
        }
    }

    fn at(&mut self, time: Duration, event: Event) {
        self.number += 1;
        self.events.push(Reverse((time, self.number, event)));
    }

    fn begin(&mut self, script: usize, turn: usize) {
        let number = self.requests.len();
        self.requests.push(Request {
            script,
            turn,
            prompt: self.estimate(script, turn),
            wanted_at: self.now,
            asked_at: self.now,
            waits_since: None,
            sends: 0,
            attempts: 0,
            tried: Vec::new(),
            overloaded: Vec::new(),
            account: 0,
            reply: None,
        });
        self.send(number);
    }

    /// What the gateway makes of the prompt: it does not count as the provider does, and is off by about as much
    /// throughout a conversation.
    fn estimate(&self, script: usize, turn: usize) -> Prompt {
        let mut dice = self.dice(script, turn, 0);
        let script = &self.scripts[script];
        let off = |text: u64| Dice::of(self.seed, text).between(0.87, 1.13);
        let mut about = |tokens: u64, text: u64, spread: f64| {
            (tokens as f64 * off(text) * dice.between(1.0 - spread, 1.0 + spread)) as u64
        };
        Prompt {
            input_tokens: about(script.turns[turn].prompt_tokens, script.conversation, 0.02),
            output_tokens: USUAL_OUTPUT_TOKENS,
            delivery: if script.cache_lifetime.is_some() {
                Delivery::Streamed
            } else {
                Delivery::Whole
            },
            conversation: Some(script.conversation),
            preamble: script.preamble.map(|preamble| gateway_balancing::Preamble {
                tokens: about(preamble.tokens, preamble.hash, 0.0),
                ..preamble
            }),
            cache_lifetime: script.cache_lifetime,
            pin: None,
        }
    }

    /// The same luck for the same turn, whoever balances and whenever it comes.
    fn dice(&self, script: usize, turn: usize, attempt: u32) -> Dice {
        let place = (script as u64) << 24 | (turn as u64) << 8 | u64::from(attempt);
        Dice::of(self.seed, place + 1_000)
    }

    fn send(&mut self, number: usize) {
        let request = &mut self.requests[number];
        request.sends += 1;
        request.attempts = 0;
        request.tried.clear();
        request.overloaded.clear();
        self.ask(number);
    }

    fn ask(&mut self, number: usize) {
        let request = &self.requests[number];
        let script = &self.scripts[request.script];
        let pick = self.contender.pick(&Ask {
            request: number,
            key: script.key,
            session: script.session,
            prompt: request.prompt,
            tried: &request.tried,
        });
        self.picked(number, pick);
    }

    fn picked(&mut self, number: usize, pick: Pick) {
        self.requests[number].waits_since = None;
        match pick {
            Pick::Waits => {
                self.requests[number].waits_since = Some(self.now);
                self.at(self.now + MAX_WAIT, Event::WaitedTooLong(number));
            }
            Pick::Account(account) => self.attempt(number, account),
            Pick::None { retry_after } => {
                let request = &mut self.requests[number];
                if request.overloaded.is_empty() {
                    self.refuse(number, retry_after);
                } else {
                    let overloaded = std::mem::take(&mut request.overloaded);
                    request.tried.retain(|account| !overloaded.contains(account));
                    self.at(self.now + OVERLOAD_PAUSE, Event::TriedAgain(number));
                }
            }
        }
    }

    fn attempt(&mut self, number: usize, account: usize) {
        let request = &self.requests[number];
        let (script, turn) = (request.script, request.turn);
        let mut dice = self.dice(script, turn, request.sends * MAX_ATTEMPTS + request.attempts + 1);
        let is_overloaded = self
            .scenario
            .overload
            .is_some_and(|times| times.contain(self.now));
        let reply = if is_overloaded && dice.happens(0.67) {
            overloaded()
        } else {
            let script = &self.scripts[script];
            let time = START + self.now;
            self.accounts[account].ask(script, &script.turns[turn], self.now, time, &mut dice)
        };
        match &reply {
            Reply::Fails { after, .. } => self.at(self.now + *after, Event::Fails(number)),
            Reply::Serves { ttft, takes, .. } => {
                let is_whole = self.requests[number].prompt.delivery == Delivery::Whole;
                let content = if is_whole { *ttft + *takes } else { *ttft };
                self.at(self.now + content, Event::Content(number));
            }
        }
        let request = &mut self.requests[number];
        request.attempts += 1;
        request.tried.push(account);
        request.account = account;
        request.asked_at = self.now;
        request.reply = Some(reply);
    }

    fn content(&mut self, number: usize) {
        let (script, turn) = self.said(number);
        let request = &self.requests[number];
        self.accounts[request.account].has_begun(script, turn, self.now);
        let Some(Reply::Serves { takes, limits, .. }) = &request.reply else {
            return;
        };
        let (takes, limits) = (*takes, **limits);
        if request.prompt.delivery == Delivery::Streamed {
            let ttft = self.now - request.asked_at;
            self.outcome.ttfts.push(self.now - request.wanted_at);
            self.contender.answering(number, Some(ttft), limits);
            self.at(self.now + takes, Event::Ends(number));
        } else {
            self.contender.answering(number, None, limits);
            self.ends(number);
        }
    }

    fn ends(&mut self, number: usize) {
        let request = &self.requests[number];
        let Some(Reply::Serves { tokens, .. }) = request.reply else {
            return;
        };
        self.accounts[request.account].served(&tokens, self.now);
        self.contender.succeeded(number, &tokens);
        self.outcome.turns += 1;
        self.outcome.usd += usd(&tokens);
        self.outcome.input_tokens += tokens.total_input();
        self.outcome.cache_read_tokens += tokens.cache_read;
        self.go_on(number);
    }

    fn fails(&mut self, number: usize) {
        let Some(Reply::Fails { fault, .. }) = self.requests[number].reply.take() else {
            return;
        };
        let account = self.requests[number].account;
        self.contender.failed(number, account, &fault);
        if matches!(fault.class, FaultClass::Quota | FaultClass::Burst) {
            self.outcome.refusals += 1;
        }
        let request = &mut self.requests[number];
        if fault.class == FaultClass::Overload {
            request.overloaded.push(account);
        }
        if request.attempts < MAX_ATTEMPTS {
            self.ask(number);
        } else {
            self.refuse(number, fault.retry_after);
        }
    }

    fn wait_ended(&mut self, number: usize) {
        if self.requests[number].waits_since == Some(self.now - MAX_WAIT) {
            self.requests[number].waits_since = None;
            self.contender.stop_waiting(number);
            self.refuse(number, None);
        }
    }

    /// The client sees an error. It sends the turn again after a while, as the providers' own libraries do.
    fn refuse(&mut self, number: usize, retry_after: Option<Duration>) {
        self.outcome.errors += 1;
        let request = &self.requests[number];
        if request.sends >= MAX_SENDS {
            self.go_on(number);
            return;
        }
        let own = Duration::from_millis(500) * 2_u32.pow(request.sends.min(5) - 1);
        let wait = retry_after
            .unwrap_or_default()
            .min(Duration::from_secs(60))
            .max(own);
        let late = self.dice(request.script, request.turn, 0).between(1.0, 1.25);
        self.at(self.now + wait.mul_f64(late), Event::SentAgain(number));
    }

    /// Whatever follows on the turn.
    fn go_on(&mut self, number: usize) {
        let request = &self.requests[number];
        let (index, next) = (request.script, request.turn + 1);
        let (script, turn) = self.said(number);
        for started in &turn.starts {
            let pause = self.scripts[*started].turns[0].pause;
            self.at(self.now + pause, Event::Turn(*started, 0));
        }
        match script.turns.get(next) {
            Some(turn) => self.at(self.now + turn.pause, Event::Turn(index, next)),
            None => self.open_scripts -= 1,
        }
    }

    fn probe(&mut self) {
        for account in self.contender.due_for_probe() {
            let outcome = match self.accounts[account].ailment(self.now) {
                None => Ok(()),
                Some(_) => Err(Fault::new(FaultClass::Transport, "no answer")),
            };
            self.contender.probed(account, outcome);
        }
        self.at(self.now + PROBE_EVERY, Event::Probes);
    }

    fn said(&self, number: usize) -> (&'a Script, &'a Turn) {
        let request = &self.requests[number];
        let script = &self.scripts[request.script];
        (script, &script.turns[request.turn])
    }
}

/// What is billed.
fn usd(tokens: &TokenCounts) -> f64 {
    let cost = |tokens: u64, rate: f32| tokens as f64 * f64::from(rate);
    cost(tokens.input, RATES.input)
        + cost(tokens.cache_read, RATES.cache_read)
        + cost(tokens.cache_write_5m, RATES.cache_write)
        + cost(tokens.cache_write_1h, RATES.cache_write_long)
        + cost(tokens.output, RATES.output)
}
