//! Requests of other dialects' clients whose model is Anthropic's.

mod generation;
mod media;
mod messages;
mod sampling;
mod thinking;
mod tools;

use serde::Serialize;
use serde_json::Number;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::{
    Conversation, Dropped, Format, JSON_ONLY, Part, Rendered, ToolChoice, ToolNames, Untranslatable,
};

use super::translate::{Purpose, TOOL_NAMES};
use generation::Generation;
use messages::{Block, Message, Messages};
use thinking::{Plan, ThinkingConfig};
use tools::{Choice, Tool};

/// The version that takes sampling parameters.
const WITH_SAMPLING: &str = "2023-06-01";
const CURRENT: &str = "2026-10-21";

/// Characters of a `user_id`.
const MAX_USER_ID: usize = 256;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingConfig>,
    #[serde(skip_serializing_if = "OutputConfig::is_empty")]
    output_config: OutputConfig<'a>,
    #[serde(flatten)]
    answering: Option<Answering<'a>>,
}

/// What a request for an answer has and one for a count of tokens has not.
#[derive(Serialize)]
struct Answering<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<AnswerFormat<'a>>,
}

impl OutputConfig<'_> {
    fn is_empty(&self) -> bool {
        self.effort.is_none() && self.format.is_none()
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum AnswerFormat<'a> {
    JsonSchema { schema: &'a RawValue },
}

pub(super) fn write(
    conversation: &Conversation,
    purpose: Purpose,
    dropped: &mut Dropped,
) -> Result<Rendered, Untranslatable> {
    let generation = Generation::of(&conversation.model);
    let names = tool_names(conversation);
    let mut messages = Messages::write(conversation, generation, &names, dropped)?;
    if let Format::Json = conversation.format {
        messages.system.push(Block::text(JSON_ONLY));
    }
    let max_tokens = match conversation.max_tokens {
        Some(0) => return Err(Untranslatable::invalid("max_tokens", "must be at least 1")),
        Some(max_tokens) => max_tokens,
        None => generation.default_max_tokens(),
    };
    let Plan { config, effort } =
        thinking::plan(conversation, generation, max_tokens, &messages.messages, dropped);
    let answering = match purpose {
        Purpose::Answer => Some(answering(conversation, generation, config.as_ref(), dropped)?),
        Purpose::Count => None,
    };
    let is_sampled = answering.as_ref().is_some_and(Answering::is_sampled);
    let body = Body {
        model: &conversation.model,
        max_tokens: answering.is_some().then_some(max_tokens),
        system: messages.system,
        messages: messages.messages,
        tools: tools::tools(conversation, generation, &names, dropped)?,
        tool_choice: tools::choice(conversation, &names)?,
        thinking: config,
        output_config: OutputConfig {
            effort,
            format: format(&conversation.format, dropped),
        },
        answering,
    };
    Ok(Rendered {
        body: json::to_bytes(&body),
        headers: vec![(
            "anthropic-version",
            if is_sampled { WITH_SAMPLING } else { CURRENT },
        )],
        names,
    })
}

/// Fitting names for the tools that there are and those that have been called.
fn tool_names(conversation: &Conversation) -> ToolNames {
    let parts = conversation.turns.iter().flat_map(|turn| &turn.parts);
    let called = parts.filter_map(|part| match part {
        Part::ToolCall(call) => Some(call.name.as_str()),
        _ => None,
    });
    let required: &[String] = match &conversation.tool_choice {
        Some(ToolChoice::Required { names }) => names,
        _ => &[],
    };
    let tools = conversation.tools.iter().map(|tool| tool.name.as_str());
    ToolNames::fit(
        tools.chain(called).chain(required.iter().map(String::as_str)),
        TOOL_NAMES,
    )
}

fn answering<'a>(
    conversation: &'a Conversation,
    generation: Generation,
    thinking: Option<&ThinkingConfig>,
    dropped: &mut Dropped,
) -> Result<Answering<'a>, Untranslatable> {
    if conversation.stop.iter().any(|text| text.trim().is_empty()) {
        return Err(Untranslatable::unsupported(
            "stop: a sequence of nothing but white space",
        ));
    }
    let is_thinking = thinking.is_some_and(ThinkingConfig::is_on);
    let sampling = sampling::fit(&conversation.sampling, generation, is_thinking, dropped);
    Ok(Answering {
        stop_sequences: &conversation.stop,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        metadata: user_id(conversation.user.as_deref(), dropped).map(|user_id| Metadata { user_id }),
        stream: conversation.stream,
    })
}

impl Answering<'_> {
    fn is_sampled(&self) -> bool {
        self.temperature.is_some() || self.top_p.is_some() || self.top_k.is_some()
    }
}

fn format<'a>(format: &'a Format, dropped: &mut Dropped) -> Option<AnswerFormat<'a>> {
    match format {
        Format::Text | Format::Json => None,
        Format::Schema {
            schema, description, ..
        } => {
            if description.is_some() {
                dropped.note("format.description");
            }
            Some(AnswerFormat::JsonSchema { schema })
        }
    }
}

/// What the client calls its user, unless Anthropic would refuse it: as too long, an address or a phone number.
fn user_id<'a>(user: Option<&'a str>, dropped: &mut Dropped) -> Option<&'a str> {
    let user = user?;
    let is_of_phone = |char: char| char.is_ascii_digit() || " +-()".contains(char);
    let is_personal = user.contains('@') || (user.len() >= 7 && user.chars().all(is_of_phone));
    if user.is_empty() || is_personal || user.chars().count() > MAX_USER_ID {
        dropped.note("user");
        return None;
    }
    Some(user)
}
