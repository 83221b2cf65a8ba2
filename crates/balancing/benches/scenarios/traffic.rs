use std::time::Duration;

use gateway_balancing::Preamble;

use super::dice::Dice;

/// Programs that agents are made with: each has a system prompt and tools of its own.
const PROGRAMS: u64 = 4;
const MINUTES_5: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3_600);

/// How clients behave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) keys: u64,
    pub(crate) conversations_per_minute: f64,
    /// Small requests that stand alone and are not cached, for each conversation.
    pub(crate) one_shots: f64,
    /// How likely a turn starts sub-agents.
    pub(crate) sub_agents: f64,
    /// How many conversations are cached for an hour rather than for five minutes.
    pub(crate) hour_caches: f64,
    pub(crate) rhythm: Rhythm,
}

/// How evenly clients come.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rhythm {
    Even,
    /// Most of them in the first minute of every four.
    Bursts,
}

/// What one conversation says, whoever serves it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) key: u64,
    /// Sub-agents share that of the conversation that started them.
    pub(crate) session: u64,
    pub(crate) conversation: u64,
    pub(crate) preamble: Option<Preamble>,
    pub(crate) cache_lifetime: Option<Duration>,
    /// `None` when a turn of another conversation starts it.
    pub(crate) begins: Option<Duration>,
    pub(crate) turns: Vec<Turn>,
}

#[derive(Debug)]
pub(crate) struct Turn {
    /// How long it comes after the answer to the turn before.
    pub(crate) pause: Duration,
    pub(crate) prompt_tokens: u64,
    pub(crate) output_tokens: u64,
    /// The scripts that begin when it is answered.
    pub(crate) starts: Vec<usize>,
}

/// Clients that take some `turns` turns, all together.
pub(crate) fn scripts(traffic: &Traffic, turns: usize, seed: u64) -> Vec<Script> {
    let mut writer = Writer {
        traffic,
        dice: Dice::of(seed, 1),
        scripts: Vec::new(),
        turns: 0,
    };
    let mut now = 0.0;
    while writer.turns < turns {
        let gap = writer.dice.gap(60.0 / traffic.conversations_per_minute);
        now += gap / traffic.rhythm.pace(now);
        let begins = Duration::from_secs_f64(now);
        writer.conversation(begins);
        let mut one_shots = traffic.one_shots;
        while one_shots > 0.0 {
            if writer.dice.happens(one_shots) {
                let later = writer.dice.between(0.0, 60.0 / traffic.conversations_per_minute);
                writer.one_shot(begins + Duration::from_secs_f64(later));
            }
            one_shots -= 1.0;
        }
    }
    writer.scripts
}

impl Rhythm {
    fn pace(self, now: f64) -> f64 {
        match self {
            Self::Bursts if now % 240.0 < 60.0 => 3.0,
            Self::Bursts => 0.33,
            Self::Even => 1.0,
        }
    }
}

struct Writer<'a> {
    traffic: &'a Traffic,
    dice: Dice,
    scripts: Vec<Script>,
    turns: usize,
}

impl Writer<'_> {
    fn conversation(&mut self, begins: Duration) {
        let lifetime = if self.dice.happens(self.traffic.hour_caches) {
            HOUR
        } else {
            MINUTES_5
        };
        let origin = Origin {
            key: self.dice.draw() % self.traffic.keys,
            session: self.dice.draw(),
            preamble: preamble(self.dice.draw() % PROGRAMS),
            cache_lifetime: Some(lifetime),
        };
        let count = 8 + self.dice.gap(22.0) as usize;
        let mut turns = self.agent_turns(origin.preamble.tokens, count, Speaker::User);
        for turn in &mut turns {
            if self.dice.happens(self.traffic.sub_agents) {
                for _ in 0..self.dice.tokens(1, 4) {
                    turn.starts.push(self.scripts.len());
                    self.sub_agent(&origin);
                }
            }
        }
        self.scripts
            .push(origin.script(origin.session, Some(begins), turns));
    }

    fn sub_agent(&mut self, origin: &Origin) {
        let count = self.dice.tokens(3, 11) as usize;
        let turns = self.agent_turns(origin.preamble.tokens, count, Speaker::Agent);
        let conversation = self.dice.draw();
        self.scripts.push(origin.script(conversation, None, turns));
    }

    fn one_shot(&mut self, begins: Duration) {
        self.turns += 1;
        let session = self.dice.draw();
        self.scripts.push(Script {
            key: self.dice.draw() % self.traffic.keys,
            session,
            conversation: session,
            preamble: None,
            cache_lifetime: None,
            begins: Some(begins),
            turns: vec![Turn {
                pause: Duration::ZERO,
                prompt_tokens: self.dice.tokens(200, 3_000),
                output_tokens: self.dice.tokens(50, 500),
                starts: Vec::new(),
            }],
        });
    }

    fn agent_turns(&mut self, preamble_tokens: u64, count: usize, speaker: Speaker) -> Vec<Turn> {
        self.turns += count;
        let mut prompt_tokens = preamble_tokens + self.dice.tokens(300, 3_000);
        (0..count)
            .map(|_| {
                let pause = if speaker == Speaker::User && self.dice.happens(0.15) {
                    20.0 + self.dice.gap(90.0)
                } else {
                    self.dice.between(1.0, 12.0)
                };
                let turn = Turn {
                    pause: Duration::from_secs_f64(pause),
                    prompt_tokens,
                    output_tokens: 60 + self.dice.gap(250.0) as u64,
                    starts: Vec::new(),
                };
                // The answer, and what the tool or the user says to it.
                prompt_tokens += turn.output_tokens + 100 + self.dice.gap(1_200.0) as u64;
                turn
            })
            .collect()
    }
}

/// Who goes on after an answer: a person thinks now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    User,
    Agent,
}

/// What a conversation and the sub-agents that it starts have in common.
struct Origin {
    key: u64,
    session: u64,
    preamble: Preamble,
    cache_lifetime: Option<Duration>,
}

impl Origin {
    fn script(&self, conversation: u64, begins: Option<Duration>, turns: Vec<Turn>) -> Script {
        Script {
            key: self.key,
            session: self.session,
            conversation,
            preamble: Some(self.preamble),
            cache_lifetime: self.cache_lifetime,
            begins,
            turns,
        }
    }
}

fn preamble(program: u64) -> Preamble {
    Preamble {
        hash: 0x5afe_0000 + program,
        tokens: 9_000 + 4_000 * program,
    }
}
