//! What the API refuses, in its words. Clients match on some of them, so the wording is a part of the dialect.

mod conversation;
mod fields;
mod tools;

use super::prompt::items;
use super::request::Terms;
use super::signature::is_signed;
use super::{ApiError, Model};

pub(super) use conversation::messages;
pub(super) use fields::{Kind, fields, json, settings};
pub(super) use tools::tools;

/// Since this version, some of what the older one took is refused.
const NEW_VERSION: &str = "2026-10-21";

/// What the ids and names of tools are made of.
fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
