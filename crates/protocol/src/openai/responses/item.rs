use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::translation::{Signature, UNSIGNED};

use super::arguments::to_raw;
use super::sealed;

/// An item of an answer's output.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message {
        id: &'a str,
        status: Status,
        role: Assistant,
        content: Vec<Content<'a>>,
    },
    Reasoning {
        id: &'a str,
        summary: Vec<Summary<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
    },
    FunctionCall {
        id: &'a str,
        status: Status,
        arguments: &'a str,
        call_id: &'a str,
        name: &'a str,
    },
    CustomToolCall {
        id: &'a str,
        status: Status,
        call_id: &'a str,
        name: &'a str,
        input: Cow<'a, str>,
    },
}

/// How far an item, or an answer, has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete,
}

/// The role of every message in an output.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Assistant {
    Assistant,
}

/// A part of a message.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    OutputText {
        annotations: [(); 0],
        logprobs: [(); 0],
        text: &'a str,
    },
}

/// A part of a thought.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Summary<'a> {
    SummaryText { text: &'a str },
}

impl<'a> Item<'a> {
    /// A message of these texts.
    pub(super) fn message(id: &'a str, status: Status, texts: &[&'a str]) -> Self {
        Self::Message {
            id,
            status,
            role: Assistant::Assistant,
            content: texts.iter().map(|text| Content::text(text)).collect(),
        }
    }

    /// A thought that has just begun.
    pub(super) const fn begun_reasoning(id: &'a str) -> Self {
        Self::Reasoning {
            id,
            summary: Vec::new(),
            encrypted_content: None,
        }
    }

    /// A thought. Its signature rides where OpenAI's own would stand: clients send it back as it is.
    pub(super) fn reasoning(id: &'a str, text: &'a str, signature: Option<&'a Signature>) -> Self {
        let part = (!text.is_empty()).then_some(Summary::SummaryText { text });
        let (id, encrypted_content) = match signature.and_then(sealed::write) {
            Some((own_id, content)) => (own_id, content.to_owned()),
            None => (
                id,
                signature.map_or_else(|| UNSIGNED.to_owned(), ToString::to_string),
            ),
        };
        Self::Reasoning {
            id,
            summary: part.into_iter().collect(),
            encrypted_content: Some(encrypted_content),
        }
    }

    pub(super) fn to_json(&self) -> Box<RawValue> {
        to_raw(self)
    }
}

impl<'a> Content<'a> {
    pub(super) const fn text(text: &'a str) -> Self {
        Self::OutputText {
            annotations: [],
            logprobs: [],
            text,
        }
    }
}
