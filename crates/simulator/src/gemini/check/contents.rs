use serde_json::Value;

use super::{ApiError, wrong};
use crate::gemini::prompt::items;

/// Of these a part has exactly one.
const KINDS: &[&str] = &[
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];
const FILES: &[&str] = &[
    "gs://",
    "https://www.youtube.com/",
    "https://youtube.com/",
    "https://youtu.be/",
    "https://generativelanguage.googleapis.com/",
];
const MIME_TYPES: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/heic",
    "image/heif",
    "application/pdf",
    "application/json",
];
const MIME_STARTS: &[&str] = &["text/", "audio/", "video/"];

/// Refuses turns that the model cannot answer.
pub(super) fn contents(body: &Value) -> Result<(), ApiError> {
    let contents = items(&body["contents"]);
    if contents.is_empty() {
        return Err(wrong("contents", "contents is not specified"));
    }
    for (at, content) in contents.iter().enumerate() {
        match content["role"].as_str() {
            Some("user" | "model") => {}
            // A prompt of one turn need not say whose it is.
            None | Some("") if contents.len() == 1 => {}
            _ => return Err(ApiError::invalid("Please use a valid role: user, model.")),
        }
        parts(&format!("contents[{at}]"), content)?;
    }
    order(contents)
}

/// Refuses instructions that are not text.
pub(super) fn system(body: &Value) -> Result<(), ApiError> {
    let system = &body["systemInstruction"];
    if system.is_null() {
        return Ok(());
    }
    parts("system_instruction", system)?;
    for (at, part) in items(&system["parts"]).iter().enumerate() {
        if part["text"].is_null() {
            return Err(wrong(
                format_args!("system_instruction.parts[{at}]"),
                "only text is supported in a system instruction",
            ));
        }
    }
    Ok(())
}

fn parts(place: &str, content: &Value) -> Result<(), ApiError> {
    let parts = items(&content["parts"]);
    if parts.is_empty() {
        return Err(wrong(
            format_args!("{place}.parts"),
            "contents.parts must not be empty.",
        ));
    }
    for (at, own) in parts.iter().enumerate() {
        part(&format!("{place}.parts[{at}]"), own, content["role"] == "model")?;
    }
    Ok(())
}

fn part(place: &str, part: &Value, is_model: bool) -> Result<(), ApiError> {
    let mut kinds = KINDS.iter().filter(|kind| !part[**kind].is_null());
    let Some(kind) = kinds.next() else {
        return Err(wrong(
            format_args!("{place}.data"),
            "required oneof field 'data' must have one initialized field",
        ));
    };
    if let Some(second) = kinds.next() {
        return Err(ApiError::invalid(format!(
            "Invalid value at '{place}' (oneof), oneof field 'data' is already set. Cannot set '{second}'"
        )));
    }
    match *kind {
        "inlineData" => blob(&format!("{place}.inline_data"), &part["inlineData"]),
        "fileData" => file(&format!("{place}.file_data"), &part["fileData"]),
        "functionCall" if !is_model => Err(ApiError::invalid(
            "Please ensure that function call turns have the role model.",
        )),
        "functionResponse" if is_model => Err(ApiError::invalid(
            "Please ensure that function response turns have the role user.",
        )),
        "functionCall" => named(&format!("{place}.function_call"), &part["functionCall"]),
        "functionResponse" => response(&format!("{place}.function_response"), &part["functionResponse"]),
        _ => Ok(()),
    }
}

fn response(place: &str, response: &Value) -> Result<(), ApiError> {
    named(place, response)?;
    if response["response"].is_null() {
        return Err(wrong(
            format_args!("{place}.response"),
            "response is not specified",
        ));
    }
    for (at, part) in items(&response["parts"]).iter().enumerate() {
        match (part["inlineData"].is_null(), part["fileData"].is_null()) {
            (false, true) => blob(&format!("{place}.parts[{at}].inline_data"), &part["inlineData"])?,
            (true, false) => file(&format!("{place}.parts[{at}].file_data"), &part["fileData"])?,
            _ => {
                return Err(wrong(
                    format_args!("{place}.parts[{at}].data"),
                    "required oneof field 'data' must have one initialized field",
                ));
            }
        }
    }
    Ok(())
}

fn named(place: &str, of: &Value) -> Result<(), ApiError> {
    match of["name"].as_str() {
        None | Some("") => Err(wrong(format_args!("{place}.name"), "Name cannot be empty.")),
        Some(_) => Ok(()),
    }
}

fn blob(place: &str, blob: &Value) -> Result<(), ApiError> {
    let kind = blob["mimeType"].as_str().unwrap_or_default();
    let plain = kind.split(';').next().unwrap_or_default();
    if !MIME_TYPES.contains(&plain) && !MIME_STARTS.iter().any(|start| plain.starts_with(start)) {
        return Err(ApiError::invalid(format!("Unsupported MIME type: {kind}")));
    }
    if blob["data"].as_str().is_none_or(str::is_empty) {
        return Err(wrong(format_args!("{place}.data"), "data is not specified"));
    }
    Ok(())
}

fn file(place: &str, file: &Value) -> Result<(), ApiError> {
    let uri = file["fileUri"].as_str().unwrap_or_default();
    if uri.is_empty() {
        return Err(wrong(
            format_args!("{place}.file_uri"),
            "file_uri is not specified",
        ));
    }
    if !FILES.iter().any(|start| uri.starts_with(start)) {
        return Err(ApiError::invalid(format!(
            "Invalid or unsupported file uri: {uri}"
        )));
    }
    Ok(())
}

/// The turns of a conversation and where they start.
///
/// What the model says in several contents is one turn: clients that keep a stream send it back chunk by chunk. What
/// functions say in several contents is not one.
pub(super) fn turns(contents: &[Value]) -> Vec<(usize, &[Value])> {
    let mut turns = Vec::new();
    let mut start = 0;
    while start < contents.len() {
        let is_model = |content: &Value| content["role"] == "model";
        let length = if is_model(&contents[start]) {
            let rest = contents[start..].iter();
            rest.take_while(|content| is_model(content)).count()
        } else {
            1
        };
        turns.push((start, &contents[start..start + length]));
        start += length;
    }
    turns
}

/// Refuses calls and responses out of order.
fn order(contents: &[Value]) -> Result<(), ApiError> {
    let mut asked = Vec::new();
    let turns = turns(contents);
    if contents[0]["role"] == "model" {
        return Err(ApiError::invalid(
            if named_parts(turns[0].1, "functionCall").is_empty() {
                "Please ensure that multiturn requests start with a user turn."
            } else {
                "Please ensure that function call turn comes immediately after a user turn or after a function response \
             turn."
            },
        ));
    }
    for (at, turn) in turns {
        let responses = named_parts(turn, "functionResponse");
        if !responses.is_empty() && asked.is_empty() {
            return Err(ApiError::invalid(
                "Please ensure that function response turn comes immediately after a function call turn.",
            ));
        }
        if responses.len() != asked.len() {
            return Err(unequal());
        }
        answered(at, &asked, &responses)?;
        asked = named_parts(turn, "functionCall");
    }
    if asked.is_empty() { Ok(()) } else { Err(unequal()) }
}

fn unequal() -> ApiError {
    ApiError::invalid(
        "Please ensure that the number of function response parts is equal to the number of function call parts of \
         the function call turn.",
    )
}

fn named_parts<'a>(turn: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let parts = turn.iter().flat_map(|content| items(&content["parts"]));
    parts
        .map(|part| &part[kind])
        .filter(|call| !call.is_null())
        .collect()
}

/// Every response is one to a call, by its id if both have one, else by its name.
fn answered(at: usize, calls: &[&Value], responses: &[&Value]) -> Result<(), ApiError> {
    let mut open: Vec<&Value> = calls.to_vec();
    for response in responses {
        let has_id = !response["id"].is_null() && open.iter().all(|call| !call["id"].is_null());
        let fits =
            |call: &&Value| call["name"] == response["name"] && (!has_id || call["id"] == response["id"]);
        let Some(found) = open.iter().position(fits) else {
            return Err(ApiError::invalid(format!(
                "Function response {} of contents[{at}] has no function call in the turn before.",
                response["name"]
            )));
        };
        open.remove(found);
    }
    Ok(())
}
