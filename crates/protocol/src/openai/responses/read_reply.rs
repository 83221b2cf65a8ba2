use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::translation::{Part, Reply, Stop, ToolCall, Unreadable};

use super::answer::Answer;
use super::arguments;
use super::read_items::Reasoning;

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    incomplete_details: Option<IncompleteDetails<'a>>,
    #[serde(borrow)]
    output: Vec<&'a RawValue>,
}

/// Why an answer is not complete.
#[derive(Deserialize)]
pub(super) struct IncompleteDetails<'a> {
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

/// A message of an output.
#[derive(Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    content: Vec<Content>,
}

#[derive(Deserialize)]
struct Content {
    text: Option<String>,
    refusal: Option<String>,
}

/// A call of an output; `arguments` of a function, `input` of a freeform tool.
#[derive(Deserialize)]
pub(super) struct Call {
    pub(super) call_id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) arguments: String,
    #[serde(default)]
    pub(super) input: String,
}

/// What the model said so far, as far as it decides why it stopped.
#[derive(Default)]
pub(super) struct Said {
    pub(super) has_called: bool,
    pub(super) has_refused: bool,
}

/// See [`Translate::read_reply`](crate::translation::Translate::read_reply).
pub(super) fn read(body: &[u8]) -> Result<Reply, Unreadable> {
    let response: Response<'_> = serde_json::from_slice(body)?;
    let is_complete = match response.status.as_deref() {
        None | Some("completed") => true,
        Some("incomplete") => false,
        Some(_) => return Err(Unreadable::new("the provider says that the response failed")),
    };
    let mut parts = Vec::new();
    let mut said = Said::default();
    for item in response.output {
        read_item(item, &mut parts, &mut said)?;
    }
    let stop = if is_complete {
        said.stop()
    } else {
        incomplete(response.incomplete_details.as_ref())
    };
    let mut answer = Answer::default();
    answer.read(body);
    Ok(Reply {
        parts,
        stop,
        usage: answer.usage(),
    })
}

/// What OpenAI's own tools did is passed over: no client can have asked for it.
fn read_item(item: &RawValue, parts: &mut Vec<Part>, said: &mut Said) -> Result<(), Unreadable> {
    let kind: Kind<'_> = serde_json::from_str(item.get())?;
    match &*kind.r#type {
        "message" => {
            let message: Message = serde_json::from_str(item.get())?;
            parts.extend(message.texts(said).map(Part::Text));
        }
        "reasoning" => {
            let reasoning: Reasoning<'_> = serde_json::from_str(item.get())?;
            parts.extend(reasoning.thought().map(Part::Thinking));
        }
        kind @ ("function_call" | "custom_tool_call") => {
            let call: Call = serde_json::from_str(item.get())?;
            let arguments = if kind == "function_call" {
                arguments::object(&call.arguments)
            } else {
                arguments::string(&call.input)
            };
            said.has_called = true;
            parts.push(Part::ToolCall(ToolCall {
                id: call.call_id,
                name: call.name,
                arguments,
                signature: None,
            }));
        }
        _ => {}
    }
    Ok(())
}

impl Message {
    /// What it says, a refusal included.
    pub(super) fn texts(self, said: &mut Said) -> impl Iterator<Item = String> {
        said.has_refused |= self.content.iter().any(|content| content.refusal.is_some());
        let texts = self
            .content
            .into_iter()
            .filter_map(|content| content.text.or(content.refusal));
        texts.filter(|text| !text.is_empty())
    }
}

impl Said {
    /// Why a model stopped whose answer is complete.
    pub(super) const fn stop(&self) -> Stop {
        if self.has_called {
            Stop::ToolUse
        } else if self.has_refused {
            Stop::Refusal
        } else {
            Stop::EndTurn
        }
    }
}

/// Why a model stopped whose answer is not complete.
pub(super) fn incomplete(details: Option<&IncompleteDetails<'_>>) -> Stop {
    match details.and_then(|details| details.reason.as_deref()) {
        Some("content_filter") => Stop::Refusal,
        // Whatever else there may be, the answer was cut.
        _ => Stop::MaxTokens,
    }
}
