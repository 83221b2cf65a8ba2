use serde::Serialize;

use crate::translation::{Media, MediaKind, MediaSource, Part, Untranslatable, decode_base64};

/// Where several texts become one.
pub(super) const BETWEEN_TEXTS: &str = "\n\n";

/// What a message says.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

/// A part of what a message says. Exactly one of the fields behind the type is there.
#[derive(Serialize, Default)]
pub(super) struct ContentPart {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<ImageUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_audio: Option<InputAudio>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<File>,
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
}

#[derive(Serialize)]
struct InputAudio {
    data: String,
    format: &'static str,
}

#[derive(Serialize)]
struct File {
    filename: String,
    file_data: String,
}

impl Content {
    /// One text where there is nothing else: not all servers take parts. `None` if there is nothing at all.
    pub(super) fn of(parts: Vec<ContentPart>) -> Option<Self> {
        if parts.is_empty() {
            return None;
        }
        if parts.iter().any(|part| part.text.is_none()) {
            return Some(Self::Parts(parts));
        }
        let texts: Vec<String> = parts.into_iter().filter_map(|part| part.text).collect();
        Some(Self::Text(texts.join(BETWEEN_TEXTS)))
    }
}

impl ContentPart {
    pub(super) fn text(text: String) -> Self {
        Self {
            r#type: "text",
            text: Some(text),
            ..Self::default()
        }
    }

    /// What stands for a part; `None` for those that have a place elsewhere.
    pub(super) fn of(part: &Part) -> Result<Option<Self>, Untranslatable> {
        match part {
            Part::Text(text) => Ok(Some(Self::text(text.clone()))),
            Part::Media(media) => Self::of_media(media).map(Some),
            Part::Thinking(_) | Part::ToolCall(_) | Part::ToolResult(_) => Ok(None),
        }
    }

    fn of_media(media: &Media) -> Result<Self, Untranslatable> {
        match (media.kind, &media.source) {
            (MediaKind::Image, source) => Ok(Self {
                r#type: "image_url",
                image_url: Some(ImageUrl { url: source.to_url() }),
                ..Self::default()
            }),
            (MediaKind::Audio, MediaSource::Inline { media_type, data }) => sound(media_type, data),
            (MediaKind::Document, MediaSource::Inline { media_type, data }) => {
                let text = media_type
                    .starts_with("text/")
                    .then(|| String::from_utf8(decode_base64(data)?).ok())
                    .flatten();
                Ok(match text {
                    Some(text) => Self::text(text),
                    None => document(media, media_type),
                })
            }
            (MediaKind::Document | MediaKind::Audio, MediaSource::Link { .. }) => Err(
                Untranslatable::unsupported(&format!("{} by URL", media.kind.as_str())),
            ),
            (MediaKind::Video, _) => Err(Untranslatable::unsupported("video")),
        }
    }
}

fn sound(media_type: &str, data: &str) -> Result<ContentPart, Untranslatable> {
    let format = match media_type {
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        other => return Err(Untranslatable::unsupported(&format!("audio of type `{other}`"))),
    };
    Ok(ContentPart {
        r#type: "input_audio",
        input_audio: Some(InputAudio {
            data: data.to_owned(),
            format,
        }),
        ..ContentPart::default()
    })
}

fn document(media: &Media, media_type: &str) -> ContentPart {
    let usual = if media_type == "application/pdf" {
        "document.pdf"
    } else {
        "document"
    };
    ContentPart {
        r#type: "file",
        file: Some(File {
            // There must be one.
            filename: media.name.clone().unwrap_or_else(|| usual.to_owned()),
            file_data: media.source.to_url(),
        }),
        ..ContentPart::default()
    }
}
