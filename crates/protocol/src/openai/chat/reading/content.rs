use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::openai::unknown::note_unknown;
use crate::translation::{Dropped, Media, MediaKind, MediaSource, Part, Untranslatable};

use super::field::Path;

/// A part of a message's content.
#[derive(Deserialize)]
struct ContentPart<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    image_url: Option<&'a RawValue>,
    #[serde(borrow)]
    input_audio: Option<&'a RawValue>,
    #[serde(borrow)]
    file: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ImageUrl<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
}

#[derive(Deserialize)]
struct InputAudio<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow)]
    format: Cow<'a, str>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    file_data: Option<Cow<'a, str>>,
    #[serde(borrow)]
    file_id: Option<&'a RawValue>,
    filename: Option<Cow<'a, str>>,
}

const KNOWN: &[&str] = &["type", "text", "refusal", "image_url", "input_audio", "file"];

/// What a message says: a string, a list of parts, or nothing.
pub(super) fn read(
    content: Option<&RawValue>,
    path: &Path<'_>,
    dropped: &mut Dropped,
) -> Result<Vec<Part>, Untranslatable> {
    let Some(content) = content else {
        return Ok(Vec::new());
    };
    if !content.get().starts_with('[') {
        let text: Option<String> = path.read(content)?;
        return Ok(text
            .filter(|text| !text.is_empty())
            .map(Part::Text)
            .into_iter()
            .collect());
    }
    let mut parts = Vec::new();
    for (index, part) in path.read::<Vec<&RawValue>>(content)?.into_iter().enumerate() {
        let path = Path::Element(path, index);
        parts.extend(read_part(part, &path, dropped)?);
    }
    Ok(parts)
}

/// What a message that can be nothing but text says.
pub(super) fn read_texts(
    content: Option<&RawValue>,
    path: &Path<'_>,
    dropped: &mut Dropped,
) -> Result<Vec<String>, Untranslatable> {
    let mut texts = Vec::new();
    for (index, part) in read(content, path, dropped)?.into_iter().enumerate() {
        match part {
            Part::Text(text) => texts.push(text),
            _ => {
                return Err(
                    Path::Element(path, index).invalid("Only text is allowed in messages of this role.")
                );
            }
        }
    }
    Ok(texts)
}

fn read_part(
    part: &RawValue,
    path: &Path<'_>,
    dropped: &mut Dropped,
) -> Result<Option<Part>, Untranslatable> {
    let read: ContentPart<'_> = path.read(part)?;
    note_unknown(part.get().as_bytes(), "", KNOWN, dropped, |_, _| false);
    let missing = |name| Path::Field(path, name).missing();
    let text = |text: Option<Cow<'_, str>>, name| {
        let text = text.ok_or_else(|| missing(name))?;
        Ok((!text.is_empty()).then(|| Part::Text(text.into_owned())))
    };
    match &*read.r#type {
        "text" => text(read.text, "text"),
        "refusal" => text(read.refusal, "refusal"),
        "image_url" => {
            let value = read.image_url.ok_or_else(|| missing("image_url"))?;
            image(value, &Path::Field(path, "image_url"), dropped).map(Some)
        }
        "input_audio" => {
            let value = read.input_audio.ok_or_else(|| missing("input_audio"))?;
            let audio: InputAudio<'_> = Path::Field(path, "input_audio").read(value)?;
            Ok(Some(sound(audio)))
        }
        "file" => {
            let value = read.file.ok_or_else(|| missing("file"))?;
            file(value, &Path::Field(path, "file")).map(Some)
        }
        other => {
            let known = "'text', 'image_url', 'input_audio', 'refusal', and 'file'";
            Err(Path::Field(path, "type").unknown_value(other, known))
        }
    }
}

fn image(value: &RawValue, path: &Path<'_>, dropped: &mut Dropped) -> Result<Part, Untranslatable> {
    // Some clients give the address by itself.
    let url = if value.get().starts_with('"') {
        path.read(value)?
    } else {
        note_unknown(value.get().as_bytes(), "image_url.", &["url"], dropped, |_, _| {
            false
        });
        path.read::<ImageUrl<'_>>(value)?.url
    };
    Ok(Part::Media(Media {
        kind: MediaKind::Image,
        source: source(&url, &Path::Field(path, "url"))?,
        name: None,
    }))
}

fn source(url: &str, path: &Path<'_>) -> Result<MediaSource, Untranslatable> {
    MediaSource::of_url(url).ok_or_else(|| path.invalid("Expected a data URL with base64 in it."))
}

fn sound(audio: InputAudio<'_>) -> Part {
    let media_type = match &*audio.format {
        "mp3" => "audio/mpeg".to_owned(),
        format => format!("audio/{format}"),
    };
    Part::Media(Media {
        kind: MediaKind::Audio,
        source: MediaSource::Inline {
            media_type,
            data: audio.data.into_owned(),
        },
        name: None,
    })
}

fn file(value: &RawValue, path: &Path<'_>) -> Result<Part, Untranslatable> {
    let file: File<'_> = path.read(value)?;
    if file.file_id.is_some() {
        return Err(Path::Field(path, "file_id").unsupported());
    }
    let file_data = Path::Field(path, "file_data");
    let data = file.file_data.ok_or_else(|| file_data.missing())?;
    let is_address = ["data:", "http://", "https://"]
        .iter()
        .any(|scheme| data.starts_with(scheme));
    let source = if is_address {
        source(&data, &file_data)?
    } else {
        MediaSource::Inline {
            media_type: "application/pdf".to_owned(),
            data: data.into_owned(),
        }
    };
    let kind = match &source {
        MediaSource::Inline { media_type, .. } => MediaKind::of(media_type),
        MediaSource::Link { .. } => MediaKind::Document,
    };
    Ok(Part::Media(Media {
        kind,
        source,
        name: file.filename.map(Cow::into_owned),
    }))
}
