/// A picture, a document or a sound within a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// What the client says it is.
    pub kind: MediaKind,
    /// Where its bytes are.
    pub source: MediaSource,
    /// What it is called, such as a file's name.
    pub name: Option<String>,
}

/// What a media part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A document, such as a PDF.
    Document,
    /// A sound.
    Audio,
    /// A film.
    Video,
}

impl MediaKind {
    /// What a media type such as `image/png` stands for; whatever is no picture, sound or film is a document.
    #[must_use]
    pub fn of(media_type: &str) -> Self {
        match media_type.split('/').next().unwrap_or_default() {
            "image" => Self::Image,
            "audio" => Self::Audio,
            "video" => Self::Video,
            _ => Self::Document,
        }
    }

    /// A word for it in sentences.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Document => "document",
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

/// Where the bytes of a media part are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaSource {
    /// In the request itself.
    Inline {
        /// Such as `image/png`.
        media_type: String,
        /// Base64 of the standard alphabet, as it came.
        data: String,
    },
    /// Where the provider shall fetch it.
    Link {
        /// An address.
        url: String,
        /// Such as `image/png`, where the client says it.
        media_type: Option<String>,
    },
}

impl MediaSource {
    /// What a `data:` URL holds, or any other URL as a link. `None` for a `data:` URL without base64.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        let Some(rest) = url.strip_prefix("data:") else {
            return Some(Self::Link {
                url: url.to_owned(),
                media_type: None,
            });
        };
        let (head, data) = rest.split_once(',')?;
        let media_type = head.strip_suffix(";base64")?;
        let media_type = media_type.split(';').next().unwrap_or_default();
        Some(Self::Inline {
            media_type: media_type.to_owned(),
            data: data.to_owned(),
        })
    }

    /// The address of it: a `data:` URL for what is inline.
    #[must_use]
    pub fn to_url(&self) -> String {
        match self {
            Self::Inline { media_type, data } => format!("data:{media_type};base64,{data}"),
            Self::Link { url, .. } => url.clone(),
        }
    }
}
