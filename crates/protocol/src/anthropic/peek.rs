use crate::peeking::{self, Expected, Field, Flaw, Once, Problem, SpannedModel};
use crate::{Framing, InvalidBody, Peek, pins};

use super::opening::Opening;

/// See [`Codec::peek`](crate::Codec::peek).
pub(super) fn peek(body: &[u8]) -> Result<Peek, InvalidBody> {
    let mut model: Once<SpannedModel> = None;
    let (mut stream, mut max_tokens, mut user_id) = (None, None, None);
    let (mut container, mut thread) = (None, None);
    let mut opening = Opening::default();
    for field in peeking::fields(body, wording)? {
        let field = field?;
        match field.key() {
            b"model" => field.read(&mut model, Field::model)?,
            b"stream" => field.read(&mut stream, Field::boolean)?,
            b"max_tokens" => field.read(&mut max_tokens, Field::whole_number)?,
            b"metadata" => field.read(&mut user_id, user)?,
            b"container" => field.keep(&mut container)?,
            b"thread" => field.keep(&mut thread)?,
            b"system" => field.keep(&mut opening.system)?,
            b"tools" => field.keep(&mut opening.tools)?,
            b"messages" => field.keep(&mut opening.messages)?,
            b"cache_control" => field.keep(&mut opening.cache_control)?,
            _ => field.refuse_other_case(&["model", "stream", "max_tokens"])?,
        }
    }
    let (model, model_span) = peeking::required(model, wording)?;
    let preamble = opening.preamble();
    let pin = [container, thread].into_iter().flatten().find_map(pins::named);
    Ok(Peek {
        model,
        model_span: Some(model_span),
        stream: stream.flatten().unwrap_or_default(),
        framing: Framing::Events,
        max_tokens: max_tokens.flatten(),
        user_id: user_id.flatten().flatten(),
        conversation: opening.conversation(preamble),
        preamble,
        cache_wish: opening.cache_wish(),
        pin: pin.or_else(|| pins::file(opening.messages?, &[b"\"file\""])),
    })
}

fn user(metadata: &Field<'_>) -> Result<Option<String>, InvalidBody> {
    let mut user_id = None;
    for field in peeking::object(metadata.member.value, "metadata", wording)? {
        let field = field?;
        if field.key() == b"user_id" {
            field.read(&mut user_id, Field::text)?;
        }
    }
    Ok(user_id.flatten())
}

/// Anthropic's own sentences.
fn wording(problem: Problem<'_>) -> String {
    match problem {
        Problem::NotUtf8(at) => format!("The request body is not valid UTF-8 at byte {at}"),
        Problem::NotJson(error) => format!("The request body is not a valid JSON object: {error}"),
        Problem::Field(field, Flaw::GivenTwice) => format!("{field}: Field may be given only once"),
        Problem::Field(field, Flaw::Missing) => format!("{field}: Field required"),
        Problem::Field(field, Flaw::Empty) => format!("{field}: String should have at least 1 character"),
        Problem::Field(field, Flaw::TooLong(most)) => {
            format!("{field}: String should have at most {most} characters")
        }
        Problem::Field(field, Flaw::Not(expected)) => {
            let expected = match expected {
                Expected::Text => "a valid string",
                Expected::Boolean => "a valid boolean",
                Expected::WholeNumber => "a valid non-negative integer",
                Expected::Object => "an object",
            };
            format!("{field}: Input should be {expected}")
        }
    }
}
