//! Requests, from a conversation into what a provider takes.

mod content;
mod messages;
mod tools;

use serde::Serialize;
use serde_json::Number;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::{Conversation, Dropped, Format, Rendered, Sampling, ThinkingAmount, Untranslatable};

use super::super::model::Model;
use messages::Message;
use tools::{Tool, ToolChoice};

/// Texts that end an answer, of one request.
const MAX_STOPS: usize = 4;
/// What the shape of an answer is called, where the client has no name for it.
const FORMAT_NAME: &str = "answer";

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a Number>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    json_schema: Option<JsonSchema<'a>>,
}

#[derive(Serialize)]
struct JsonSchema<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// See [`Translate::write_request`](crate::translation::Translate::write_request).
pub(super) fn write(conversation: &Conversation, dropped: &mut Dropped) -> Result<Rendered, Untranslatable> {
    let model = Model::named(&conversation.model);
    let names = tools::names(conversation);
    if conversation.user.is_some() {
        dropped.note("user");
    }
    if conversation.sampling.top_k.is_some() {
        dropped.note("top_k");
    }
    let has_tools = !conversation.tools.is_empty();
    if !has_tools && conversation.must_call() {
        dropped.note("tool_choice");
    }
    let (max_completion_tokens, max_tokens) = if model.takes_max_completion_tokens() {
        (conversation.max_tokens, None)
    } else {
        (None, conversation.max_tokens)
    };
    let mut request = Request {
        model: &conversation.model,
        messages: messages::write(conversation, model, &names, dropped)?,
        stream: conversation.stream,
        // The gateway wants to know what it costs, whether the client does or not.
        stream_options: conversation
            .stream
            .then_some(StreamOptions { include_usage: true }),
        max_completion_tokens,
        max_tokens,
        stop: stop(conversation, model)?,
        temperature: None,
        top_p: None,
        presence_penalty: None,
        frequency_penalty: None,
        seed: conversation.sampling.seed.as_ref(),
        tools: tools::write(conversation, model, &names),
        tool_choice: tools::choice(conversation, model, &names),
        parallel_tool_calls: conversation.parallel_tool_calls.filter(|_| has_tools),
        reasoning_effort: reasoning_effort(conversation, model, dropped),
        response_format: response_format(&conversation.format),
    };
    request.sample(&conversation.sampling, model, dropped);
    let body = json::to_bytes(&request);
    Ok(Rendered {
        body,
        headers: Vec::new(),
        names,
    })
}

impl<'a> Request<'a> {
    /// Says how the next token is drawn, as far as the model lets anybody.
    fn sample(&mut self, sampling: &'a Sampling, model: Model, dropped: &mut Dropped) {
        let fields = [
            (&mut self.temperature, &sampling.temperature, "temperature"),
            (&mut self.top_p, &sampling.top_p, "top_p"),
            (
                &mut self.presence_penalty,
                &sampling.presence_penalty,
                "presence_penalty",
            ),
            (
                &mut self.frequency_penalty,
                &sampling.frequency_penalty,
                "frequency_penalty",
            ),
        ];
        for (field, value, name) in fields {
            if !model.is_reasoning() {
                *field = value.as_ref();
            } else if value.is_some() {
                dropped.note(name);
            }
        }
    }
}

fn stop(conversation: &Conversation, model: Model) -> Result<&[String], Untranslatable> {
    let stop = conversation.stop.as_slice();
    if !stop.is_empty() && model.is_reasoning() {
        return Err(Untranslatable::unsupported("stop sequences"));
    }
    if stop.len() > MAX_STOPS {
        return Err(Untranslatable::unsupported("more than 4 stop sequences"));
    }
    Ok(stop)
}

fn reasoning_effort(
    conversation: &Conversation,
    model: Model,
    dropped: &mut Dropped,
) -> Option<&'static str> {
    let thinking = conversation.thinking?;
    if thinking.amount == ThinkingAmount::Off && !model.can_do_without_thinking() {
        dropped.note("thinking");
    }
    if model.is_reasoning() {
        return model.effort(thinking.amount);
    }
    if thinking.amount != ThinkingAmount::Off {
        dropped.note("thinking");
    }
    None
}

fn response_format(format: &Format) -> Option<ResponseFormat<'_>> {
    match format {
        Format::Text => None,
        Format::Json => Some(ResponseFormat {
            r#type: "json_object",
            json_schema: None,
        }),
        Format::Schema {
            name,
            description,
            schema,
            strict,
        } => Some(ResponseFormat {
            r#type: "json_schema",
            json_schema: Some(JsonSchema {
                name: name.as_deref().unwrap_or(FORMAT_NAME),
                description: description.as_deref(),
                schema,
                strict: *strict,
            }),
        }),
    }
}
