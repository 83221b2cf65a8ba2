//! The secrets that the tests use, and what must never hold one of them: all that a server emits and all that it stores.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

static USED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Below it, a text may be anywhere by chance.
const SHORTEST: usize = 12;

/// In README.md, for everybody to read.
const PUBLISHED: [&str; 2] = ["admin123456", "testpass123"];

/// Members of requests and answers whose values are secrets.
const SECRET_MEMBERS: [&str; 7] = [
    "password",
    "current_password",
    "new_password",
    "api_key",
    "access_token",
    "refresh_token",
    "key",
];

/// Remembers a secret.
pub(crate) fn note(secret: &str) {
    if secret.len() >= SHORTEST && !PUBLISHED.contains(&secret) {
        USED.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(secret.to_owned());
    }
}

/// Remembers the secrets among these variables.
pub(crate) fn note_variables<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) {
    for (name, value) in variables {
        let is_secret = ["SECRET", "KEY", "PASSWORD", "TOKEN"]
            .iter()
            .any(|word| name.ends_with(word));
        if is_secret {
            note(value);
        }
        let password = value.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
        if let Some((user, _)) = password {
            note(user.split_once(':').map_or("", |(_, password)| password));
        }
    }
}

/// Remembers the secrets that a request goes out with.
pub(crate) fn note_request(headers: &[String], body: &str) {
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap_or_default();
        if ["authorization", "x-api-key", "x-goog-api-key"].contains(&name) {
            note(value.trim_start_matches("Bearer "));
        }
    }
    note_members(body);
}

/// Expects an answer to hold no secret that was known before, and remembers those that it issues.
#[track_caller]
pub(crate) fn check_answer(head: &str, body: &str) {
    expect_none_in("an answer", format!("{head}\n{body}").as_bytes());
    note_members(body);
}

fn note_members(json: &str) {
    fn walk(value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if SECRET_MEMBERS.contains(&name.as_str()) => note(text),
                        other => walk(other),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(walk),
            _ => {}
        }
    }
    if let Ok(value) = serde_json::from_str(json) {
        walk(&value);
    }
}

/// Expects no known secret in any file of this folder, but in those that are made to hold one.
#[track_caller]
pub(crate) fn expect_none_in_files(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "secrets") {
                expect_none_in_files(&path);
            }
        } else if let Ok(bytes) = fs::read(&path) {
            // What was removed meanwhile holds nothing.
            expect_none_in(&path.display().to_string(), &bytes);
        }
    }
}

/// Expects no known secret in these bytes, as it is or in another spelling of it.
#[track_caller]
pub(crate) fn expect_none_in(what: &str, bytes: &[u8]) {
    let used = USED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let text = String::from_utf8_lossy(bytes);
    for secret in used {
        for spelling in spellings(&secret) {
            if let Some(place) = text.find(&spelling) {
                let before: String = text[..place].chars().rev().take(200).collect();
                let before: String = before.chars().rev().collect();
                panic!(
                    "{what} holds a secret of {} bytes, after {before:?}",
                    secret.len()
                );
            }
        }
    }
}

fn spellings(secret: &str) -> [String; 4] {
    let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = url_encoded(secret);
    [secret.to_owned(), hexadecimal, percent, base64(secret.as_bytes())]
}

fn url_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// Without what depends on the bytes around it: the part that is the same wherever the secret begins at a multiple of three.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for triple in bytes.chunks_exact(3) {
        let number = u32::from(triple[0]) << 16 | u32::from(triple[1]) << 8 | u32::from(triple[2]);
        for shift in [18, 12, 6, 0] {
            text.push(char::from(DIGITS[(number >> shift & 63) as usize]));
        }
    }
    text
}
