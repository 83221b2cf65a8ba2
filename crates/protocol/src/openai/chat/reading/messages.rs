use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::openai::unknown::note_unknown;
use crate::translation::{Dropped, Part, Role, ToolCall, ToolResult, Turn, Untranslatable};

use super::super::completion::object;
use super::content;
use super::field::Path;

/// What was said so far.
#[derive(Default)]
pub(super) struct Messages {
    /// The messages that instruct the model before anything else, text by text.
    pub(super) system: Vec<String>,
    /// The others.
    pub(super) turns: Vec<Turn>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    name: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    audio: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    function_call: Option<Function<'a>>,
    tool_call_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Call<'a> {
    id: Option<Cow<'a, str>>,
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    function: Option<Function<'a>>,
    #[serde(borrow)]
    custom: Option<Custom<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    arguments: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Custom<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    input: Cow<'a, str>,
}

const KNOWN: &[&str] = &[
    "role",
    "content",
    "refusal",
    "audio",
    "tool_calls",
    "function_call",
    "tool_call_id",
    "reasoning_content",
];
/// Streams number their calls, and some clients send the number back.
const KNOWN_OF_CALLS: &[&str] = &["id", "type", "function", "custom", "index"];

/// Reads all messages of a request.
pub(super) fn read(messages: &[&RawValue], dropped: &mut Dropped) -> Result<Messages, Untranslatable> {
    let path = Path::Root("messages");
    if messages.is_empty() {
        return Err(path.invalid("Invalid value: empty array. Expected an array with minimum length 1."));
    }
    let mut reader = Reader {
        read: Messages::default(),
        ids: CallIds::default(),
        takes_results: false,
        dropped,
    };
    for (index, message) in messages.iter().enumerate() {
        reader.read_message(message, &Path::Element(&path, index))?;
    }
    Ok(reader.read)
}

struct Reader<'d> {
    read: Messages,
    ids: CallIds,
    /// Whether the last turn is one of tools' results.
    takes_results: bool,
    dropped: &'d mut Dropped,
}

impl Reader<'_> {
    fn read_message(&mut self, message: &RawValue, path: &Path<'_>) -> Result<(), Untranslatable> {
        let read: Message<'_> = path.read(message)?;
        let is_legacy_result = read.role == "function";
        note_unknown(
            message.get().as_bytes(),
            "messages.",
            KNOWN,
            self.dropped,
            |key, _| is_legacy_result && key == b"name",
        );
        let content_path = Path::Field(path, "content");
        match &*read.role {
            "system" | "developer" => {
                let texts = content::read_texts(read.content, &content_path, self.dropped)?;
                if self.read.turns.is_empty() {
                    self.read.system.extend(texts);
                } else {
                    self.push(Role::System, texts.into_iter().map(Part::Text).collect());
                }
            }
            "user" => {
                let parts = content::read(read.content, &content_path, self.dropped)?;
                self.push(Role::User, parts);
            }
            "assistant" => {
                let parts = self.assistant(&read, path)?;
                self.push(Role::Assistant, parts);
            }
            "tool" => {
                let id = read
                    .tool_call_id
                    .as_deref()
                    .ok_or_else(|| Path::Field(path, "tool_call_id").missing())?;
                let call_id = self.ids.of_result(id);
                let parts = content::read(read.content, &content_path, self.dropped)?;
                self.push_result(call_id, parts);
            }
            "function" => {
                let name_path = Path::Field(path, "name");
                let name = read.name.as_deref().ok_or_else(|| name_path.missing())?;
                let call_id = self.ids.of_function(name).ok_or_else(|| {
                    name_path.invalid("Messages with role 'function' must follow a call of that function.")
                })?;
                let parts = content::read(read.content, &content_path, self.dropped)?;
                self.push_result(call_id, parts);
            }
            other => {
                let known = "'system', 'assistant', 'user', 'function', 'tool', and 'developer'";
                return Err(Path::Field(path, "role").unknown_value(other, known));
            }
        }
        Ok(())
    }

    fn assistant(&mut self, message: &Message<'_>, path: &Path<'_>) -> Result<Vec<Part>, Untranslatable> {
        if message.audio.is_some() {
            return Err(Path::Field(path, "audio").unsupported());
        }
        if message.reasoning_content.is_some_and(|text| text.get() != "\"\"") {
            self.dropped.note("reasoning_content");
        }
        let texts = content::read_texts(message.content, &Path::Field(path, "content"), self.dropped)?;
        let mut parts: Vec<Part> = texts.into_iter().map(Part::Text).collect();
        let refusal = message.refusal.as_deref().filter(|refusal| !refusal.is_empty());
        parts.extend(refusal.map(|refusal| Part::Text(refusal.to_owned())));

        let calls_path = Path::Field(path, "tool_calls");
        for (index, call) in message.tool_calls.iter().flatten().enumerate() {
            parts.push(Part::ToolCall(
                self.call(call, &Path::Element(&calls_path, index))?,
            ));
        }
        if let Some(function) = &message.function_call {
            let id = self.ids.begin_function(&function.name);
            let path = Path::Field(path, "function_call");
            parts.push(Part::ToolCall(function.call(id, &path)?));
        }
        Ok(parts)
    }

    fn call(&mut self, call: &RawValue, path: &Path<'_>) -> Result<ToolCall, Untranslatable> {
        let read: Call<'_> = path.read(call)?;
        note_unknown(
            call.get().as_bytes(),
            "tool_calls.",
            KNOWN_OF_CALLS,
            self.dropped,
            |_, _| false,
        );
        let id = read.id.filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Path::Field(path, "id").missing())?;
        let id = self.ids.begin(&id);
        match read.r#type.as_deref().unwrap_or("function") {
            "function" => {
                let path = Path::Field(path, "function");
                read.function.ok_or_else(|| path.missing())?.call(id, &path)
            }
            "custom" => {
                let path = Path::Field(path, "custom");
                let custom = read.custom.ok_or_else(|| path.missing())?;
                Ok(ToolCall {
                    id,
                    name: custom.name.into_owned(),
                    arguments: to_raw_value(&custom.input)?,
                    signature: None,
                })
            }
            other => Err(Path::Field(path, "type").unknown_value(other, "'function' and 'custom'")),
        }
    }

    fn push(&mut self, role: Role, parts: Vec<Part>) {
        if !parts.is_empty() {
            self.read.turns.push(Turn { role, parts });
            self.takes_results = false;
        }
    }

    /// The results of tools that follow each other are one turn.
    fn push_result(&mut self, call_id: String, parts: Vec<Part>) {
        let result = Part::ToolResult(ToolResult {
            call_id,
            parts,
            is_error: false,
        });
        match self.read.turns.last_mut() {
            Some(turn) if self.takes_results => turn.parts.push(result),
            _ => {
                self.push(Role::User, vec![result]);
                self.takes_results = true;
            }
        }
    }
}

impl Function<'_> {
    fn call(&self, id: String, path: &Path<'_>) -> Result<ToolCall, Untranslatable> {
        let arguments = object(&self.arguments).ok_or_else(|| {
            Path::Field(path, "arguments").invalid("Expected a string with a JSON object in it.")
        })?;
        Ok(ToolCall {
            id,
            name: self.name.clone().into_owned(),
            arguments,
            signature: None,
        })
    }
}

/// The ids of calls, made unique: some servers begin anew with `call_0` in every answer, and older ones give none.
#[derive(Default)]
struct CallIds {
    taken: HashSet<String>,
    /// What the next id may be made unique with; it only grows, so that no search begins anew.
    next: usize,
    /// What became of the client's ids: a result is for the last call of that id.
    renamed: HashMap<String, String>,
    /// The last call of each function that has no id.
    functions: HashMap<String, String>,
}

impl CallIds {
    fn begin(&mut self, id: &str) -> String {
        let mut unique = id.to_owned();
        while self.taken.contains(&unique) {
            self.next += 1;
            // In front, since a signature may ride at the end.
            unique = format!("{}_{id}", self.next);
        }
        self.taken.insert(unique.clone());
        self.renamed.insert(id.to_owned(), unique.clone());
        unique
    }

    fn begin_function(&mut self, name: &str) -> String {
        let id = self.begin(&format!("call_{}", self.taken.len()));
        self.functions.insert(name.to_owned(), id.clone());
        id
    }

    fn of_result(&self, id: &str) -> String {
        self.renamed.get(id).map_or(id, String::as_str).to_owned()
    }

    fn of_function(&self, name: &str) -> Option<String> {
        self.functions.get(name).cloned()
    }
}
