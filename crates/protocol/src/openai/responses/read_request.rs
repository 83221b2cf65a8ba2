use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Number;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::{
    Conversation, Dropped, Format, Sampling, Thinking, ThinkingAmount, ToolChoice, Untranslatable,
};

use super::{echo, read_items, read_tools};

#[derive(Deserialize)]
struct Request<'a> {
    model: String,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    instructions: Option<String>,
    #[serde(borrow)]
    tools: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    tool_choice: Option<&'a RawValue>,
    parallel_tool_calls: Option<bool>,
    max_output_tokens: Option<u64>,
    temperature: Option<Number>,
    top_p: Option<Number>,
    #[serde(borrow)]
    reasoning: Option<Reasoning<'a>>,
    #[serde(borrow)]
    text: Option<TextConfig<'a>>,
    user: Option<String>,
    safety_identifier: Option<String>,
    stream: Option<bool>,
}

#[derive(Deserialize)]
struct Reasoning<'a> {
    #[serde(borrow)]
    effort: Option<Cow<'a, str>>,
    #[serde(borrow)]
    summary: Option<Cow<'a, str>>,
    /// As `summary` was called at first.
    #[serde(borrow)]
    generate_summary: Option<Cow<'a, str>>,
    context: Option<IgnoredAny>,
    mode: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct TextConfig<'a> {
    #[serde(borrow)]
    format: Option<FormatConfig<'a>>,
    verbosity: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct FormatConfig<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    name: Option<String>,
    description: Option<String>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    strict: Option<bool>,
}

/// See [`Translate::read_request`](crate::translation::Translate::read_request).
pub(super) fn read(body: &[u8], dropped: &mut Dropped) -> Result<Conversation, Untranslatable> {
    let request: Request<'_> = serde_json::from_slice(body)?;
    read_others(body, dropped)?;
    let mut conversation = Conversation {
        model: request.model,
        stream: request.stream.unwrap_or_default(),
        parallel_tool_calls: request.parallel_tool_calls,
        max_tokens: request.max_output_tokens,
        sampling: Sampling {
            temperature: request.temperature,
            top_p: request.top_p,
            ..Sampling::default()
        },
        user: request.user.or(request.safety_identifier),
        // There it always does.
        include_usage: true,
        echo: Some(echo::of_request(body)?),
        ..Conversation::default()
    };
    conversation
        .system
        .extend(request.instructions.filter(|text| !text.is_empty()));
    if let Some(reasoning) = request.reasoning {
        conversation.thinking = thinking(&reasoning, dropped)?;
    }
    if let Some(text) = request.text {
        if text.verbosity.is_some() {
            dropped.note("text.verbosity");
        }
        conversation.format = text.format.map(format).transpose()?.unwrap_or_default();
    }
    let tools = request.tools.unwrap_or_default();
    conversation.tools = read_tools::tools(&tools, dropped)?;
    if let Some(choice) = request.tool_choice {
        choose(&mut conversation, read_tools::choice(choice)?)?;
    }
    let input = request
        .input
        .ok_or_else(|| Untranslatable::invalid("input", "missing"))?;
    read_items::read(input, &mut conversation, dropped)?;
    Ok(conversation)
}

/// Of tools that the model may call but need not, the others are better not told: no other dialect has words for it.
fn choose(conversation: &mut Conversation, choice: read_tools::Choice) -> Result<(), Untranslatable> {
    conversation.tool_choice = Some(match choice {
        read_tools::Choice::Plain(choice) => choice,
        read_tools::Choice::Among(names) => {
            let names: HashSet<String> = names.into_iter().collect();
            conversation.tools.retain(|tool| names.contains(&tool.name));
            if conversation.tools.len() < names.len() {
                return Err(Untranslatable::invalid(
                    "tool_choice.tools",
                    "names a tool that is not there",
                ));
            }
            ToolChoice::Auto
        }
    });
    Ok(())
}

fn thinking(reasoning: &Reasoning<'_>, dropped: &mut Dropped) -> Result<Option<Thinking>, Untranslatable> {
    if reasoning.context.is_some() {
        dropped.note("reasoning.context");
    }
    if reasoning.mode.is_some() {
        dropped.note("reasoning.mode");
    }
    let summary = reasoning.summary.as_ref().or(reasoning.generate_summary.as_ref());
    let is_shown = match summary.map(AsRef::as_ref) {
        None => false,
        Some("auto" | "concise" | "detailed") => true,
        Some(_) => {
            let problem = "expected auto, concise or detailed";
            return Err(Untranslatable::invalid("reasoning.summary", problem));
        }
    };
    let amount = match reasoning.effort.as_deref() {
        None if is_shown => ThinkingAmount::Free,
        None => return Ok(None),
        Some("none") => ThinkingAmount::Off,
        Some(word) => ThinkingAmount::Effort(word.parse().map_err(|_| {
            let problem = "expected none, minimal, low, medium, high, xhigh or max";
            Untranslatable::invalid("reasoning.effort", problem)
        })?),
    };
    Ok(Some(Thinking { amount, is_shown }))
}

fn format(config: FormatConfig<'_>) -> Result<Format, Untranslatable> {
    match &*config.r#type {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => {
            let schema = config
                .schema
                .ok_or_else(|| Untranslatable::invalid("text.format.schema", "missing"))?;
            Ok(Format::Schema {
                name: config.name,
                description: config.description,
                schema: schema.to_owned(),
                strict: config.strict,
            })
        }
        _ => Err(Untranslatable::invalid(
            "text.format.type",
            "expected text, json_object or json_schema",
        )),
    }
}

/// What is not carried: refused if it changes the meaning, else named.
fn read_others(body: &[u8], dropped: &mut Dropped) -> Result<(), Untranslatable> {
    for member in json::members(body).flatten() {
        let value = member.value;
        match &*member.key {
            _ if json::is_null(value) => {}
            b"model"
            | b"input"
            | b"instructions"
            | b"tools"
            | b"tool_choice"
            | b"parallel_tool_calls"
            | b"max_output_tokens"
            | b"temperature"
            | b"top_p"
            | b"reasoning"
            | b"text"
            | b"user"
            | b"safety_identifier"
            | b"stream"
            | b"metadata" => {}
            key @ (b"previous_response_id" | b"conversation" | b"prompt" | b"moderation") => {
                return Err(Untranslatable::unsupported(&String::from_utf8_lossy(key)));
            }
            b"background" if value == b"true" => return Err(Untranslatable::unsupported("background")),
            b"top_logprobs" if value != b"0" => return Err(Untranslatable::unsupported("top_logprobs")),
            b"include" => read_include(value, dropped)?,
            b"store" | b"background" if value == b"false" => {}
            b"top_logprobs" => {}
            b"truncation" if value == b"\"disabled\"" => {}
            b"service_tier" if matches!(value, b"\"auto\"" | b"\"default\"") => {}
            b"stream_options" if json::member(value, b"include_obfuscation") != Some(b"true") => {}
            key => dropped.note(&String::from_utf8_lossy(key)),
        }
    }
    Ok(())
}

/// Thoughts always come with what their provider knows them again by; the rest belongs to tools of OpenAI's.
fn read_include(list: &[u8], dropped: &mut Dropped) -> Result<(), Untranslatable> {
    for wish in json::elements(list).flatten() {
        match wish {
            b"\"reasoning.encrypted_content\"" => {}
            b"\"message.output_text.logprobs\"" => {
                return Err(Untranslatable::unsupported(
                    "include message.output_text.logprobs",
                ));
            }
            _ => dropped.note("include"),
        }
    }
    Ok(())
}
