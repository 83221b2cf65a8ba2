use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::translation::{Origin, Part, Reply, Signature, Thought, ToolCall, Unreadable, decode_base64};

use super::finish::Finish;
use super::signature::is_skip;
use super::usage::Metadata;

/// A whole answer, or one event of a stream.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    candidates: Option<Vec<Candidate<'a>>>,
    #[serde(borrow)]
    prompt_feedback: Option<PromptFeedback<'a>>,
    #[serde(borrow)]
    usage_metadata: Option<&'a RawValue>,
    pub(super) error: Option<Status>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Option<Content<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    finish_message: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Option<Vec<ToldPart<'a>>>,
}

/// A part. Of other kinds than these, such as pictures, nothing can be told to clients of other dialects.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToldPart<'a> {
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) thought: Option<bool>,
    #[serde(borrow)]
    pub(super) thought_signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) function_call: Option<ToldCall<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ToldCall<'a> {
    pub(super) id: Option<String>,
    pub(super) name: String,
    #[serde(borrow)]
    pub(super) args: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFeedback<'a> {
    #[serde(borrow)]
    block_reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    block_reason_message: Option<Cow<'a, str>>,
}

/// A `google.rpc.Status`.
#[derive(Deserialize)]
pub(super) struct Status {
    pub(super) code: Option<u64>,
    #[serde(default)]
    pub(super) message: String,
}

/// Why an answer ended.
pub(super) struct Ended {
    pub(super) finish: Finish,
    /// In Gemini's words.
    pub(super) reason: String,
    pub(super) message: Option<String>,
}

impl<'a> Response<'a> {
    pub(super) fn metadata(&self) -> Option<Metadata> {
        Metadata::read(self.usage_metadata?.get().as_bytes())
    }

    /// Why it ended, if it did: the only candidate has, or the prompt was refused.
    pub(super) fn ended(&self) -> Option<Ended> {
        let feedback = self.prompt_feedback.as_ref();
        let blocked = feedback.and_then(|feedback| {
            let reason = feedback.block_reason.as_deref()?;
            Some(Ended {
                finish: Finish::of(reason).map(|_| Finish::Refused)?,
                reason: reason.to_owned(),
                message: feedback.block_reason_message.as_deref().map(str::to_owned),
            })
        });
        blocked.or_else(|| {
            let candidate = self.candidates.as_deref()?.first()?;
            let reason = candidate.finish_reason.as_deref()?;
            Some(Ended {
                finish: Finish::of(reason)?,
                reason: reason.to_owned(),
                message: candidate.finish_message.as_deref().map(str::to_owned),
            })
        })
    }

    /// The parts of the only candidate.
    pub(super) fn into_parts(self) -> Vec<ToldPart<'a>> {
        let first = self.candidates.into_iter().flatten().next();
        let content = first.and_then(|candidate| candidate.content);
        content.and_then(|content| content.parts).unwrap_or_default()
    }
}

impl Ended {
    /// A sentence for the client, where there is no answer.
    pub(super) fn failure(&self) -> String {
        match self.message.as_deref().filter(|message| !message.is_empty()) {
            Some(message) => format!("The model gave no answer ({}): {message}", self.reason),
            None => format!("The model gave no answer ({})", self.reason),
        }
    }
}

impl ToldPart<'_> {
    /// Gemini's own signature, if there is one: base64 that does not stand for none.
    pub(super) fn signature(&self) -> Option<Signature> {
        let base64 = self
            .thought_signature
            .as_deref()
            .filter(|text| !text.is_empty())?;
        let bytes = decode_base64(base64)?;
        if is_skip(&bytes) {
            return None;
        }
        Some(Signature::new(Origin::Gemini, base64))
    }
}

/// See [`Translate::read_reply`](crate::translation::Translate::read_reply).
pub(super) fn read(body: &[u8]) -> Result<Reply, Unreadable> {
    let response: Response<'_> = serde_json::from_slice(body)?;
    if response.error.is_some() {
        return Err(Unreadable::new("the answer is an error"));
    }
    // There are no searches where only the client's own tools are asked for.
    let usage = response.metadata().map(|metadata| metadata.usage(0));
    let ended = response.ended();
    let mut parts = Vec::new();
    for part in response.into_parts() {
        add(&mut parts, part)?;
    }
    let has_calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    let stop = match &ended {
        Some(ended) if ended.finish == Finish::Failed => {
            return Err(Unreadable::new(format!(
                "the model gave no proper answer: {}",
                ended.reason
            )));
        }
        Some(ended) => ended.finish.stop(has_calls),
        None if parts.is_empty() => return Err(Unreadable::new("the answer has no candidate")),
        // All of it is there, even if it does not say so.
        None => Finish::Done.stop(has_calls),
    };
    let message = ended
        .and_then(|ended| ended.message)
        .filter(|text| !text.is_empty());
    if let (true, Some(message)) = (parts.is_empty(), message) {
        parts.push(Part::Text(message));
    }
    Ok(Reply { parts, stop, usage })
}

fn add(parts: &mut Vec<Part>, part: ToldPart<'_>) -> Result<(), Unreadable> {
    let signature = part.signature();
    if let Some(call) = part.function_call {
        parts.push(Part::ToolCall(ToolCall {
            id: call.id.unwrap_or_default(),
            name: call.name,
            arguments: match call.args.filter(|args| args.get() != "null") {
                Some(arguments) => arguments.to_owned(),
                None => RawValue::from_string("{}".to_owned())?,
            },
            signature,
        }));
        return Ok(());
    }
    let text = part.text.unwrap_or_default();
    if part.thought == Some(true) {
        if !text.is_empty() || signature.is_some() {
            add_thought(parts, text, signature);
        }
        return Ok(());
    }
    sign_thought(parts, signature);
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(before)) => before.push_str(&text),
        _ => parts.push(Part::Text(text)),
    }
    Ok(())
}

fn add_thought(parts: &mut Vec<Part>, text: String, signature: Option<Signature>) {
    match parts.last_mut() {
        Some(Part::Thinking(before)) if before.signature.is_none() => {
            before.text.push_str(&text);
            before.signature = signature;
        }
        _ => parts.push(Part::Thinking(Thought {
            text,
            signature,
            is_redacted: false,
        })),
    }
}

/// Gives the signature of a text to the thought that led to it: only there can clients keep it.
fn sign_thought(parts: &mut [Part], signature: Option<Signature>) {
    let thoughts = parts.iter_mut().rev().filter_map(|part| match part {
        Part::Thinking(thought) => Some(thought),
        _ => None,
    });
    if let (Some(signature), Some(thought)) = (signature, thoughts.into_iter().next())
        && thought.signature.is_none()
    {
        thought.signature = Some(signature);
    }
}
