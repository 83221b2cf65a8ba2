use memchr::memmem;

use crate::peeking::{self, Field, Once, SpannedModel};
use crate::{CacheWish, Framing, InvalidBody, Peek, json, pins};

use super::super::wording::wording;
use super::opening::Opening;

/// The fields that decide what is allowed and what it may cost.
const AUTHORIZED: [&str; 4] = ["model", "stream", "max_tokens", "max_completion_tokens"];

/// See [`Codec::peek`](crate::Codec::peek).
pub(super) fn peek(body: &[u8]) -> Result<Peek, InvalidBody> {
    let mut model: Once<SpannedModel> = None;
    let (mut stream, mut stream_options) = (None, None);
    let (mut max_tokens, mut max_completion_tokens) = (None, None);
    let (mut user, mut safety_identifier, mut prompt_cache_key) = (None, None, None);
    let mut opening = Opening::default();
    for field in peeking::fields(body, wording)? {
        let field = field?;
        match field.key() {
            b"model" => field.read(&mut model, Field::model)?,
            b"stream" => field.read(&mut stream, Field::boolean)?,
            b"stream_options" => field.read(&mut stream_options, object)?,
            b"max_tokens" => field.read(&mut max_tokens, Field::whole_number)?,
            b"max_completion_tokens" => field.read(&mut max_completion_tokens, Field::whole_number)?,
            b"user" => field.read(&mut user, Field::text)?,
            b"safety_identifier" => field.read(&mut safety_identifier, Field::text)?,
            b"prompt_cache_key" => field.read(&mut prompt_cache_key, Field::text)?,
            b"tools" => field.keep(&mut opening.tools)?,
            b"functions" => field.keep(&mut opening.functions)?,
            b"messages" => field.keep(&mut opening.messages)?,
            _ => field.refuse_other_case(&AUTHORIZED)?,
        }
    }
    let (model, model_span) = peeking::required(model, wording)?;
    let (preamble, conversation) = opening.fingerprints();
    let users = [user, safety_identifier, prompt_cache_key];
    Ok(Peek {
        model,
        model_span: Some(model_span),
        stream: stream.flatten().unwrap_or_default(),
        framing: Framing::Events,
        max_tokens: max_completion_tokens.flatten().or(max_tokens.flatten()),
        user_id: users.into_iter().find_map(Option::flatten),
        conversation,
        preamble,
        // Nobody asks for it: prompts are kept for some minutes without a word.
        cache_wish: CacheWish::Short,
        pin: opening.messages.and_then(uploaded_file),
    })
}

fn object(field: &Field<'_>) -> Result<(), InvalidBody> {
    peeking::object(field.member.value, "stream_options", wording).map(drop)
}

/// The first uploaded file that the messages refer to: `{"type": "file", "file": {"file_id": "file-…"}}`.
fn uploaded_file(messages: &[u8]) -> Option<String> {
    // Within a string, such as the arguments of a call, the quotes would be escaped.
    let key = b"\"file_id\"";
    memmem::find_iter(messages, key).find_map(|at| {
        let value = messages[at + key.len()..].trim_ascii_start();
        let value = value.strip_prefix(b":")?.trim_ascii_start();
        let end = memchr::memchr(b'"', value.get(1..pins::MAX_NAME + 2).unwrap_or(value.get(1..)?))?;
        json::text(&value[..end + 2]).filter(|name| !name.is_empty())
    })
}
