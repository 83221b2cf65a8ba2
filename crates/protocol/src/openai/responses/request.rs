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

/// See [`Codec::peek`](crate::Codec::peek). The sentences are worded as OpenAI's own.
pub(super) fn peek(body: &[u8]) -> Result<Peek, InvalidBody> {
    if let Err(error) = simdutf8::compat::from_utf8(body) {
        let at = error.valid_up_to();
        return Err(InvalidBody::new(format!(
            "We could not parse the JSON body of your request: invalid UTF-8 at byte {at}"
        )));
    }
    let mut fields = Fields::default();
    let mut opening = Opening::default();
    let (mut previous, mut conversation) = (None, None);
    for member in json::members(body) {
        let member = member.map_err(not_json)?;
        match &*member.key {
            b"model" => set(&mut fields.model, "model", &member, model)?,
            b"stream" => set(&mut fields.stream, "stream", &member, boolean)?,
            b"max_output_tokens" => {
                set(&mut fields.max_tokens, "max_output_tokens", &member, whole_number)?;
            }
            b"prompt_cache_key" => set(&mut fields.cache_key, "prompt_cache_key", &member, name)?,
            b"user" => set(&mut fields.user, "user", &member, name)?,
            b"safety_identifier" => {
                set(&mut fields.safety_identifier, "safety_identifier", &member, name)?;
            }
            b"previous_response_id" => once(&mut previous, "previous_response_id", &member)?,
            b"conversation" => once(&mut conversation, "conversation", &member)?,
            b"instructions" => once(&mut opening.instructions, "instructions", &member)?,
            b"tools" => once(&mut opening.tools, "tools", &member)?,
            b"input" => once(&mut opening.input, "input", &member)?,
            other => InvalidBody::unless_in_other_case(other, &["model", "stream", "max_output_tokens"])?,
        }
    }
    let preamble = opening.preamble();
    let pin = [previous, conversation]
        .into_iter()
        .flatten()
        .find_map(held_by_account);
    Ok(Peek {
        conversation: opening.conversation(preamble),
        preamble,
        // The provider caches prompts unasked.
        cache_wish: CacheWish::Short,
        pin: pin.or_else(|| uploaded_file(opening.input?)),
        ..fields.check()?
    })
}

/// The name of an earlier response or a conversation, which is a string or an object with an `id`.
fn held_by_account(value: &[u8]) -> Option<String> {
    let name = if value.starts_with(b"{") {
        json::member(value, b"id")?
    } else {
        value
    };
    json::text(name).filter(|name| (1..=MAX_PIN).contains(&name.len()))
}

/// The first uploaded file that the input refers to: `{"type": "input_file", "file_id": "file-…"}`.
fn uploaded_file(input: &[u8]) -> Option<String> {
    // Within a string the quotes would be escaped.
    memmem::find_iter(input, b"\"file_id\"").find_map(|at| {
        let from = at.saturating_sub(MAX_SOURCE);
        let opening = memchr::memrchr(b'{', &input[from..at])?;
        let (mut is_input, mut name) = (false, None);
        for member in json::members(&input[from + opening..]).map_while(Result::ok) {
            match &*member.key {
                b"type" => is_input = matches!(member.value, b"\"input_file\"" | b"\"input_image\""),
                b"file_id" => name = json::text(member.value),
                _ => {}
            }
        }
        name.filter(|name| is_input && (1..=MAX_PIN).contains(&name.len()))
    })
}

/// The outer `Option` tells whether the field was there, the inner one whether it was more than `null`.
#[derive(Default)]
struct Fields {
    model: Option<Option<(String, Range<usize>)>>,
    stream: Option<Option<bool>>,
    max_tokens: Option<Option<u64>>,
    cache_key: Option<Option<String>>,
    user: Option<Option<String>>,
    safety_identifier: Option<Option<String>>,
}

impl Fields {
    fn check(self) -> Result<Peek, InvalidBody> {
        let Some(model) = self.model else {
            return Err(InvalidBody::new("Missing required parameter: 'model'."));
        };
        let Some((model, model_span)) = model else {
            return Err(wrong_type("model", "a string"));
        };
        // The cache key names a session, the others the person behind many.
        let user_id = self
            .cache_key
            .flatten()
            .or(self.user.flatten())
            .or(self.safety_identifier.flatten());
        Ok(Peek {
            model,
            model_span: Some(model_span),
            stream: self.stream.flatten().unwrap_or_default(),
            framing: Framing::Events,
            max_tokens: self.max_tokens.flatten(),
            user_id,
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
    read: impl FnOnce(&str, &Member<'_>) -> Result<T, InvalidBody>,
) -> Result<(), InvalidBody> {
    if field.is_some() {
        return Err(given_twice(name));
    }
    *field = Some(if json::is_null(member.value) {
        None
    } else {
        Some(read(name, member)?)
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
    InvalidBody::new(format!("Duplicate parameter: '{name}'."))
}

fn model(field: &str, member: &Member<'_>) -> Result<(String, Range<usize>), InvalidBody> {
    let name = name(field, member)?;
    if name.is_empty() {
        return Err(InvalidBody::new("Invalid 'model': empty string."));
    }
    // It is stored with each request and grouped by in reports.
    if name.len() > MAX_MODEL_NAME {
        return Err(InvalidBody::new(
            "Invalid 'model': string too long. Expected a string with maximum length 256.",
        ));
    }
    Ok((name, member.span.clone()))
}

fn boolean(field: &str, member: &Member<'_>) -> Result<bool, InvalidBody> {
    match member.value {
        b"true" => Ok(true),
        b"false" => Ok(false),
        _ => Err(wrong_type(field, "a boolean")),
    }
}

fn whole_number(field: &str, member: &Member<'_>) -> Result<u64, InvalidBody> {
    serde_json::from_slice(member.value).map_err(|_| wrong_type(field, "a non-negative integer"))
}

fn name(field: &str, member: &Member<'_>) -> Result<String, InvalidBody> {
    json::text(member.value).ok_or_else(|| wrong_type(field, "a string"))
}

fn wrong_type(field: &str, expected: &str) -> InvalidBody {
    InvalidBody::new(format!("Invalid type for '{field}': expected {expected}."))
}

fn not_json(error: SyntaxError) -> InvalidBody {
    InvalidBody::new(format!(
        "We could not parse the JSON body of your request: {error}"
    ))
}
