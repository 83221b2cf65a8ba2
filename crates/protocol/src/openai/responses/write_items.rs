use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;

use crate::translation::{
    Dropped, Media, MediaKind, MediaSource, Part, Role, Thought, ToolCall, ToolNames, ToolResult, Turn,
    Untranslatable, fit_tool_id,
};

use super::{arguments, sealed};

/// The longest id of a call.
pub(super) const MAX_CALL_ID: usize = 64;

/// An item of a request's input.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Input<'a> {
    Message {
        role: &'static str,
        content: Vec<Content<'a>>,
    },
    Reasoning {
        id: &'a str,
        summary: Vec<Summary<'a>>,
        encrypted_content: &'a str,
    },
    FunctionCall {
        call_id: Cow<'a, str>,
        name: &'a str,
        arguments: &'a str,
    },
    FunctionCallOutput {
        call_id: Cow<'a, str>,
        output: Output<'a>,
    },
    CustomToolCall {
        call_id: Cow<'a, str>,
        name: &'a str,
        input: String,
    },
    CustomToolCallOutput {
        call_id: Cow<'a, str>,
        output: Output<'a>,
    },
}

/// A part of a message, or of what a tool gave.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    InputText {
        text: Cow<'a, str>,
    },
    OutputText {
        text: &'a str,
    },
    InputImage {
        image_url: String,
        detail: &'static str,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<&'a str>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Summary<'a> {
    SummaryText { text: &'a str },
}

/// What a tool gave.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Output<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Content<'a>>),
}

/// Writes what was said as items.
pub(super) fn input<'a>(
    turns: &'a [Turn],
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Result<Vec<Input<'a>>, Untranslatable> {
    let mut writer = Writer {
        names,
        items: Vec::new(),
        texts: HashSet::new(),
    };
    for turn in turns {
        // A turn is a message of its own, even where its neighbour has the same role.
        let from = writer.items.len();
        for part in &turn.parts {
            writer.write(turn.role, part, from, dropped)?;
        }
    }
    Ok(writer.items)
}

struct Writer<'a> {
    names: &'a ToolNames,
    items: Vec<Input<'a>>,
    /// The ids of freeform calls, whose results are items of another type.
    texts: HashSet<&'a str>,
}

impl<'a> Writer<'a> {
    fn write(
        &mut self,
        role: Role,
        part: &'a Part,
        from: usize,
        dropped: &mut Dropped,
    ) -> Result<(), Untranslatable> {
        match (role, part) {
            (Role::Assistant, Part::Text(text)) => self.say("assistant", Content::OutputText { text }, from),
            (Role::User, Part::Text(text)) => self.say("user", Content::input_text(text), from),
            (Role::System, Part::Text(text)) => self.say("developer", Content::input_text(text), from),
            (Role::User, Part::Media(media)) => self.say("user", Content::media(media)?, from),
            (Role::Assistant | Role::System, Part::Media(media)) => {
                let what = format!("{} of the assistant", media.kind.as_str());
                return Err(Untranslatable::unsupported(&what));
            }
            (_, Part::Thinking(thought)) => match reasoning(thought) {
                Some(item) => self.items.push(item),
                None => dropped.note("thinking"),
            },
            (_, Part::ToolCall(call)) => self.call(call),
            (_, Part::ToolResult(result)) => self.result(result)?,
        }
        Ok(())
    }

    /// Adds to the message before, if it is of the same turn, that is, behind `from`.
    fn say(&mut self, role: &'static str, part: Content<'a>, from: usize) {
        match self.items[from..].last_mut() {
            Some(Input::Message { content, .. }) => content.push(part),
            _ => self.items.push(Input::Message {
                role,
                content: vec![part],
            }),
        }
    }

    fn call(&mut self, call: &'a ToolCall) {
        let call_id = fit_tool_id(&call.id, MAX_CALL_ID);
        let name = self.names.theirs(&call.name);
        self.items.push(match arguments::text(&call.arguments) {
            Some(input) => {
                self.texts.insert(&call.id);
                Input::CustomToolCall { call_id, name, input }
            }
            None => Input::FunctionCall {
                call_id,
                name,
                arguments: call.arguments.get(),
            },
        });
    }

    fn result(&mut self, result: &'a ToolResult) -> Result<(), Untranslatable> {
        let call_id = fit_tool_id(&result.call_id, MAX_CALL_ID);
        let output = output(result)?;
        self.items.push(if self.texts.contains(result.call_id.as_str()) {
            Input::CustomToolCallOutput { call_id, output }
        } else {
            Input::FunctionCallOutput { call_id, output }
        });
        Ok(())
    }
}

/// OpenAI's own thought; of any other it could make nothing.
fn reasoning(thought: &Thought) -> Option<Input<'_>> {
    let (id, encrypted_content) = sealed::write(thought.signature.as_ref()?)?;
    let text = thought.text.as_str();
    let part = (!text.is_empty()).then_some(Summary::SummaryText { text });
    Some(Input::Reasoning {
        id,
        summary: part.into_iter().collect(),
        encrypted_content,
    })
}

/// The dialect has no word for a tool's failure but what the output says.
fn output(result: &ToolResult) -> Result<Output<'_>, Untranslatable> {
    let error = if result.is_error { "Error: " } else { "" };
    match result.parts.as_slice() {
        [] => Ok(Output::Text(error.trim_end().into())),
        [Part::Text(text)] if error.is_empty() => Ok(Output::Text(text.into())),
        [Part::Text(text)] => Ok(Output::Text(format!("{error}{text}").into())),
        parts => {
            let mut content = Vec::new();
            if result.is_error {
                content.push(Content::InputText { text: error.into() });
            }
            for part in parts {
                match part {
                    Part::Text(text) => content.push(Content::input_text(text)),
                    Part::Media(media) => content.push(Content::media(media)?),
                    Part::Thinking(_) | Part::ToolCall(_) | Part::ToolResult(_) => {}
                }
            }
            Ok(Output::Parts(content))
        }
    }
}

impl<'a> Content<'a> {
    fn input_text(text: &'a str) -> Self {
        Self::InputText { text: text.into() }
    }

    fn media(media: &'a Media) -> Result<Self, Untranslatable> {
        match (media.kind, &media.source) {
            (MediaKind::Image, source) => Ok(Self::InputImage {
                image_url: source.to_url(),
                detail: "auto",
            }),
            (MediaKind::Document, source @ MediaSource::Inline { .. }) => Ok(Self::InputFile {
                filename: Some(media.name.as_deref().unwrap_or("document")),
                file_data: Some(source.to_url()),
                file_url: None,
            }),
            (MediaKind::Document, MediaSource::Link { url, .. }) => Ok(Self::InputFile {
                filename: None,
                file_data: None,
                file_url: Some(url),
            }),
            (kind @ (MediaKind::Audio | MediaKind::Video), _) => {
                Err(Untranslatable::unsupported(kind.as_str()))
            }
        }
    }
}
