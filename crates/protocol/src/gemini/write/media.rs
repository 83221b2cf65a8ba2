use crate::gemini::files::is_reachable;
use crate::gemini::wire::{Blob, FileData, Part};
use crate::translation::{Media, MediaSource, Untranslatable};

/// Writes a picture, document, sound or film.
pub(super) fn write(media: &Media) -> Result<Part<'_>, Untranslatable> {
    match &media.source {
        MediaSource::Inline { media_type, data } => Ok(Part {
            inline_data: Some(Blob {
                mime_type: media_type,
                data,
            }),
            ..Part::default()
        }),
        MediaSource::Link { url, media_type } if is_reachable(url) => Ok(Part {
            file_data: Some(FileData {
                mime_type: media_type.as_deref(),
                file_uri: url,
            }),
            ..Part::default()
        }),
        MediaSource::Link { .. } => {
            let kind = media.kind.as_str();
            Err(Untranslatable::invalid(
                &format!("{kind} by URL"),
                &format!("Gemini, the model's provider, cannot fetch it; send the {kind} itself in base64"),
            ))
        }
    }
}
