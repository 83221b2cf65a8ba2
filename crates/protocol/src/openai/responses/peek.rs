use crate::peeking::{self, Field, Once, SpannedModel};
use crate::{CacheWish, Framing, InvalidBody, Peek, pins};

use super::super::wording::wording;
use super::opening::Opening;

/// The fields that decide what is allowed and what it may cost.
const AUTHORIZED: [&str; 3] = ["model", "stream", "max_output_tokens"];

/// What may refer to an uploaded file, as in `{"type": "input_file", "file_id": "file-…"}`.
const FILES: [&[u8]; 2] = [b"\"input_file\"", b"\"input_image\""];

/// See [`Codec::peek`](crate::Codec::peek).
pub(super) fn peek(body: &[u8]) -> Result<Peek, InvalidBody> {
    let mut model: Once<SpannedModel> = None;
    let (mut stream, mut max_tokens) = (None, None);
    let (mut cache_key, mut user, mut safety_identifier) = (None, None, None);
    let (mut previous, mut conversation) = (None, None);
    let mut opening = Opening::default();
    for field in peeking::fields(body, wording)? {
        let field = field?;
        match field.key() {
            b"model" => field.read(&mut model, Field::model)?,
            b"stream" => field.read(&mut stream, Field::boolean)?,
            b"max_output_tokens" => field.read(&mut max_tokens, Field::whole_number)?,
            b"prompt_cache_key" => field.read(&mut cache_key, Field::text)?,
            b"user" => field.read(&mut user, Field::text)?,
            b"safety_identifier" => field.read(&mut safety_identifier, Field::text)?,
            b"previous_response_id" => field.keep(&mut previous)?,
            b"conversation" => field.keep(&mut conversation)?,
            b"instructions" => field.keep(&mut opening.instructions)?,
            b"tools" => field.keep(&mut opening.tools)?,
            b"input" => field.keep(&mut opening.input)?,
            _ => field.refuse_other_case(&AUTHORIZED)?,
        }
    }
    let (model, model_span) = peeking::required(model, wording)?;
    let preamble = opening.preamble();
    // The cache key names a session, the others the person behind many.
    let users = [cache_key, user, safety_identifier];
    let pin = [previous, conversation]
        .into_iter()
        .flatten()
        .find_map(pins::named);
    Ok(Peek {
        model,
        model_span: Some(model_span),
        stream: stream.flatten().unwrap_or_default(),
        framing: Framing::Events,
        max_tokens: max_tokens.flatten(),
        user_id: users.into_iter().find_map(Option::flatten),
        conversation: opening.conversation(preamble),
        preamble,
        // The provider caches prompts unasked.
        cache_wish: CacheWish::Short,
        pin: pin.or_else(|| pins::file(opening.input?, &FILES)),
    })
}
