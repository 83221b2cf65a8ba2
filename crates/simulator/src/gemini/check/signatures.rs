use serde_json::Value;

use super::ApiError;
use super::contents::turns;
use crate::gemini::prompt::items;
use crate::gemini::signature::{decode, is_own};

/// What stands for the signature of a call that no model of this API has made.
const SKIP: &[&str] = &[
    "skip_thought_signature_validator",
    "context_engineering_is_the_way_to_go",
];

/// Refuses signatures that this simulator has not made, and a current turn without them.
pub(super) fn signatures(body: &Value) -> Result<(), ApiError> {
    let contents = items(&body["contents"]);
    let all = contents.iter().flat_map(|content| items(&content["parts"]));
    let mut given = all.filter_map(|part| part["thoughtSignature"].as_str());
    if !given.all(is_good) {
        return Err(ApiError::invalid("Thought signature is not valid."));
    }
    let start = contents.iter().rposition(starts_turn).unwrap_or_default();
    for (at, turn) in turns(contents).into_iter().filter(|(at, _)| *at >= start) {
        let mut parts = turn.iter().flat_map(|content| items(&content["parts"]));
        // Of calls in parallel only the first is signed.
        let first = parts.find(|part| !part["functionCall"].is_null());
        if let Some(call) = first.filter(|part| part["thoughtSignature"].as_str().is_none_or(str::is_empty)) {
            return Err(ApiError::invalid(format!(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work \
                 correctly, and missing thought_signature may lead to degraded model performance. Additional data, \
                 function call `default_api:{}` , position {}. Please refer to \
                 https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
                call["functionCall"]["name"].as_str().unwrap_or_default(),
                at + 1
            )));
        }
    }
    Ok(())
}

fn is_good(signature: &str) -> bool {
    SKIP.contains(&signature)
        || decode(signature)
            .is_some_and(|bytes| is_own(&bytes) || SKIP.iter().any(|skip| skip.as_bytes() == bytes))
}

/// Whether a user says something here, beside what functions have said.
fn starts_turn(content: &Value) -> bool {
    content["role"] != "model"
        && items(&content["parts"])
            .iter()
            .any(|part| part["functionResponse"].is_null())
}
