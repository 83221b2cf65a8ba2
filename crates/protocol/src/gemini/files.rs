/// Where Gemini's own files are kept: only the account that uploaded one can refer to it.
const FILES_API: &str = "https://generativelanguage.googleapis.com/";

/// Whether Gemini itself can fetch what is at `uri`.
pub(super) fn is_reachable(uri: &str) -> bool {
    uri.starts_with("gs://") || is_uploaded(uri) || is_film(uri)
}

/// Whether `uri` is a file that was uploaded to an account.
pub(super) fn is_uploaded(uri: &str) -> bool {
    uri.starts_with("files/") || uri.starts_with(FILES_API)
}

/// Whether `uri` is a film on YouTube.
pub(super) fn is_film(uri: &str) -> bool {
    [
        "https://www.youtube.com/",
        "https://youtube.com/",
        "https://youtu.be/",
    ]
    .iter()
    .any(|start| uri.starts_with(start))
}
