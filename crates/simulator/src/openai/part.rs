//! Images and files.

use super::ApiError;
use super::field::Field;

/// How closely an image is looked at.
pub(super) const DETAILS: &[&str] = &["auto", "low", "high", "original"];
const IMAGES: &[&str] = &["image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"];

/// Refuses an address that no image can be had from.
pub(super) fn image(url: &Field<'_>) -> Result<(), ApiError> {
    let text = url.text()?;
    if text.starts_with("https://") {
        return Ok(());
    }
    let Some((kind, _)) = data_url(text) else {
        return Err(ApiError::invalid(format!(
            "Invalid '{}'. Expected a base64-encoded data URL with an image MIME type (e.g. \
             'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got a value without the 'data:' prefix.",
            url.place()
        ))
        .at(url.place())
        .code("invalid_value"));
    };
    if !IMAGES.contains(&kind) {
        return Err(ApiError::invalid(
            "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', \
             'jpeg', 'gif', 'webp'].",
        )
        .code("invalid_image_format"));
    }
    Ok(())
}

/// Refuses a file that is given in no way, or by a bad address.
pub(super) fn file(file: &Field<'_>, ways: &[&str]) -> Result<(), ApiError> {
    let mut given = ways.iter().filter_map(|way| file.find(way));
    let Some(found) = given.next() else {
        return file.need(ways[0]).map(drop);
    };
    let text = found.text()?;
    if found.place().ends_with("file_data") && data_url(text).is_none() {
        return Err(ApiError::invalid(format!(
            "Invalid '{}'. Expected a base64-encoded data URL with a MIME type (e.g. \
             'data:application/pdf;base64,JVBERi0xLjQK'), but got a value without the 'data:' prefix.",
            found.place()
        ))
        .at(found.place())
        .code("invalid_value"));
    }
    Ok(())
}

/// The media type and the base64 of a data URL.
fn data_url(text: &str) -> Option<(&str, &str)> {
    let (kind, data) = text.strip_prefix("data:")?.split_once(";base64,")?;
    let is_base64 = data
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    (!data.is_empty() && is_base64).then_some((kind, data))
}
