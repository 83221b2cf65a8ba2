use std::ops::Range;

use memchr::memmem;

use crate::json::{self, Member, SyntaxError};
use crate::{CacheWish, Framing, InvalidBody, Peek};

use super::opening::Opening;

/// Bytes of a model's name; no provider has a longer one.
const MAX_MODEL_NAME: usize = 256;
/// Bytes of the name of something that an account holds.
const MAX_PIN: usize = 256;

/// The fields that decide what is allowed and what it may cost.
const AUTHORIZED: [&str; 4] = ["model", "stream", "max_tokens", "max_completion_tokens"];

/// See [`Codec::peek`](crate::Codec::peek). The sentences are worded as OpenAI's own.
pub(super) fn peek(body: &[u8]) -> Result<Peek, InvalidBody> {
    // The standard library's own needs 15 times as long for Chinese.
    if let Err(error) = simdutf8::compat::from_utf8(body) {
        let at = error.valid_up_to();
        return Err(InvalidBody::new(format!(
            "We could not parse the body of your request: it is not valid UTF-8 at byte {at}."
        )));
    }
    let mut fields = Fields::default();
    let mut opening = Opening::default();
    for member in json::members(body) {
        let member = member.map_err(not_json)?;
        match &*member.key {
            b"model" => set(&mut fields.model, "model", &member, model)?,
            b"stream" => set(&mut fields.stream, "stream", &member, boolean)?,
            b"stream_options" => set(&mut fields.stream_options, "stream_options", &member, object)?,
            b"max_tokens" => set(&mut fields.max_tokens, "max_tokens", &member, |member| {
                whole_number("max_tokens", member)
            })?,
            b"max_completion_tokens" => {
                let name = "max_completion_tokens";
                set(&mut fields.max_completion_tokens, name, &member, |member| {
                    whole_number(name, member)
                })?;
            }
            b"user" => set(&mut fields.user, "user", &member, |member| string("user", member))?,
            b"safety_identifier" => {
                let name = "safety_identifier";
                set(&mut fields.safety_identifier, name, &member, |member| {
                    string(name, member)
                })?;
            }
            b"prompt_cache_key" => {
                let name = "prompt_cache_key";
                set(&mut fields.prompt_cache_key, name, &member, |member| {
                    string(name, member)
                })?;
            }
            b"tools" => once(&mut opening.tools, "tools", &member)?,
            b"functions" => once(&mut opening.functions, "functions", &member)?,
            b"messages" => once(&mut opening.messages, "messages", &member)?,
            other => InvalidBody::unless_in_other_case(other, &AUTHORIZED)?,
        }
    }
    let (preamble, conversation) = opening.fingerprints();
    Ok(Peek {
        conversation,
        preamble,
        pin: opening.messages.and_then(uploaded_file),
        ..fields.check()?
    })
}

/// The first uploaded file that the messages refer to: `{"type": "file", "file": {"file_id": "file-…"}}`.
fn uploaded_file(messages: &[u8]) -> Option<String> {
    // Within a string, such as the arguments of a call, the quotes would be escaped.
    let key = b"\"file_id\"";
    memmem::find_iter(messages, key).find_map(|at| {
        let value = messages[at + key.len()..].trim_ascii_start();
        let value = value.strip_prefix(b":")?.trim_ascii_start();
        let end = memchr::memchr(b'"', value.get(1..MAX_PIN + 2).unwrap_or(value.get(1..)?))?;
        json::text(&value[..end + 2]).filter(|name| !name.is_empty())
    })
}

/// The outer `Option` tells whether the field was there, the inner one whether it was more than `null`.
#[derive(Default)]
struct Fields {
    model: Option<Option<(String, Range<usize>)>>,
    stream: Option<Option<bool>>,
    stream_options: Option<Option<()>>,
    max_tokens: Option<Option<u64>>,
    max_completion_tokens: Option<Option<u64>>,
    user: Option<Option<String>>,
    safety_identifier: Option<Option<String>>,
    prompt_cache_key: Option<Option<String>>,
}

impl Fields {
    fn check(self) -> Result<Peek, InvalidBody> {
        let Some(model) = self.model else {
            return Err(InvalidBody::new("Missing required parameter: 'model'."));
        };
        let Some((model, model_span)) = model else {
            return Err(wrong_type("model", "a string"));
        };
        let users = [self.user, self.safety_identifier, self.prompt_cache_key];
        Ok(Peek {
            model,
            model_span: Some(model_span),
            stream: self.stream.flatten().unwrap_or_default(),
            framing: Framing::Events,
            max_tokens: self.max_completion_tokens.flatten().or(self.max_tokens.flatten()),
            user_id: users.into_iter().find_map(Option::flatten),
            conversation: None,
            preamble: None,
            // Nobody asks for it: prompts are kept for some minutes without a word.
            cache_wish: CacheWish::Short,
            pin: None,
        })
    }
}

/// Reads a field that may be given once. A `null` is as good as nothing: whether it is allowed, the provider knows.
fn set<T>(
    field: &mut Option<Option<T>>,
    name: &str,
    member: &Member<'_>,
    read: impl FnOnce(&Member<'_>) -> Result<Option<T>, InvalidBody>,
) -> Result<(), InvalidBody> {
    if field.is_some() {
        return Err(given_twice(name));
    }
    *field = Some(if json::is_null(member.value) {
        None
    } else {
        read(member)?
    });
    Ok(())
}

/// Keeps a field that may be given once, as it is written.
fn once<'a>(field: &mut Option<&'a [u8]>, name: &str, member: &Member<'a>) -> Result<(), InvalidBody> {
    match field.replace(member.value) {
        None => Ok(()),
        Some(_) => Err(given_twice(name)),
    }
}

/// Which of two the provider would take is anybody's guess, and the other is the one that was authorised.
fn given_twice(name: &str) -> InvalidBody {
    InvalidBody::new(format!(
        "Duplicate parameter: '{name}'. It may be given only once."
    ))
}

fn model(member: &Member<'_>) -> Result<Option<(String, Range<usize>)>, InvalidBody> {
    match string("model", member)? {
        Some(name) if name.is_empty() => Err(InvalidBody::new(
            "Invalid 'model': empty string. Expected a string with minimum length 1.",
        )),
        // It is stored with each request and grouped by in reports.
        Some(name) if name.len() > MAX_MODEL_NAME => Err(InvalidBody::new(
            "Invalid 'model': string too long. Expected a string with maximum length 256.",
        )),
        name => Ok(name.map(|name| (name, member.span.clone()))),
    }
}

fn boolean(member: &Member<'_>) -> Result<Option<bool>, InvalidBody> {
    match member.value {
        b"true" => Ok(Some(true)),
        b"false" => Ok(Some(false)),
        _ => Err(wrong_type("stream", "a boolean")),
    }
}

fn object(member: &Member<'_>) -> Result<Option<()>, InvalidBody> {
    if member.value.starts_with(b"{") {
        Ok(Some(()))
    } else {
        Err(wrong_type("stream_options", "an object"))
    }
}

fn whole_number(name: &str, member: &Member<'_>) -> Result<Option<u64>, InvalidBody> {
    serde_json::from_slice(member.value)
        .map(Some)
        .map_err(|_| wrong_type(name, "a non-negative integer"))
}

fn string(name: &str, member: &Member<'_>) -> Result<Option<String>, InvalidBody> {
    let text = json::text(member.value).ok_or_else(|| wrong_type(name, "a string"))?;
    Ok(Some(text))
}

fn wrong_type(name: &str, expected: &str) -> InvalidBody {
    InvalidBody::new(format!("Invalid type for '{name}': expected {expected}."))
}

fn not_json(error: SyntaxError) -> InvalidBody {
    InvalidBody::new(format!(
        "We could not parse the JSON body of your request: {error}."
    ))
}
