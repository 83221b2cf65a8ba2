//! The shape of the items of a conversation, one by one.

use serde_json::Value;

use super::super::field::Field;
use super::super::part;
use super::ApiError;
use super::seal::is_sealed;

const ROLES: &[&str] = &["assistant", "system", "developer", "user"];
const CALL_ID_LIMIT: usize = 64;
/// Items that only the provider itself makes, or that belong to its own tools: opaque here.
const OPAQUE: &[&str] = &[
    "file_search_call",
    "computer_call",
    "computer_call_output",
    "web_search_call",
    "tool_search_call",
    "tool_search_output",
    "additional_tools",
    "compaction",
    "compaction_trigger",
    "image_generation_call",
    "code_interpreter_call",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "program",
    "program_output",
];
const KNOWN: &[&str] = &[
    "message",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "reasoning",
    "item_reference",
];

/// Refuses an item that the provider does not take, as far as it shows without the others.
pub(super) fn item(item: &Field<'_>) -> Result<(), ApiError> {
    item.object()?;
    let Some(kind) = item.find("type") else {
        return if item.given("role").is_some() {
            message(item)
        } else {
            item.need("type").map(drop)
        };
    };
    match kind.text()? {
        "message" => message(item),
        "function_call" => call(item, "arguments", "fc"),
        "custom_tool_call" => call(item, "input", "ctc"),
        "function_call_output" => output(item, &["name", "namespace"]),
        "custom_tool_call_output" => output(item, &[]),
        "reasoning" => reasoning(item),
        "item_reference" => {
            item.need("id")?.text()?;
            item.only(&["type", "id"])
        }
        kind if OPAQUE.contains(&kind) => Ok(()),
        _ => kind.one_of(&[KNOWN, OPAQUE].concat()).map(drop),
    }
}

fn message(message: &Field<'_>) -> Result<(), ApiError> {
    let role = message.need("role")?.one_of(ROLES)?;
    let content = message.need("content")?;
    if message.find("type").is_some() {
        id(message, "msg")?;
    }
    message.only(&["type", "role", "content", "id", "status", "phase"])?;
    if content.value().is_string() {
        return Ok(());
    }
    if !content.value().is_array() {
        return Err(content.mistyped("one of a string or array of objects"));
    }
    let kinds: &[&str] = match role {
        "assistant" => &["output_text", "refusal"],
        _ => &["input_text", "input_image", "input_file"],
    };
    content
        .items("objects")?
        .iter()
        .try_for_each(|part| self::part(part, kinds))
}

fn part(part: &Field<'_>, kinds: &[&str]) -> Result<(), ApiError> {
    part.object()?;
    let kind = part.need("type")?;
    let text = kind.text()?;
    if !kinds.contains(&text) {
        let listed = super::super::field::listed(kinds);
        return Err(ApiError::invalid(format!(
            "Invalid value: '{text}'. Supported values are: {listed}."
        ))
        .at(part.place())
        .code("invalid_value"));
    }
    match text {
        "input_text" => {
            part.need("text")?.text()?;
            part.only(&["type", "text", "prompt_cache_breakpoint"])
        }
        "output_text" => {
            part.need("text")?.text()?;
            part.only(&["type", "text", "annotations", "logprobs"])
        }
        "refusal" => {
            part.need("refusal")?.text()?;
            part.only(&["type", "refusal"])
        }
        "input_image" => {
            match part.find("image_url") {
                Some(url) => part::image(&url)?,
                None => part::file(part, &["file_id"])?,
            }
            if let Some(detail) = part.find("detail") {
                detail.one_of(part::DETAILS)?;
            }
            part.only(&[
                "type",
                "image_url",
                "file_id",
                "detail",
                "prompt_cache_breakpoint",
            ])
        }
        _ => {
            part::file(part, &["file_data", "file_id", "file_url"])?;
            part.only(&[
                "type",
                "file_data",
                "file_id",
                "file_url",
                "filename",
                "detail",
                "prompt_cache_breakpoint",
            ])
        }
    }
}

fn call(call: &Field<'_>, text: &str, id_start: &str) -> Result<(), ApiError> {
    id(call, id_start)?;
    call.need("call_id")?.text_up_to(CALL_ID_LIMIT)?;
    call.need("name")?.name(64)?;
    call.need(text)?.text()?;
    call.only(&[
        "type",
        "id",
        "call_id",
        "name",
        text,
        "status",
        "caller",
        "namespace",
        "async",
    ])
}

fn output(output: &Field<'_>, more: &[&str]) -> Result<(), ApiError> {
    output.need("call_id")?.text_up_to(CALL_ID_LIMIT)?;
    let content = output.need("output")?;
    if content.value().is_array() {
        for part in content.items("objects")? {
            self::part(&part, &["input_text", "input_image", "input_file"])?;
        }
    } else if !content.value().is_string() {
        return Err(content.mistyped("one of a string or array of objects"));
    }
    output.only(&[&["type", "id", "call_id", "output", "status", "caller"], more].concat())
}

fn reasoning(reasoning: &Field<'_>) -> Result<(), ApiError> {
    let id = reasoning.need("id")?.text()?;
    self::id(reasoning, "rs")?;
    for summary in reasoning.need("summary")?.items("objects")? {
        summary.need("type")?.one_of(&["summary_text"])?;
        summary.need("text")?.text()?;
    }
    reasoning.only(&["type", "id", "summary", "content", "encrypted_content", "status"])?;
    match reasoning.find("encrypted_content").as_ref().map(Field::value) {
        Some(Value::String(sealed)) if is_sealed(sealed) => Ok(()),
        None => Ok(()),
        Some(_) => Err(ApiError::invalid(format!(
            "The encrypted content for item {id} could not be verified. Reason: Encrypted content could not be \
             decrypted or parsed."
        ))
        .code("invalid_encrypted_content")),
    }
}

/// Refuses the id of another kind of item.
fn id(item: &Field<'_>, start: &str) -> Result<(), ApiError> {
    let Some(id) = item.find("id") else {
        return Ok(());
    };
    let text = id.text_up_to(64)?;
    if text.strip_prefix(start).is_some_and(|rest| rest.starts_with('_')) {
        return Ok(());
    }
    Err(id.bad(
        "invalid_value",
        &format!("'{text}'. Expected an ID that begins with '{start}'."),
    ))
}
