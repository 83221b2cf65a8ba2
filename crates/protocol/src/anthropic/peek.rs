use std::ops::Range;

use memchr::memmem;

use crate::json::{self, Member, SyntaxError};
use crate::{CacheWish, Framing, InvalidBody, Peek};

use super::opening::Opening;

/// Bytes of a model's name; no provider has a longer one.
const MAX_MODEL_NAME: usize = 256;
/// Bytes of the name of something that an account holds.
const MAX_PIN: usize = 256;
/// Bytes between the start of a reference to a file and the file's name.
const MAX_SOURCE: usize = 256;

/// See [`Codec::peek`](crate::Codec::peek). The sentences are worded as Anthropic's own.
pub(super) fn peek(body: &[u8]) -> Result<Peek, InvalidBody> {
    // The standard library's own needs 15 times as long for Chinese.
    if let Err(error) = simdutf8::compat::from_utf8(body) {
        let at = error.valid_up_to();
        return Err(InvalidBody::new(format!(
            "The request body is not valid UTF-8 at byte {at}"
        )));
    }
    let mut fields = Fields::default();
    let mut opening = Opening::default();
    let (mut container, mut thread) = (None, None);
    for member in json::members(body) {
        let member = member.map_err(not_json)?;
        match &*member.key {
            b"model" => set(&mut fields.model, "model", &member, model)?,
            b"stream" => set(&mut fields.stream, "stream", &member, boolean)?,
            b"max_tokens" => set(&mut fields.max_tokens, "max_tokens", &member, whole_number)?,
            b"metadata" => set(&mut fields.user_id, "metadata", &member, user_id)?,
            b"container" => once(&mut container, "container", &member)?,
            b"thread" => once(&mut thread, "thread", &member)?,
            b"system" => once(&mut opening.system, "system", &member)?,
            b"tools" => once(&mut opening.tools, "tools", &member)?,
            b"messages" => once(&mut opening.messages, "messages", &member)?,
            b"cache_control" => once(&mut opening.cache_control, "cache_control", &member)?,
            other => InvalidBody::unless_in_other_case(other, &["model", "stream", "max_tokens"])?,
        }
    }
    let preamble = opening.preamble();
    let pin = [container, thread]
        .into_iter()
        .flatten()
        .find_map(held_by_account);
    Ok(Peek {
        conversation: opening.conversation(preamble),
        preamble,
        cache_wish: opening.cache_wish(),
        pin: pin.or_else(|| uploaded_file(opening.messages?)),
        ..fields.check()?
    })
}

/// The name of a container or thread, which is a string or an object with an `id`.
fn held_by_account(value: &[u8]) -> Option<String> {
    let name = if value.starts_with(b"{") {
        json::member(value, b"id")?
    } else {
        value
    };
    json::text(name).filter(|name| (1..=MAX_PIN).contains(&name.len()))
}

/// The first uploaded file that the messages refer to: `{"type": "file", "file_id": "file_…"}`.
fn uploaded_file(messages: &[u8]) -> Option<String> {
    // Within a string the quotes would be escaped.
    memmem::find_iter(messages, b"\"file_id\"").find_map(|at| {
        let opening = memchr::memrchr(b'{', &messages[at.saturating_sub(MAX_SOURCE)..at])?;
        let source = &messages[at.saturating_sub(MAX_SOURCE) + opening..];
        let (mut is_file, mut name) = (false, None);
        for member in json::members(source).map_while(Result::ok) {
            match &*member.key {
                b"type" => is_file = member.value == b"\"file\"",
                b"file_id" => name = json::text(member.value),
                _ => {}
            }
        }
        name.filter(|name| is_file && (1..=MAX_PIN).contains(&name.len()))
    })
}

/// The outer `Option` tells whether the field was there, the inner one whether it was more than `null`.
#[derive(Default)]
struct Fields {
    model: Option<Option<(String, Range<usize>)>>,
    stream: Option<Option<bool>>,
    max_tokens: Option<Option<u64>>,
    user_id: Option<Option<String>>,
}

impl Fields {
    fn check(self) -> Result<Peek, InvalidBody> {
        let Some(model) = self.model else {
            return Err(wrong("model", "Field required"));
        };
        let Some((model, model_span)) = model else {
            return Err(wrong("model", "Input should be a valid string"));
        };
        Ok(Peek {
            model,
            model_span: Some(model_span),
            stream: self.stream.flatten().unwrap_or_default(),
            framing: Framing::Events,
            max_tokens: self.max_tokens.flatten(),
            user_id: self.user_id.flatten(),
            conversation: None,
            preamble: None,
            cache_wish: CacheWish::None,
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
    wrong(name, "Field may be given only once")
}

fn model(member: &Member<'_>) -> Result<Option<(String, Range<usize>)>, InvalidBody> {
    match string("model", member)? {
        Some(name) if name.is_empty() => Err(wrong("model", "String should have at least 1 character")),
        // It is stored with each request and grouped by in reports.
        Some(name) if name.len() > MAX_MODEL_NAME => {
            Err(wrong("model", "String should have at most 256 characters"))
        }
        name => Ok(name.map(|name| (name, member.span.clone()))),
    }
}

fn boolean(member: &Member<'_>) -> Result<Option<bool>, InvalidBody> {
    match member.value {
        b"true" => Ok(Some(true)),
        b"false" => Ok(Some(false)),
        _ => Err(wrong("stream", "Input should be a valid boolean")),
    }
}

fn whole_number(member: &Member<'_>) -> Result<Option<u64>, InvalidBody> {
    serde_json::from_slice(member.value)
        .map(Some)
        .map_err(|_| wrong("max_tokens", "Input should be a valid non-negative integer"))
}

fn user_id(member: &Member<'_>) -> Result<Option<String>, InvalidBody> {
    if !member.value.starts_with(b"{") {
        return Err(wrong("metadata", "Input should be an object"));
    }
    let mut user_id = None;
    for inner in json::members(member.value) {
        let inner = inner.map_err(not_json)?;
        if *inner.key == *b"user_id" {
            set(&mut user_id, "metadata.user_id", &inner, |inner| {
                string("metadata.user_id", inner)
            })?;
        }
    }
    Ok(user_id.flatten())
}

fn string(name: &str, member: &Member<'_>) -> Result<Option<String>, InvalidBody> {
    let text = json::text(member.value).ok_or_else(|| wrong(name, "Input should be a valid string"))?;
    Ok(Some(text))
}

fn wrong(field: &str, problem: &str) -> InvalidBody {
    InvalidBody::new(format!("{field}: {problem}"))
}

fn not_json(error: SyntaxError) -> InvalidBody {
    InvalidBody::new(format!("The request body is not a valid JSON object: {error}"))
}
