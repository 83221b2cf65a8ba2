use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::translation::{
    Conversation, Dropped, Origin, Part, Role, Signature, Thought, ToolCall, ToolNames, ToolResult, Turn,
    Untranslatable, fit_tool_id,
};

use crate::anthropic::translate::MAX_CALL_ID;

use super::generation::{Generation, ThinkingStyle};
use super::media::{self, Source};

/// What the user says first where nobody else does: Anthropic's conversations begin with the user.
const OPENING: &str = "(The conversation begins here.)";

#[derive(Serialize)]
pub(super) struct Message<'a> {
    #[serde(serialize_with = "role")]
    pub(super) role: Role,
    content: Vec<Block<'a>>,
    /// Stand before the rest, whenever they come.
    #[serde(skip)]
    results: Vec<Block<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Image {
        source: Source<'a>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Input<'a>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<ResultContent<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Input<'a> {
    Object(&'a RawValue),
    /// The text for a freeform tool, in the one field of its schema.
    Text {
        input: &'a RawValue,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ResultContent<'a> {
    Text(&'a str),
    Blocks(Vec<Block<'a>>),
}

fn role<S: Serializer>(role: &Role, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    })
}

impl<'a> Block<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text { text: text.into() }
    }

    const fn is_thinking(&self) -> bool {
        matches!(self, Self::Thinking { .. } | Self::RedactedThinking { .. })
    }
}

impl Message<'_> {
    pub(super) fn begins_with_thinking(&self) -> bool {
        self.content.first().is_some_and(Block::is_thinking)
    }

    pub(super) fn calls_tools(&self) -> bool {
        let is_call = |block: &Block<'_>| matches!(block, Block::ToolUse { .. });
        self.content.iter().any(is_call)
    }
}

/// What was said so far, in Anthropic's turns.
pub(super) struct Messages<'a> {
    pub(super) system: Vec<Block<'a>>,
    pub(super) messages: Vec<Message<'a>>,
}

impl<'a> Messages<'a> {
    pub(super) fn write(
        conversation: &'a Conversation,
        generation: Generation,
        names: &'a ToolNames,
        dropped: &mut Dropped,
    ) -> Result<Self, Untranslatable> {
        let mut writer = Writer {
            generation,
            names,
            dropped,
            system: Vec::new(),
            messages: Vec::new(),
            unanswered: HashSet::new(),
        };
        for text in &conversation.system {
            if writer.says_something(text) {
                writer.system.push(Block::text(text));
            }
        }
        for turn in &conversation.turns {
            writer.turn(turn)?;
        }
        writer.finish()
    }
}

struct Writer<'a, 'd> {
    generation: Generation,
    names: &'a ToolNames,
    dropped: &'d mut Dropped,
    system: Vec<Block<'a>>,
    messages: Vec<Message<'a>>,
    /// Calls whose results have not come yet.
    unanswered: HashSet<&'a str>,
}

impl<'a> Writer<'a, '_> {
    fn turn(&mut self, turn: &'a Turn) -> Result<(), Untranslatable> {
        for part in &turn.parts {
            match (turn.role, part) {
                (Role::System, Part::Text(text)) => self.system_text(text),
                (role, Part::Text(text)) => {
                    if self.says_something(text) {
                        self.add(role, Block::text(text));
                    }
                }
                (Role::User, Part::Media(media)) => self.add(Role::User, media::block(media)?),
                (Role::User, Part::ToolResult(result)) => {
                    let block = self.tool_result(result)?;
                    self.unanswered.remove(result.call_id.as_str());
                    self.message(Role::User).results.push(block);
                }
                (Role::Assistant, Part::Thinking(thought)) => self.thought(thought),
                (Role::Assistant, Part::ToolCall(call)) => {
                    let block = self.tool_call(call)?;
                    self.unanswered.insert(&call.id);
                    self.add(Role::Assistant, block);
                }
                (_, Part::Media(media)) => {
                    let what = format!("{} in an assistant's message", media.kind.as_str());
                    return Err(Untranslatable::unsupported(&what));
                }
                (_, Part::Thinking(_) | Part::ToolCall(_) | Part::ToolResult(_)) => {
                    return Err(Untranslatable::unsupported(
                        "a thought, a call or a result in the other side's message",
                    ));
                }
            }
        }
        Ok(())
    }

    /// The message that goes on or begins where this role speaks.
    fn message(&mut self, role: Role) -> &mut Message<'a> {
        if self.messages.last().is_none_or(|last| last.role != role) {
            self.messages.push(Message {
                role,
                content: Vec::new(),
                results: Vec::new(),
            });
        }
        self.messages.last_mut().expect("one was pushed")
    }

    fn add(&mut self, role: Role, block: Block<'a>) {
        self.message(role).content.push(block);
    }

    /// Whether `text` has more than white space, with which Anthropic refuses a block.
    fn says_something(&mut self, text: &str) -> bool {
        let says_something = !text.trim().is_empty();
        if !says_something {
            self.dropped.note("messages.content");
        }
        says_something
    }

    fn system_text(&mut self, text: &'a str) {
        if !self.says_something(text) {
            return;
        }
        if self.messages.is_empty() {
            self.system.push(Block::text(text));
        } else if self.generation.knows_system_turns() && self.unanswered.is_empty() {
            self.add(Role::System, Block::text(text));
        } else {
            self.add(Role::User, Block::text(format!("<system>{text}</system>")));
        }
    }

    fn thought(&mut self, thought: &'a Thought) {
        let knows_thinking = self.generation.thinking_style() != ThinkingStyle::None;
        match &thought.signature {
            Some(Signature {
                origin: Origin::Anthropic,
                value,
            }) if knows_thinking => self.add(
                Role::Assistant,
                Block::Thinking {
                    thinking: &thought.text,
                    signature: value,
                },
            ),
            Some(Signature {
                origin: Origin::AnthropicRedacted,
                value,
            }) if knows_thinking => self.add(Role::Assistant, Block::RedactedThinking { data: value }),
            // A signature of anybody else's gets the request refused.
            _ => self.dropped.note("thinking"),
        }
    }

    fn tool_call(&self, call: &'a ToolCall) -> Result<Block<'a>, Untranslatable> {
        let arguments = &*call.arguments;
        let input = match arguments.get().trim_start().as_bytes().first() {
            Some(b'{') => Input::Object(arguments),
            Some(b'"') => Input::Text { input: arguments },
            _ => {
                return Err(Untranslatable::invalid(
                    "messages",
                    &format!("the arguments of the call `{}` are no JSON object", call.id),
                ));
            }
        };
        Ok(Block::ToolUse {
            id: fit_tool_id(&call.id, MAX_CALL_ID),
            name: self.names.theirs(&call.name),
            input,
        })
    }

    fn tool_result(&mut self, result: &'a ToolResult) -> Result<Block<'a>, Untranslatable> {
        let content = match result.parts.as_slice() {
            [] => None,
            [Part::Text(text)] => Some(ResultContent::Text(text)),
            parts => {
                let mut blocks = Vec::new();
                for part in parts {
                    match part {
                        Part::Text(text) if self.says_something(text) => blocks.push(Block::text(text)),
                        Part::Text(_) => {}
                        Part::Media(media) => blocks.push(media::block(media)?),
                        Part::Thinking(_) | Part::ToolCall(_) | Part::ToolResult(_) => {
                            return Err(Untranslatable::unsupported(
                                "a thought, call or result in a result",
                            ));
                        }
                    }
                }
                (!blocks.is_empty()).then_some(ResultContent::Blocks(blocks))
            }
        };
        Ok(Block::ToolResult {
            tool_use_id: fit_tool_id(&result.call_id, MAX_CALL_ID),
            content,
            is_error: result.is_error,
        })
    }

    fn finish(mut self) -> Result<Messages<'a>, Untranslatable> {
        for message in &mut self.messages {
            if !message.results.is_empty() {
                let rest = std::mem::take(&mut message.content);
                message.content = std::mem::take(&mut message.results);
                message.content.extend(rest);
            }
            // Nor does it take a message that ends with a thought, as of an answer that was cut off.
            while message.content.last().is_some_and(Block::is_thinking) {
                message.content.pop();
                self.dropped.note("thinking");
            }
        }
        self.messages.retain(|message| !message.content.is_empty());
        match self.messages.first() {
            Some(first) if first.role == Role::User => {}
            None if self.system.is_empty() => {
                return Err(Untranslatable::invalid(
                    "messages",
                    "at least one message is required",
                ));
            }
            _ => self.messages.insert(
                0,
                Message {
                    role: Role::User,
                    content: vec![Block::text(OPENING)],
                    results: Vec::new(),
                },
            ),
        }
        Ok(Messages {
            system: self.system,
            messages: self.messages,
        })
    }
}
