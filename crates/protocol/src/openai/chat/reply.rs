use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::{Part, Reply, ReplyTerms, Stop, Thought, ToolCall, Unreadable};

use super::answer::Answer;
use super::completion::{Choice, Finish, Message, finish_reason};
use super::usage::WrittenUsage;

/// See [`Translate::read_reply`](crate::translation::Translate::read_reply).
pub(super) fn read(body: &[u8]) -> Result<Reply, Unreadable> {
    let mut answer = Answer::default();
    let mut choices = None;
    for member in json::members(body) {
        let member = member.map_err(|_| Unreadable::new("the answer is no JSON object"))?;
        match &*member.key {
            b"choices" => choices = Some(member.value),
            b"error" if !json::is_null(member.value) => {
                return Err(Unreadable::new("the answer is an error"));
            }
            _ => answer.read_member(&member),
        }
    }
    let choices: Vec<Choice<'_>> = serde_json::from_slice(choices.unwrap_or(b"[]"))?;
    let Some(choice) = choices.into_iter().next() else {
        return Err(Unreadable::new("the answer has no choices"));
    };
    let reason = choice.finish_reason.unwrap_or_default();
    let Some(message) = choice.message else {
        return Err(Unreadable::new("the answer has no message"));
    };
    let is_refused = message
        .refusal
        .as_ref()
        .is_some_and(|refusal| !refusal.is_empty());
    let has_calls = message.function_call.is_some() || message.tool_calls.iter().flatten().next().is_some();
    let Finish::Stopped(stop) = Finish::of(&reason, has_calls, is_refused) else {
        return Err(Unreadable::new("the answer broke off"));
    };
    Ok(Reply {
        parts: parts(&message, &stop)?,
        stop,
        usage: answer.usage(),
    })
}

fn parts(message: &Message<'_>, stop: &Stop) -> Result<Vec<Part>, Unreadable> {
    let mut parts = Vec::new();
    let thoughts = message.thoughts();
    if !thoughts.is_empty() {
        parts.push(Part::Thinking(Thought {
            text: thoughts,
            ..Thought::default()
        }));
    }
    let refusal = message.refusal.as_deref().unwrap_or_default().to_owned();
    let texts = [message.text()?, refusal];
    parts.extend(texts.into_iter().filter(|text| !text.is_empty()).map(Part::Text));

    let mut add = |id: &str, name: &str, arguments: Option<Box<RawValue>>| match arguments {
        Some(arguments) => {
            parts.push(Part::ToolCall(ToolCall {
                id: id.to_owned(),
                name: name.to_owned(),
                arguments,
                signature: None,
            }));
            Ok(())
        }
        // What was cut off cannot be called.
        None if *stop != Stop::ToolUse => Ok(()),
        None => Err(Unreadable::new("the arguments of a tool call are no JSON object")),
    };
    for call in message.tool_calls.iter().flatten() {
        let id = call.id.as_deref().unwrap_or_default();
        if let Some(custom) = &call.custom {
            let input = serde_json::value::to_raw_value(custom.input.as_deref().unwrap_or_default())?;
            add(id, custom.name.as_deref().unwrap_or_default(), Some(input))?;
        } else if let Some(function) = &call.function {
            let name = function.name.as_deref().unwrap_or_default();
            add(id, name, function.object()?)?;
        }
    }
    if let Some(function) = &message.function_call {
        let name = function.name.as_deref().unwrap_or_default();
        add("", name, function.object()?)?;
    }
    Ok(parts)
}

#[derive(Serialize)]
struct Completion<'a> {
    id: String,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [WrittenChoice<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WrittenUsage>,
    system_fingerprint: (),
}

#[derive(Serialize)]
struct WrittenChoice<'a> {
    index: u32,
    message: WrittenMessage<'a>,
    logprobs: (),
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct WrittenMessage<'a> {
    role: &'static str,
    content: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning_content: String,
    refusal: (),
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WrittenCall<'a>>,
}

/// A call as it stands in messages.
#[derive(Serialize)]
pub(super) struct WrittenCall<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<WrittenFunction<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<WrittenCustom<'a>>,
}

#[derive(Serialize)]
struct WrittenFunction<'a> {
    name: &'a str,
    arguments: Cow<'a, str>,
}

#[derive(Serialize)]
struct WrittenCustom<'a> {
    name: &'a str,
    input: String,
}

impl<'a> WrittenCall<'a> {
    /// A call of a function.
    pub(super) fn function(
        id: impl Into<Cow<'a, str>>,
        name: &'a str,
        arguments: impl Into<Cow<'a, str>>,
    ) -> Self {
        Self {
            id: id.into(),
            r#type: "function",
            function: Some(WrittenFunction {
                name,
                arguments: arguments.into(),
            }),
            custom: None,
        }
    }

    /// A call of a custom tool.
    pub(super) fn custom(id: impl Into<Cow<'a, str>>, name: &'a str, input: String) -> Self {
        Self {
            id: id.into(),
            r#type: "custom",
            function: None,
            custom: Some(WrittenCustom { name, input }),
        }
    }
}

impl<'a> From<&'a ToolCall> for WrittenCall<'a> {
    fn from(call: &'a ToolCall) -> Self {
        match json::text(call.arguments.get().as_bytes()) {
            Some(input) => Self::custom(&call.id, &call.name, input),
            None => Self::function(&call.id, &call.name, call.arguments.get()),
        }
    }
}

/// See [`Translate::write_reply`](crate::translation::Translate::write_reply).
pub(super) fn write(reply: &Reply, terms: &ReplyTerms) -> Bytes {
    let mut content = String::new();
    let mut reasoning_content = String::new();
    let mut tool_calls = Vec::new();
    for part in &reply.parts {
        match part {
            Part::Text(text) => content.push_str(text),
            Part::Thinking(thought) => reasoning_content.push_str(&thought.text),
            Part::ToolCall(call) => tool_calls.push(WrittenCall::from(call)),
            Part::Media(_) | Part::ToolResult(_) => {}
        }
    }
    let has_content = !content.is_empty() || tool_calls.is_empty();
    json::to_bytes(&Completion {
        id: format!("chatcmpl-{}", terms.id),
        object: "chat.completion",
        created: terms.created_at,
        model: &terms.model,
        choices: [WrittenChoice {
            index: 0,
            message: WrittenMessage {
                role: "assistant",
                content: has_content.then_some(content),
                reasoning_content,
                refusal: (),
                tool_calls,
            },
            logprobs: (),
            finish_reason: finish_reason(&reply.stop),
        }],
        usage: reply.usage.as_ref().map(WrittenUsage::from),
        system_fingerprint: (),
    })
}
