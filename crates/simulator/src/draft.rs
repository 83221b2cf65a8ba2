use gateway_domain::Usage;
use serde_json::json;

use crate::ask::{Ask, Thinking, Tool, call_tokens};
use crate::cache::CacheUse;
use crate::draw::Draw;
use crate::reply::{Block, Reply};
use crate::sample::sample;
use crate::tokens::{end_of_tokens, tokens};

/// A finished answer, before a dialect gives it its form.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) content: Vec<Content>,
    pub(crate) stop: Stop,
    pub(crate) usage: Usage,
    /// How many bytes of content one delta carries.
    pub(crate) delta_bytes: usize,
    /// What the ids follow from, which are never the same.
    pub(crate) ids: Draw,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Text(String),
    Thinking {
        text: String,
        /// Whether the client is to see the text.
        is_shown: bool,
        tokens: u64,
    },
    /// `input` is JSON.
    ToolUse {
        name: String,
        input: String,
    },
    /// `input` is JSON. The result comes along, and costs no tokens.
    WebSearch {
        input: String,
    },
}

/// Why an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// For the reason that a script gives, in its words.
    Scripted(String),
    EndOfTurn,
    /// The model waits for the results of its calls.
    ToolUse,
    MaxTokens,
    /// The stop sequence of the request that came up.
    Sequence(String),
}

impl Content {
    pub(crate) fn tokens(&self) -> u64 {
        match self {
            Self::Text(text) => tokens(text),
            Self::Thinking { tokens, .. } => *tokens,
            Self::ToolUse { name, input } => call_tokens(name, input),
            Self::WebSearch { input } => call_tokens("web_search", input),
        }
    }

    /// What the client sees of it, piece by piece.
    fn shown(&self) -> &str {
        match self {
            Self::Thinking { is_shown: false, .. } => "",
            Self::Text(text)
            | Self::Thinking { text, .. }
            | Self::ToolUse { input: text, .. }
            | Self::WebSearch { input: text } => text,
        }
    }
}

impl Draft {
    /// How many content deltas a stream of it has.
    pub(crate) fn deltas(&self) -> usize {
        self.content
            .iter()
            .map(|content| content.shown().len().div_ceil(self.delta_bytes))
            .sum()
    }
}

/// Makes answers.
#[derive(Debug)]
pub(crate) struct Composer<'a> {
    pub(crate) ask: &'a Ask,
    /// What the content follows from: the same draw gives the same answer.
    pub(crate) draw: Draw,
    /// What the ids follow from, which are never the same.
    pub(crate) ids: Draw,
    /// How long an answer is that nobody wrote.
    pub(crate) output_tokens: u64,
    pub(crate) delta_tokens: usize,
}

impl Composer<'_> {
    pub(crate) fn compose(mut self, reply: Option<&Reply>, cache: CacheUse) -> Draft {
        let drawn;
        let is_drawn = reply.is_none();
        let reply = if let Some(reply) = reply {
            reply
        } else {
            drawn = self.draw_reply();
            &drawn
        };
        let mut content: Vec<Content> = reply
            .blocks
            .iter()
            .map(|block| self.content(block, is_drawn))
            .collect();
        let called = content
            .iter()
            .any(|block| matches!(block, Content::ToolUse { .. }));
        let stop = match (self.cut(&mut content), &reply.stop_reason) {
            (Some(stop), _) => stop,
            (None, Some(reason)) => Stop::Scripted(reason.clone()),
            (None, None) if called => Stop::ToolUse,
            (None, None) => Stop::EndOfTurn,
        };
        Draft {
            usage: self.usage(&content, reply.output_tokens, cache),
            content,
            stop,
            delta_bytes: self.delta_tokens * 4,
            ids: self.ids,
        }
    }

    /// A huge text that no limit cuts.
    pub(crate) fn compose_huge(mut self, bytes: usize, cache: CacheUse) -> Draft {
        // Pages of prose, which is ASCII.
        let page = self.draw.prose(64 * 1024);
        let mut text = page.repeat(bytes.div_ceil(page.len()));
        text.truncate(bytes);
        let content = vec![Content::Text(text)];
        Draft {
            usage: self.usage(&content, None, cache),
            content,
            stop: Stop::EndOfTurn,
            delta_bytes: 16 * 1024,
            ids: self.ids,
        }
    }

    fn draw_reply(&mut self) -> Reply {
        let mut reply = Reply::new();
        if let Thinking::Shown { budget } | Thinking::Omitted { budget } | Thinking::Scripted { budget } =
            self.ask.thinking
        {
            let length = budget.min(64) as usize * 4;
            reply = reply.and_thinking(self.draw.prose(length));
        }
        if self.ask.wanted_tools.is_empty() {
            let text = match &self.ask.schema {
                Some(schema) => sample(schema, &mut self.draw).to_string(),
                None => self.draw.prose(self.output_tokens as usize * 4),
            };
            return reply.and_text(text);
        }
        reply = reply.and_text("Let me look that up.");
        for tool in &self.ask.wanted_tools {
            reply = match tool {
                Tool::Client { name, input_schema } => {
                    reply.and_tool_use(name.clone(), sample(input_schema, &mut self.draw))
                }
                Tool::WebSearch => {
                    let found = self.draw.prose(80);
                    reply.and_web_search("what is new").and_text(found)
                }
            };
        }
        reply
    }

    fn content(&self, block: &Block, is_drawn: bool) -> Content {
        match block {
            Block::Text(text) => Content::Text(text.clone()),
            Block::Thinking(text) => Content::Thinking {
                tokens: tokens(text),
                text: text.clone(),
                is_shown: match self.ask.thinking {
                    Thinking::Off | Thinking::Shown { .. } => true,
                    Thinking::Omitted { .. } => false,
                    Thinking::Scripted { .. } => !is_drawn,
                },
            },
            Block::ToolUse { name, input } => Content::ToolUse {
                name: name.clone(),
                input: input.to_string(),
            },
            Block::WebSearch { query } => Content::WebSearch {
                input: json!({ "query": query }).to_string(),
            },
        }
    }

    /// Ends the content where a stop sequence or the limit of tokens ends it, and says why.
    fn cut(&self, content: &mut Vec<Content>) -> Option<Stop> {
        let mut left = self.ask.max_tokens;
        for at in 0..content.len() {
            if let Content::Text(text) = &mut content[at]
                && let Some((end, sequence)) = first_of(text, &self.ask.stop_sequences)
                && tokens(&text[..end]) <= left
            {
                text.truncate(end);
                let keep = at + usize::from(end > 0);
                content.truncate(keep);
                return Some(Stop::Sequence(sequence));
            }
            let needed = content[at].tokens();
            if needed > left {
                let keeps_some = left > 0 && shorten(&mut content[at], left);
                content.truncate(at + usize::from(keeps_some));
                return Some(Stop::MaxTokens);
            }
            left -= needed;
        }
        None
    }

    fn usage(&self, content: &[Content], output: Option<u64>, cache: CacheUse) -> Usage {
        let thinking: u64 = content
            .iter()
            .filter(|block| matches!(block, Content::Thinking { .. }))
            .map(Content::tokens)
            .sum();
        let counted: u64 = content.iter().map(Content::tokens).sum();
        // The end of the turn is a token too, where there is room for it.
        let whole = (counted + 1).min(self.ask.max_tokens.max(counted));
        let mut usage = Usage::default();
        usage.tokens.input = self.ask.prompt.tokens - cache.read - cache.write_5m - cache.write_1h;
        usage.tokens.cache_read = cache.read;
        usage.tokens.cache_write_5m = cache.write_5m;
        usage.tokens.cache_write_1h = cache.write_1h;
        usage.tokens.output = output.unwrap_or(whole);
        usage.tokens.reasoning = thinking.min(usage.tokens.output);
        usage.web_searches = content
            .iter()
            .filter(|block| matches!(block, Content::WebSearch { .. }))
            .count() as u64;
        usage
    }
}

/// Cuts a block to so many tokens; `false` when there is no such thing as a part of it.
fn shorten(block: &mut Content, limit: u64) -> bool {
    match block {
        Content::Text(text) => {
            text.truncate(end_of_tokens(text, limit));
            true
        }
        Content::Thinking { text, tokens, .. } => {
            text.truncate(end_of_tokens(text, limit));
            *tokens = limit;
            true
        }
        Content::ToolUse { .. } | Content::WebSearch { .. } => false,
    }
}

fn first_of(text: &str, sequences: &[String]) -> Option<(usize, String)> {
    sequences
        .iter()
        .filter(|sequence| !sequence.is_empty())
        .filter_map(|sequence| Some((text.find(sequence.as_str())?, sequence.clone())))
        .min_by_key(|(at, _)| *at)
}
