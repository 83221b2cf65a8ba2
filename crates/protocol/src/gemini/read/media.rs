use crate::gemini::fields::{Fields, Place};
use crate::gemini::files::{is_film, is_uploaded};
use crate::translation::{Media, MediaKind, MediaSource, Untranslatable};

/// Reads the `inlineData` of a part.
pub(super) fn inline(part: &mut Fields<'_>) -> Result<Media, Untranslatable> {
    let place = part.place();
    let place = place.field("inlineData");
    let mut fields = read(part, "inlineData", place)?;
    let media_type = fields.text("mimeType")?.unwrap_or_default();
    if media_type.is_empty() {
        return Err(place.field("mimeType").wrong("mime_type is not specified"));
    }
    let data = fields.text("data")?.unwrap_or_default();
    if data.is_empty() {
        return Err(place.field("data").wrong("data is not specified"));
    }
    Ok(Media {
        kind: MediaKind::of(&media_type),
        source: MediaSource::Inline {
            media_type,
            data: standard(data),
        },
        name: fields.text("displayName")?,
    })
}

/// Reads the `fileData` of a part.
pub(super) fn file(part: &mut Fields<'_>) -> Result<Media, Untranslatable> {
    let place = part.place();
    let place = place.field("fileData");
    let mut fields = read(part, "fileData", place)?;
    let url = fields.text("fileUri")?.unwrap_or_default();
    let is_link = url.starts_with("https://") || url.starts_with("http://");
    // The files of Google's storage are read with Google's own rights.
    if !is_link || is_uploaded(&url) {
        return Err(place.unsupported());
    }
    let media_type = fields
        .text("mimeType")?
        .filter(|media_type| !media_type.is_empty());
    Ok(Media {
        kind: match &media_type {
            Some(media_type) => MediaKind::of(media_type),
            None => kind_of_url(&url),
        },
        source: MediaSource::Link { url, media_type },
        name: fields.text("displayName")?,
    })
}

fn read<'a: 'b, 'b>(
    part: &mut Fields<'a>,
    name: &str,
    place: Place<'b>,
) -> Result<Fields<'b>, Untranslatable> {
    match part.take(name) {
        Some(value) => Fields::read(value, place),
        None => Err(place.wrong("required")),
    }
}

/// In the standard alphabet and padded: proto3 JSON reads both, and Google's SDK writes the other.
fn standard(base64: String) -> String {
    let mut data = if base64.contains(['-', '_']) {
        base64.replace('-', "+").replace('_', "/")
    } else {
        base64
    };
    while data.len() % 4 != 0 {
        data.push('=');
    }
    data
}

fn kind_of_url(url: &str) -> MediaKind {
    if is_film(url) {
        return MediaKind::Video;
    }
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let end = path.rsplit('.').next().map(str::to_ascii_lowercase);
    match end.as_deref() {
        Some("png" | "jpg" | "jpeg" | "gif" | "webp" | "heic" | "heif") => MediaKind::Image,
        Some("mp4" | "mov" | "webm" | "mpeg") => MediaKind::Video,
        Some("mp3" | "wav" | "ogg" | "flac" | "aac") => MediaKind::Audio,
        _ => MediaKind::Document,
    }
}
