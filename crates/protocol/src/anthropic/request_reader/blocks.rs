use crate::translation::{
    Dropped, Media, MediaKind, MediaSource, Origin, Part, Role, Signature, Thought, ToolCall, ToolResult,
    Untranslatable,
};

use crate::anthropic::message::is_signature;

use super::fields::{Fields, each, text};
use super::place::{Place, beginning};
use super::quotation::Quotation;

/// Reads the content of messages.
pub(super) struct Reader<'a> {
    pub(super) dropped: &'a mut Dropped,
}

/// Where a block stands decides which kinds it may be of.
#[derive(Clone, Copy)]
pub(super) enum Setting {
    Message(Role),
    ToolResult,
    Document,
    SearchResult,
}

impl Reader<'_> {
    /// The parts of a content, which is a string or a list of blocks.
    pub(super) fn content(
        &mut self,
        content: &[u8],
        setting: Setting,
        place: &Place<'_>,
    ) -> Result<Vec<Part>, Untranslatable> {
        if content.starts_with(b"\"") {
            let text = text(content, place)?;
            return Ok(if text.is_empty() {
                Vec::new()
            } else {
                vec![Part::Text(text)]
            });
        }
        let mut parts = Vec::new();
        each(content, place, |block, place| {
            self.block(block, setting, place, &mut parts)
        })?;
        Ok(parts)
    }

    fn block(
        &mut self,
        block: &[u8],
        setting: Setting,
        place: &Place<'_>,
        parts: &mut Vec<Part>,
    ) -> Result<(), Untranslatable> {
        let mut fields = Fields::read(block, place)?;
        let kind = fields.required_text("type")?;
        setting.check(&kind, place)?;
        match kind.as_str() {
            "text" => parts.push(Part::Text(block_text(&mut fields)?)),
            "image" => parts.push(Part::Media(self.image(&mut fields, place)?)),
            "document" => parts.extend(self.document(&mut fields, place)?),
            "search_result" => parts.extend(self.search_result(&mut fields, place)?),
            "thinking" => parts.push(Part::Thinking(thinking(&mut fields)?)),
            "redacted_thinking" => parts.push(Part::Thinking(redacted_thinking(&mut fields)?)),
            "tool_use" => parts.push(Part::ToolCall(self.tool_use(&mut fields)?)),
            "tool_result" => parts.push(Part::ToolResult(self.tool_result(&mut fields, place)?)),
            _ => return Err(place.unsupported_kind(&kind)),
        }
        fields.leave(self.dropped);
        Ok(())
    }

    fn image(&mut self, fields: &mut Fields<'_>, place: &Place<'_>) -> Result<Media, Untranslatable> {
        let place = place.field("source");
        let mut source = Fields::read(fields.required("source")?, &place)?;
        let kind = source.required_text("type")?;
        let found = match kind.as_str() {
            "base64" => inline(&mut source)?,
            "url" => MediaSource::Link {
                url: source.required_text("url")?,
                media_type: None,
            },
            _ => return Err(place.unsupported_kind(&kind)),
        };
        source.leave(self.dropped);
        Ok(Media {
            kind: MediaKind::Image,
            source: found,
            name: None,
        })
    }

    fn document(&mut self, fields: &mut Fields<'_>, place: &Place<'_>) -> Result<Vec<Part>, Untranslatable> {
        let place = place.field("source");
        let title = fields.text("title")?.filter(|title| !title.is_empty());
        let context = fields.text("context")?.filter(|context| !context.is_empty());
        let mut source = Fields::read(fields.required("source")?, &place)?;
        let kind = source.required_text("type")?;
        let parts = match kind.as_str() {
            "text" => {
                source.take("media_type")?;
                let data = source.required_text("data")?;
                let mut quotation = Quotation::new("document", &[("title", title), ("context", context)]);
                quotation.add_text(&data);
                quotation.finish()
            }
            "content" => {
                let content = source.required("content")?;
                let content = self.content(content, Setting::Document, &place.field("content"))?;
                let known = [("title", title), ("context", context)];
                quote("document", &known, content)
            }
            "base64" => with_context(context, inline(&mut source)?, title),
            "url" => {
                let source = MediaSource::Link {
                    url: source.required_text("url")?,
                    media_type: Some("application/pdf".to_owned()),
                };
                with_context(context, source, title)
            }
            _ => return Err(place.unsupported_kind(&kind)),
        };
        source.leave(self.dropped);
        Ok(parts)
    }

    fn search_result(
        &mut self,
        fields: &mut Fields<'_>,
        place: &Place<'_>,
    ) -> Result<Vec<Part>, Untranslatable> {
        let title = fields.required_text("title")?;
        let source = fields.required_text("source")?;
        let content = fields.required("content")?;
        let content = self.content(content, Setting::SearchResult, &place.field("content"))?;
        let known = [("title", Some(title)), ("source", Some(source))];
        Ok(quote("search_result", &known, content))
    }

    fn tool_use(&mut self, fields: &mut Fields<'_>) -> Result<ToolCall, Untranslatable> {
        let id = fields.required_text("id")?;
        if id.is_empty() {
            return Err(fields.invalid("id", "String should have at least 1 character"));
        }
        Ok(ToolCall {
            id,
            name: fields.required_text("name")?,
            arguments: fields.required_object("input")?,
            signature: None,
        })
    }

    fn tool_result(
        &mut self,
        fields: &mut Fields<'_>,
        place: &Place<'_>,
    ) -> Result<ToolResult, Untranslatable> {
        let parts = match fields.take("content")? {
            Some(content) => self.content(content, Setting::ToolResult, &place.field("content"))?,
            None => Vec::new(),
        };
        Ok(ToolResult {
            call_id: fields.required_text("tool_use_id")?,
            parts,
            is_error: fields.boolean("is_error")?.unwrap_or_default(),
        })
    }
}

impl Setting {
    /// Tells whether a block of this kind may stand here. What no block is called may stand anywhere.
    fn check(self, kind: &str, place: &Place<'_>) -> Result<(), Untranslatable> {
        let is_of_assistant = matches!(kind, "thinking" | "redacted_thinking" | "tool_use");
        let is_allowed = match self {
            Self::Message(Role::User) => !is_of_assistant,
            Self::Message(Role::Assistant) => kind != "tool_result",
            Self::Message(Role::System) | Self::SearchResult => kind == "text",
            Self::ToolResult => !is_of_assistant && kind != "tool_result",
            Self::Document => matches!(kind, "text" | "image"),
        };
        if is_allowed {
            return Ok(());
        }
        let kind = beginning(kind);
        let of = match self {
            Self::Message(Role::System) => "in `system` messages",
            Self::Message(Role::User) => "in `user` messages",
            Self::Message(Role::Assistant) => "in `assistant` messages",
            Self::ToolResult => "in tool results",
            Self::Document => "in documents",
            Self::SearchResult => "in search results",
        };
        Err(place.invalid(&format!("`{kind}` blocks are not allowed {of}")))
    }
}

/// The text of a block, which is never empty.
pub(super) fn block_text(fields: &mut Fields<'_>) -> Result<String, Untranslatable> {
    let text = fields.required_text("text")?;
    if text.is_empty() {
        return Err(fields.invalid("text", "text content blocks must be non-empty"));
    }
    Ok(text)
}

fn thinking(fields: &mut Fields<'_>) -> Result<Thought, Untranslatable> {
    let signature = fields.text("signature")?.filter(|text| is_signature(text));
    Ok(Thought {
        text: fields.required_text("thinking")?,
        signature: signature.map(|text| Signature::read(&text, Origin::Anthropic)),
        is_redacted: false,
    })
}

fn redacted_thinking(fields: &mut Fields<'_>) -> Result<Thought, Untranslatable> {
    let data = fields.required_text("data")?;
    Ok(Thought {
        text: String::new(),
        signature: Some(Signature::read(&data, Origin::AnthropicRedacted)),
        is_redacted: true,
    })
}

fn inline(source: &mut Fields<'_>) -> Result<MediaSource, Untranslatable> {
    Ok(MediaSource::Inline {
        media_type: source.required_text("media_type")?,
        data: source.required_text("data")?,
    })
}

/// A document of bytes. Others can only be told in words what it is about.
fn with_context(context: Option<String>, source: MediaSource, name: Option<String>) -> Vec<Part> {
    let context = context.map(|context| Part::Text(format!("<context>{context}</context>")));
    let media = Part::Media(Media {
        kind: MediaKind::Document,
        source,
        name,
    });
    context.into_iter().chain([media]).collect()
}

fn quote(tag: &'static str, known: &[(&str, Option<String>)], content: Vec<Part>) -> Vec<Part> {
    let mut quotation = Quotation::new(tag, known);
    for part in content {
        match part {
            Part::Text(text) => quotation.add_text(&text),
            Part::Media(media) => quotation.add_media(media),
            Part::Thinking(_) | Part::ToolCall(_) | Part::ToolResult(_) => {}
        }
    }
    quotation.finish()
}
