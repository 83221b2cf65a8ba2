use serde::Serialize;
use serde_json::Number;
use serde_json::value::RawValue;

use crate::fingerprint;
use crate::json;
use crate::openai::model::Model;
use crate::translation::{
    Conversation, Dropped, Format, NameRules, Part, Rendered, ThinkingAmount, ToolChoice, ToolNames,
    Untranslatable,
};

use super::write_items::Input;
use super::write_tools::{ChoiceObject, ToolObject};
use super::{write_items, write_tools};

/// The shortest answer that may be asked for.
const FEWEST_TOKENS: u64 = 16;
/// The longest name of a user.
const MAX_USER: usize = 64;
/// The longest name of a tool or a schema.
const MAX_NAME: usize = 64;

const NAMES: NameRules = NameRules {
    max_length: MAX_NAME,
    may_begin: is_of_name,
    may_have: is_of_name,
};

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    input: Vec<Input<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextConfig<'a>>,
    #[serde(flatten)]
    answer: Option<AnswerTerms<'a>>,
}

/// What a request for an answer has and one for a count has not.
#[derive(Serialize)]
struct AnswerTerms<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<String>,
    store: bool,
    include: [&'static str; 1],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct Reasoning {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

#[derive(Serialize)]
struct TextConfig<'a> {
    format: FormatConfig<'a>,
}

#[derive(Serialize)]
struct FormatConfig<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// See [`Translate::write_request`](crate::translation::Translate::write_request).
pub(super) fn write(conversation: &Conversation, dropped: &mut Dropped) -> Result<Rendered, Untranslatable> {
    if !conversation.stop.is_empty() {
        return Err(Untranslatable::unsupported("stop sequences"));
    }
    let answer = answer_terms(conversation, dropped);
    render(conversation, Some(answer), dropped)
}

/// See [`Translate::write_count_request`](crate::translation::Translate::write_count_request).
pub(super) fn write_count(
    conversation: &Conversation,
    dropped: &mut Dropped,
) -> Result<Rendered, Untranslatable> {
    render(conversation, None, dropped)
}

fn render(
    conversation: &Conversation,
    answer: Option<AnswerTerms<'_>>,
    dropped: &mut Dropped,
) -> Result<Rendered, Untranslatable> {
    let names = ToolNames::fit(names(conversation), NAMES);
    let has_tools = !conversation.tools.is_empty();
    if !has_tools && conversation.must_call() {
        dropped.note("tool_choice");
    }
    let choice = conversation.tool_choice.as_ref().filter(|_| has_tools);
    let instructions: Vec<&str> = conversation.instructions().collect();
    let request = Request {
        model: &conversation.model,
        instructions: (!instructions.is_empty()).then(|| instructions.join("\n\n")),
        input: write_items::input(&conversation.turns, &names, dropped)?,
        tools: write_tools::tools(&conversation.tools, &names),
        tool_choice: choice.map(|choice| write_tools::choice(choice, &conversation.tools, &names)),
        parallel_tool_calls: conversation.parallel_tool_calls.filter(|_| has_tools),
        reasoning: reasoning(conversation, dropped),
        text: text(&conversation.format),
        answer,
    };
    Ok(Rendered {
        body: json::to_bytes(&request),
        headers: Vec::new(),
        names,
    })
}

/// Every tool's name that the request may have to say.
fn names(conversation: &Conversation) -> impl Iterator<Item = &str> + Clone {
    let tools = conversation.tools.iter().map(|tool| tool.name.as_str());
    let parts = conversation.turns.iter().flat_map(|turn| &turn.parts);
    let calls = parts.filter_map(|part| match part {
        Part::ToolCall(call) => Some(call.name.as_str()),
        Part::Text(_) | Part::Media(_) | Part::Thinking(_) | Part::ToolResult(_) => None,
    });
    let chosen: &[String] = match &conversation.tool_choice {
        Some(ToolChoice::Required { names }) => names,
        Some(ToolChoice::Auto | ToolChoice::None) | None => &[],
    };
    tools.chain(calls).chain(chosen.iter().map(String::as_str))
}

fn answer_terms<'a>(conversation: &'a Conversation, dropped: &mut Dropped) -> AnswerTerms<'a> {
    let sampling = &conversation.sampling;
    let mut no_place = vec![
        ("top_k", &sampling.top_k),
        ("seed", &sampling.seed),
        ("presence_penalty", &sampling.presence_penalty),
        ("frequency_penalty", &sampling.frequency_penalty),
    ];
    let takes_sampling = !Model::named(&conversation.model).is_reasoning();
    if !takes_sampling {
        no_place.extend([("temperature", &sampling.temperature), ("top_p", &sampling.top_p)]);
    }
    for (name, _) in no_place.iter().filter(|(_, value)| value.is_some()) {
        dropped.note(name);
    }
    AnswerTerms {
        max_output_tokens: conversation.max_tokens.map(|tokens| tokens.max(FEWEST_TOKENS)),
        temperature: sampling.temperature.as_ref().filter(|_| takes_sampling),
        top_p: sampling.top_p.as_ref().filter(|_| takes_sampling),
        safety_identifier: conversation.user.as_deref().map(user),
        store: false,
        include: ["reasoning.encrypted_content"],
        stream: conversation.stream,
    }
}

/// The name of a user as it is if it fits, else one that is the same for equal names.
fn user(name: &str) -> String {
    if name.len() <= MAX_USER {
        name.to_owned()
    } else {
        format!("user_{:016x}", fingerprint(&[name.as_bytes()]))
    }
}

fn reasoning(conversation: &Conversation, dropped: &mut Dropped) -> Option<Reasoning> {
    let thinking = conversation.thinking?;
    let model = Model::named(&conversation.model);
    if let Model::Gpt { .. } = model {
        dropped.note("thinking");
        return None;
    }
    if thinking.amount == ThinkingAmount::Off && !model.can_do_without_thinking() {
        dropped.note("thinking");
    }
    let effort = model.effort(thinking.amount);
    let summary = thinking.is_shown.then_some("auto");
    (effort.is_some() || summary.is_some()).then_some(Reasoning { effort, summary })
}

fn text(format: &Format) -> Option<TextConfig<'_>> {
    let format = match format {
        Format::Text => return None,
        Format::Json => FormatConfig {
            r#type: "json_object",
            name: None,
            description: None,
            schema: None,
            strict: None,
        },
        Format::Schema {
            name,
            description,
            schema,
            strict,
        } => FormatConfig {
            r#type: "json_schema",
            name: Some(schema_name(name.as_deref())),
            description: description.as_deref(),
            schema: Some(schema),
            strict: *strict,
        },
    };
    Some(TextConfig { format })
}

/// A schema must have a name, which means nothing.
fn schema_name(name: Option<&str>) -> String {
    let name = name.filter(|name| !name.is_empty()).unwrap_or("answer");
    let plain = name
        .bytes()
        .map(|byte| if is_of_name(byte) { byte as char } else { '_' });
    plain.take(MAX_NAME).collect()
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
