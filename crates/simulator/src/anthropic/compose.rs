use gateway_domain::Usage;
use serde_json::{Map, Value, json};

use super::cache::CacheUse;
use super::request::{MessageRequest, Thinking, Tool, call_tokens};
use super::signature::sign;
use super::tokens::{end_of_tokens, tokens};
use crate::draw::Draw;
use crate::reply::{Block, Reply};

/// A finished message, before it is written as JSON or as events.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) content: Vec<Content>,
    pub(crate) stop_reason: String,
    pub(crate) stop_sequence: Option<String>,
    pub(crate) usage: Usage,
    /// How many bytes of content one delta carries.
    pub(crate) delta_bytes: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Text(String),
    /// An empty text is one that was omitted.
    Thinking {
        text: String,
        signature: String,
        tokens: u64,
    },
    /// `input` is JSON.
    ToolUse {
        id: String,
        name: String,
        input: String,
    },
    WebSearch {
        id: String,
        input: String,
    },
    WebSearchResult {
        id: String,
    },
}

impl Content {
    pub(crate) fn tokens(&self) -> u64 {
        match self {
            Self::Text(text) => tokens(text),
            Self::Thinking { tokens, .. } => *tokens,
            Self::ToolUse { name, input, .. } => call_tokens(name, input),
            Self::WebSearch { input, .. } => call_tokens("web_search", input),
            Self::WebSearchResult { .. } => 0,
        }
    }
}

/// Makes messages.
#[derive(Debug)]
pub(crate) struct Composer<'a> {
    pub(crate) request: &'a MessageRequest,
    /// What the content follows from: the same draw gives the same message.
    pub(crate) draw: Draw,
    /// What the ids follow from, which are never the same.
    pub(crate) ids: Draw,
    /// How long an answer is that nobody wrote.
    pub(crate) output_tokens: u64,
    pub(crate) delta_tokens: usize,
}

impl Composer<'_> {
    pub(crate) fn compose(mut self, reply: Option<&Reply>, cache: CacheUse) -> Message {
        let drawn;
        let reply = if let Some(reply) = reply {
            reply
        } else {
            drawn = self.draw_reply();
            &drawn
        };
        let mut content: Vec<Content> = Vec::new();
        for block in &reply.blocks {
            self.add(block, &mut content);
        }
        let called = content
            .iter()
            .any(|block| matches!(block, Content::ToolUse { .. }));
        let stopped = self.cut(&mut content);
        let (stop_reason, stop_sequence) = match (stopped, &reply.stop_reason) {
            (Some(stopped), _) => stopped,
            (None, Some(reason)) => (reason.clone(), None),
            (None, None) if called => ("tool_use".to_owned(), None),
            (None, None) => ("end_turn".to_owned(), None),
        };
        Message {
            id: format!("msg_01{}", self.ids.base62(22)),
            model: self.request.model.id.to_string(),
            usage: self.usage(&content, reply.output_tokens, cache),
            content,
            stop_reason,
            stop_sequence,
            delta_bytes: self.delta_tokens * 4,
        }
    }

    /// A huge text that no limit cuts.
    pub(crate) fn compose_huge(mut self, bytes: usize, cache: CacheUse) -> Message {
        // Pages of prose, which is ASCII.
        let page = self.draw.prose(64 * 1024);
        let mut text = page.repeat(bytes.div_ceil(page.len()));
        text.truncate(bytes);
        let content = vec![Content::Text(text)];
        Message {
            id: format!("msg_01{}", self.ids.base62(22)),
            model: self.request.model.id.to_string(),
            usage: self.usage(&content, None, cache),
            content,
            stop_reason: "end_turn".to_owned(),
            stop_sequence: None,
            delta_bytes: 16 * 1024,
        }
    }

    fn draw_reply(&mut self) -> Reply {
        let mut reply = Reply::new();
        if let Thinking::Shown { budget } | Thinking::Omitted { budget } = self.request.thinking {
            let length = budget.min(64) as usize * 4;
            reply = reply.and_thinking(self.draw.prose(length));
        }
        if self.request.wanted_tools.is_empty() {
            return reply.and_text(self.draw.prose(self.output_tokens as usize * 4));
        }
        reply = reply.and_text("Let me look that up.");
        for tool in &self.request.wanted_tools {
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

    fn add(&mut self, block: &Block, content: &mut Vec<Content>) {
        match block {
            Block::Text(text) => content.push(Content::Text(text.clone())),
            Block::Thinking(text) => content.push(Content::Thinking {
                signature: sign(text),
                tokens: tokens(text),
                text: match self.request.thinking {
                    Thinking::Omitted { .. } => String::new(),
                    Thinking::Off | Thinking::Shown { .. } => text.clone(),
                },
            }),
            Block::ToolUse { name, input } => content.push(Content::ToolUse {
                id: format!("toolu_01{}", self.ids.base62(22)),
                name: name.clone(),
                input: input.to_string(),
            }),
            Block::WebSearch { query } => {
                let id = format!("srvtoolu_01{}", self.ids.base62(22));
                content.push(Content::WebSearch {
                    id: id.clone(),
                    input: json!({ "query": query }).to_string(),
                });
                content.push(Content::WebSearchResult { id });
            }
        }
    }

    /// Ends the content where a stop sequence or `max_tokens` ends it, and says why.
    fn cut(&self, content: &mut Vec<Content>) -> Option<(String, Option<String>)> {
        let mut left = self.request.max_tokens;
        for at in 0..content.len() {
            if let Content::Text(text) = &mut content[at]
                && let Some((end, sequence)) = first_of(text, &self.request.stop_sequences)
                && tokens(&text[..end]) <= left
            {
                text.truncate(end);
                let keep = at + usize::from(end > 0);
                content.truncate(keep);
                return Some(("stop_sequence".to_owned(), Some(sequence)));
            }
            let needed = content[at].tokens();
            if needed > left {
                let keeps_some = left > 0 && shorten(&mut content[at], left);
                content.truncate(at + usize::from(keeps_some));
                return Some(("max_tokens".to_owned(), None));
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
        let whole = (counted + 1).min(self.request.max_tokens.max(counted));
        let mut usage = Usage::default();
        usage.tokens.input = self.request.prompt.tokens - cache.read - cache.write_5m - cache.write_1h;
        usage.tokens.cache_read = cache.read;
        usage.tokens.cache_write_5m = cache.write_5m;
        usage.tokens.cache_write_1h = cache.write_1h;
        usage.tokens.output = output.unwrap_or(whole);
        usage.tokens.reasoning = thinking.min(usage.tokens.output);
        usage.web_searches = content
            .iter()
            .filter(|block| matches!(block, Content::WebSearch { .. }))
            .count() as u64;
        usage.service_tier = Some("standard".to_owned());
        usage.speed.clone_from(&self.request.speed);
        usage.inference_geo.clone_from(&self.request.inference_geo);
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
        Content::Thinking {
            text,
            signature,
            tokens,
        } => {
            text.truncate(end_of_tokens(text, limit));
            *signature = sign(text);
            *tokens = limit;
            true
        }
        Content::ToolUse { .. } | Content::WebSearch { .. } | Content::WebSearchResult { .. } => false,
    }
}

fn first_of(text: &str, sequences: &[String]) -> Option<(usize, String)> {
    sequences
        .iter()
        .filter(|sequence| !sequence.is_empty())
        .filter_map(|sequence| Some((text.find(sequence.as_str())?, sequence.clone())))
        .min_by_key(|(at, _)| *at)
}

/// An input that a JSON schema allows, as far as its types go.
fn sample(schema: &Value, draw: &mut Draw) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("object") => {
            let fields = schema["properties"].as_object();
            let filled: Map<String, Value> = fields
                .into_iter()
                .flatten()
                .map(|(name, field)| (name.clone(), sample(field, draw)))
                .collect();
            Value::Object(filled)
        }
        Some("array") => json!([sample(&schema["items"], draw)]),
        Some("integer") => json!(draw.below(100)),
        Some("number") => json!(draw.below(1_000) as f64 / 10.0),
        Some("boolean") => json!(draw.below(2) == 1),
        Some("null") => Value::Null,
        _ => json!(draw.prose(12).trim_end_matches('.')),
    }
}
