//! What is sent to a provider.

mod messages;
mod options;
mod tools;

use gateway_protocol::translation::{
    Conversation, Dropped, Part, Role, Tool, ToolCall, ToolInput, ToolResult, Turn,
};
use serde_json::Value;
use serde_json::value::RawValue;

use super::chat;

/// What is sent for `conversation`, and what was left out.
fn write(conversation: &Conversation) -> Result<(Value, String), String> {
    let mut dropped = Dropped::default();
    let rendered = chat()
        .write_request(conversation, &mut dropped)
        .map_err(|error| error.to_string())?;
    Ok((
        serde_json::from_slice(&rendered.body).unwrap(),
        dropped.to_string(),
    ))
}

fn pretty(conversation: &Conversation) -> String {
    let (body, dropped) = write(conversation).unwrap();
    format!(
        "{}\ndropped: {dropped}",
        serde_json::to_string_pretty(&body).unwrap()
    )
}

fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn say(role: Role, text: &str) -> Turn {
    turn(role, vec![Part::Text(text.to_owned())])
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts }
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: json(arguments),
        signature: None,
    })
}

fn result(call_id: &str, parts: Vec<Part>) -> ToolResult {
    ToolResult {
        call_id: call_id.to_owned(),
        parts,
        is_error: false,
    }
}

fn tool(name: &str, schema: Option<&str>) -> Tool {
    Tool {
        name: name.to_owned(),
        description: None,
        input: ToolInput::Json {
            schema: schema.map(json),
            strict: None,
        },
    }
}

fn text_tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some("Changes files.".to_owned()),
        input: ToolInput::Text,
    }
}

fn conversation(model: &str, turns: Vec<Turn>) -> Conversation {
    Conversation {
        model: model.to_owned(),
        turns,
        ..Conversation::default()
    }
}

fn asked(model: &str) -> Conversation {
    conversation(model, vec![say(Role::User, "x")])
}
