//! What a completion, or a chunk of one, holds of the model's words.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::Stop;

/// One of the answers that a completion holds.
#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    pub(super) index: Option<u64>,
    #[serde(borrow, alias = "delta")]
    pub(super) message: Option<Message<'a>>,
    pub(super) finish_reason: Option<Cow<'a, str>>,
}

/// What the model said, or more of it.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    /// DeepSeek and most others.
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    /// OpenRouter, Groq and newer vLLM.
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    pub(super) refusal: Option<Cow<'a, str>>,
    pub(super) tool_calls: Option<Vec<Call<'a>>>,
    pub(super) function_call: Option<Function<'a>>,
}

/// A call, or more of one.
#[derive(Deserialize)]
pub(super) struct Call<'a> {
    pub(super) index: Option<u64>,
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) function: Option<Function<'a>>,
    pub(super) custom: Option<Custom<'a>>,
}

/// A call of a tool that takes an object.
#[derive(Deserialize)]
pub(super) struct Function<'a> {
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// A call of a tool that takes text.
#[derive(Deserialize)]
pub(super) struct Custom<'a> {
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) input: Option<Cow<'a, str>>,
}

/// A part of a message's content, where that is a list (Mistral).
#[derive(Deserialize)]
struct TextPart<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
}

impl Message<'_> {
    /// What the model thought, as far as it is told.
    pub(super) fn thoughts(&self) -> String {
        [self.reasoning_content, self.reasoning]
            .into_iter()
            .flatten()
            .find_map(|value| json::text(value.get().as_bytes()).filter(|text| !text.is_empty()))
            .unwrap_or_default()
    }

    /// What it said.
    ///
    /// # Errors
    ///
    /// If `content` is nothing that a text can be in.
    pub(super) fn text(&self) -> Result<String, serde_json::Error> {
        match self.content.map(RawValue::get) {
            None => Ok(String::new()),
            Some(list) if list.starts_with('[') => {
                let parts: Vec<TextPart<'_>> = serde_json::from_str(list)?;
                Ok(parts.into_iter().filter_map(|part| part.text).collect())
            }
            Some(text) => Ok(serde_json::from_str::<Option<String>>(text)?.unwrap_or_default()),
        }
    }
}

impl Function<'_> {
    /// The arguments, where they are whole; `None` if they are no object.
    pub(super) fn object(&self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        let text = self.more()?;
        // What some write for none at all.
        let is_null = text.trim() == "null";
        Ok(object(if is_null { "" } else { &text }))
    }

    /// More of the arguments' text.
    pub(super) fn more(&self) -> Result<String, serde_json::Error> {
        match self.arguments.map(RawValue::get) {
            None => Ok(String::new()),
            // Some give the object itself, and all of it at once.
            Some(object) if object.starts_with('{') => Ok(object.to_owned()),
            Some(text) => Ok(serde_json::from_str::<Option<String>>(text)?.unwrap_or_default()),
        }
    }
}

/// The JSON object that `text` is; `{}` for none at all.
pub(super) fn object(text: &str) -> Option<Box<RawValue>> {
    if text.trim().is_empty() {
        return RawValue::from_string("{}".to_owned()).ok();
    }
    json::members(text.as_bytes())
        .all(|member| member.is_ok())
        .then(|| RawValue::from_string(text.to_owned()).ok())
        .flatten()
}

/// Why a choice has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// The model stopped.
    Stopped(Stop),
    /// The provider broke off.
    Broken,
}

impl Finish {
    /// What `finish_reason` stands for, in OpenAI's words and those of others, where this has come before it.
    pub(super) fn of(reason: &str, has_calls: bool, is_refused: bool) -> Self {
        Self::Stopped(match reason {
            "length" | "max_tokens" => Stop::MaxTokens,
            "model_length" | "model_context_window_exceeded" => Stop::ContextWindow,
            "content_filter" | "sensitive" | "refusal" => Stop::Refusal,
            "error" | "network_error" | "insufficient_system_resource" => return Self::Broken,
            // Many say `stop` although the model waits for its calls, and some the contrary.
            _ if has_calls => Stop::ToolUse,
            _ if is_refused => Stop::Refusal,
            _ => Stop::EndTurn,
        })
    }
}

/// What stands for `stop` as `finish_reason`.
pub(super) const fn finish_reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::StopSequence(_) | Stop::Pause => "stop",
        Stop::MaxTokens | Stop::ContextWindow => "length",
        Stop::ToolUse => "tool_calls",
        Stop::Refusal => "content_filter",
    }
}
