use std::borrow::Cow;
use std::fmt::Display;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::openai::unknown::note_unknown;
use crate::translation::{Dropped, Media, MediaKind, MediaSource, Part, Untranslatable};

use super::read_items::parse;

/// No type has a longer name.
const MAX_WORD: usize = 64;

/// A part of a message's content, or of what a tool gave.
#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    text: Option<String>,
    refusal: Option<String>,
    #[serde(borrow)]
    image_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    file_data: Option<Cow<'a, str>>,
    #[serde(borrow)]
    file_url: Option<Cow<'a, str>>,
    filename: Option<String>,
    file_id: Option<IgnoredAny>,
    #[serde(borrow)]
    detail: Option<Cow<'a, str>>,
    input_audio: Option<Audio>,
    #[serde(default)]
    annotations: Vec<IgnoredAny>,
    prompt_cache_breakpoint: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Audio {
    data: String,
    format: String,
}

/// What a part may have, of whatever type.
const KNOWN: &[&str] = &[
    "type",
    "text",
    "refusal",
    "image_url",
    "file_data",
    "file_url",
    "filename",
    "file_id",
    "detail",
    "input_audio",
    "annotations",
    "prompt_cache_breakpoint",
];

/// Reads a content, a text or a list of parts. Empty texts are left out.
pub(super) fn read(
    content: &RawValue,
    path: &dyn Display,
    dropped: &mut Dropped,
) -> Result<Vec<Part>, Untranslatable> {
    if content.get().starts_with('"') {
        let text: String = parse(content, path)?;
        return Ok(text_part(text).into_iter().collect());
    }
    let list: Vec<&RawValue> = parse(content, path)?;
    let mut parts = Vec::with_capacity(list.len());
    for (at, part) in list.into_iter().enumerate() {
        let path = format_args!("{path}[{at}]");
        note_unknown(
            part.get().as_bytes(),
            "input.content.",
            KNOWN,
            dropped,
            |key, _| key == b"logprobs",
        );
        parts.extend(read_part(parse(part, &path)?, &path, dropped)?);
    }
    Ok(parts)
}

fn read_part(
    content: Content<'_>,
    path: &dyn Display,
    dropped: &mut Dropped,
) -> Result<Option<Part>, Untranslatable> {
    if content.prompt_cache_breakpoint.is_some() {
        dropped.note("prompt_cache_breakpoint");
    }
    if content.detail.as_deref().is_some_and(|detail| detail != "auto") {
        dropped.note("detail");
    }
    if !content.annotations.is_empty() {
        dropped.note("annotations");
    }
    if content.file_id.is_some() {
        return Err(Untranslatable::unsupported(&format!("{path}.file_id")));
    }
    let missing = |field: &str| Untranslatable::invalid(&format!("{path}.{field}"), "missing");
    match &*content.r#type {
        "input_text" | "output_text" | "text" => Ok(text_part(content.text.ok_or_else(|| missing("text"))?)),
        "refusal" => Ok(text_part(content.refusal.ok_or_else(|| missing("refusal"))?)),
        "input_image" => {
            let url = content.image_url.ok_or_else(|| missing("image_url"))?;
            let source = MediaSource::of_url(&url).ok_or_else(|| not_base64(path, "image_url"))?;
            Ok(Some(Part::Media(Media {
                kind: MediaKind::Image,
                source,
                name: None,
            })))
        }
        "input_file" => file(content, path).map(Some),
        "input_audio" => {
            let audio = content.input_audio.ok_or_else(|| missing("input_audio"))?;
            let media_type = match audio.format.as_str() {
                "mp3" => "audio/mpeg".to_owned(),
                format => format!("audio/{format}"),
            };
            Ok(Some(Part::Media(Media {
                kind: MediaKind::Audio,
                source: MediaSource::Inline {
                    media_type,
                    data: audio.data,
                },
                name: None,
            })))
        }
        kind => {
            let what = format!("{path} of type {}", word(kind));
            Err(Untranslatable::unsupported(&what))
        }
    }
}

fn file(content: Content<'_>, path: &dyn Display) -> Result<Part, Untranslatable> {
    let source = match (&content.file_data, &content.file_url) {
        (Some(data), _) if data.starts_with("data:") => {
            MediaSource::of_url(data).ok_or_else(|| not_base64(path, "file_data"))?
        }
        (Some(data), _) => MediaSource::Inline {
            media_type: "application/pdf".to_owned(),
            data: data.clone().into_owned(),
        },
        (None, Some(url)) => MediaSource::of_url(url).ok_or_else(|| not_base64(path, "file_url"))?,
        (None, None) => return Err(Untranslatable::invalid(&format!("{path}.file_data"), "missing")),
    };
    let kind = match &source {
        MediaSource::Inline { media_type, .. } => MediaKind::of(media_type),
        MediaSource::Link { .. } => MediaKind::Document,
    };
    Ok(Part::Media(Media {
        kind,
        source,
        name: content.filename,
    }))
}

fn text_part(text: String) -> Option<Part> {
    (!text.is_empty()).then_some(Part::Text(text))
}

fn not_base64(path: &dyn Display, field: &str) -> Untranslatable {
    Untranslatable::invalid(
        &format!("{path}.{field}"),
        "expected a URL or a base64-encoded data URL",
    )
}

/// As much of a word of the client's as fits a sentence.
pub(super) fn word(word: &str) -> Cow<'_, str> {
    if word.chars().nth(MAX_WORD).is_none() {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(word.chars().take(MAX_WORD).chain(['…']).collect())
    }
}
