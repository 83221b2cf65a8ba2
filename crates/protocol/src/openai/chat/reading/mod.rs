//! Requests, from what a client sends into a conversation.

mod content;
mod field;
mod messages;
mod options;
mod tools;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Number;
use serde_json::value::RawValue;

use crate::json;
use crate::openai::unknown::note_unknown;
use crate::translation::{Conversation, Dropped, Sampling, Untranslatable};

use messages::Messages;

/// A request, as far as it is carried over or refused.
#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    messages: Vec<&'a RawValue>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_completion_tokens: Option<u64>,
    max_tokens: Option<u64>,
    #[serde(borrow)]
    stop: Option<&'a RawValue>,
    temperature: Option<Number>,
    top_p: Option<Number>,
    top_k: Option<Number>,
    seed: Option<Number>,
    presence_penalty: Option<Number>,
    frequency_penalty: Option<Number>,
    #[serde(borrow)]
    tools: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    tool_choice: Option<&'a RawValue>,
    #[serde(borrow)]
    functions: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    function_call: Option<&'a RawValue>,
    parallel_tool_calls: Option<bool>,
    #[serde(borrow)]
    response_format: Option<&'a RawValue>,
    reasoning_effort: Option<Cow<'a, str>>,
    safety_identifier: Option<Cow<'a, str>>,
    user: Option<Cow<'a, str>>,
    n: Option<u64>,
    logprobs: Option<bool>,
    top_logprobs: Option<u64>,
    #[serde(borrow)]
    logit_bias: Option<&'a RawValue>,
    #[serde(borrow)]
    audio: Option<&'a RawValue>,
    modalities: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    moderation: Option<&'a RawValue>,
    #[serde(borrow)]
    web_search_options: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

/// The fields of [`Request`].
const KNOWN: &[&str] = &[
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_completion_tokens",
    "max_tokens",
    "stop",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "safety_identifier",
    "user",
    "n",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "audio",
    "modalities",
    "moderation",
    "web_search_options",
];

/// See [`Translate::read_request`](crate::translation::Translate::read_request).
pub(super) fn read(body: &[u8], dropped: &mut Dropped) -> Result<Conversation, Untranslatable> {
    let request: Request<'_> = serde_json::from_slice(body)?;
    request.refuse_what_is_openais()?;
    note_others(body, dropped);
    let Messages { system, turns } = messages::read(&request.messages, dropped)?;
    let tools::Tools {
        tools,
        choice,
        parallel,
    } = tools::read(&request, dropped)?;
    let stop = options::stop(request.stop)?;
    let thinking = options::thinking(request.reasoning_effort.as_deref())?;
    let format = options::format(request.response_format)?;
    if request.user.is_some() && request.safety_identifier.is_some() {
        dropped.note("user");
    }
    let include_usage = request.stream_options.and_then(|options| options.include_usage);
    Ok(Conversation {
        model: request.model.into_owned(),
        stream: request.stream.unwrap_or_default(),
        system,
        turns,
        tools,
        tool_choice: choice,
        parallel_tool_calls: parallel,
        max_tokens: request.max_completion_tokens.or(request.max_tokens),
        stop,
        sampling: Sampling {
            temperature: request.temperature,
            top_p: request.top_p,
            top_k: request.top_k,
            seed: request.seed,
            presence_penalty: request.presence_penalty,
            frequency_penalty: request.frequency_penalty,
        },
        thinking,
        format,
        user: request.safety_identifier.or(request.user).map(Cow::into_owned),
        include_usage: include_usage.unwrap_or_default(),
        echo: None,
    })
}

impl Request<'_> {
    /// What only OpenAI can do, and what an answer without it would not be an answer to.
    fn refuse_what_is_openais(&self) -> Result<(), Untranslatable> {
        let has_bias = |bias: &RawValue| json::members(bias.get().as_bytes()).next().is_some();
        let is_spoken = |modalities: &Vec<Cow<'_, str>>| modalities.iter().any(|modality| modality != "text");
        let refused = [
            ("n", self.n.is_some_and(|n| n > 1)),
            ("logprobs", self.logprobs == Some(true)),
            ("top_logprobs", self.top_logprobs.is_some_and(|count| count > 0)),
            ("logit_bias", self.logit_bias.is_some_and(has_bias)),
            ("audio", self.audio.is_some()),
            ("modalities", self.modalities.as_ref().is_some_and(is_spoken)),
            ("moderation", self.moderation.is_some()),
            ("web_search_options", self.web_search_options.is_some()),
        ];
        match refused.iter().find(|(_, is_refused)| *is_refused) {
            Some((name, _)) => Err(Untranslatable::unsupported(name)),
            None => Ok(()),
        }
    }
}

/// Names the fields that are not carried over, unless they say what is so anyway.
fn note_others(body: &[u8], dropped: &mut Dropped) {
    note_unknown(body, "", KNOWN, dropped, |key, value| {
        matches!(
            (key, value),
            (b"store", b"false") | (b"service_tier", b"\"auto\"" | b"\"default\"")
        )
    });
    let options = json::member(body, b"stream_options").unwrap_or_default();
    if json::member(options, b"include_obfuscation") == Some(b"true") {
        dropped.note("stream_options.include_obfuscation");
    }
}
