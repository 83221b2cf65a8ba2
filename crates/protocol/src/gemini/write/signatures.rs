use std::borrow::Cow;

use crate::gemini::signature::SKIP;
use crate::gemini::wire::Content;

/// Puts [`SKIP`] where Gemini would miss a signature: on the first call of each step of the current turn.
///
/// The other calls of a step have none in Gemini's own answers either, and before the current turn none is missed.
pub(super) fn complete(contents: &mut [Content<'_>]) {
    let start = contents.iter().rposition(begins_turn).unwrap_or_default();
    for content in &mut contents[start..] {
        let first = content.parts.iter_mut().find(|part| part.function_call.is_some());
        if let Some(call) = first {
            call.thought_signature.get_or_insert(Cow::Borrowed(SKIP));
        }
    }
}

/// Whether the user begins something new. Words beside the results of tools need not be that, and one signature too
/// many does no harm.
fn begins_turn(content: &Content<'_>) -> bool {
    content.role == Some("user") && content.parts.iter().all(|part| part.function_response.is_none())
}
