use serde::Serialize;

use crate::translation::{Media, MediaKind, MediaSource, Untranslatable, decode_base64};

use super::messages::Block;

const PDF: &str = "application/pdf";

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
    Text { media_type: &'static str, data: String },
}

/// The block that holds a picture or a document.
pub(super) fn block(media: &Media) -> Result<Block<'_>, Untranslatable> {
    match media.kind {
        MediaKind::Image => Ok(Block::Image {
            source: image(&media.source)?,
        }),
        MediaKind::Document => Ok(Block::Document {
            source: document(&media.source)?,
            title: media.name.as_deref().filter(|name| !name.trim().is_empty()),
        }),
        MediaKind::Audio | MediaKind::Video => Err(Untranslatable::unsupported(media.kind.as_str())),
    }
}

fn image(source: &MediaSource) -> Result<Source<'_>, Untranslatable> {
    match source {
        MediaSource::Inline { media_type, data } => {
            let known = match media_type.as_str() {
                "image/jpg" => "image/jpeg",
                known @ ("image/jpeg" | "image/png" | "image/gif" | "image/webp") => known,
                _ => return Err(unsupported(MediaKind::Image, media_type)),
            };
            Ok(Source::Base64 {
                media_type: known,
                data,
            })
        }
        MediaSource::Link { url, .. } => link(url, MediaKind::Image),
    }
}

fn document(source: &MediaSource) -> Result<Source<'_>, Untranslatable> {
    match source {
        MediaSource::Inline { media_type, data } if media_type == PDF => Ok(Source::Base64 {
            media_type: PDF,
            data,
        }),
        MediaSource::Inline { media_type, data } if is_text(media_type) => {
            let text = decode_base64(data).and_then(|bytes| String::from_utf8(bytes).ok());
            let data = text
                .ok_or_else(|| Untranslatable::invalid("document", "its data is not UTF-8 text in base64"))?;
            Ok(Source::Text {
                media_type: "text/plain",
                data,
            })
        }
        MediaSource::Link { url, media_type } if media_type.as_deref().is_none_or(|own| own == PDF) => {
            link(url, MediaKind::Document)
        }
        MediaSource::Inline { media_type, .. } => Err(unsupported(MediaKind::Document, media_type)),
        MediaSource::Link { media_type, .. } => Err(unsupported(
            MediaKind::Document,
            media_type.as_deref().unwrap_or_default(),
        )),
    }
}

/// Anthropic fetches from the web only.
fn link(url: &str, kind: MediaKind) -> Result<Source<'_>, Untranslatable> {
    if url.starts_with("https://") || url.starts_with("http://") {
        Ok(Source::Url { url })
    } else {
        let scheme = url.split(':').next().unwrap_or_default();
        Err(unsupported(kind, scheme))
    }
}

fn is_text(media_type: &str) -> bool {
    let kind = media_type.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/") || matches!(kind, "application/json" | "application/xml" | "application/yaml")
}

fn unsupported(kind: MediaKind, what: &str) -> Untranslatable {
    let what: String = what.chars().take(64).collect();
    Untranslatable::unsupported(&format!("{} `{what}`", kind.as_str()))
}
