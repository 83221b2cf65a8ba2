use serde_json::{Value, json};

use super::prompt::{self, items};
use super::{ApiError, Model, Models, check, headers};
use crate::ask::{Ask, Prompt, Thinking, Tool};
use crate::dialect::{Asked, Call};

/// How much a model thinks that nobody has told how much.
const THINKING_TOKENS: u64 = 16;

/// A request for an answer that the provider accepts.
#[derive(Debug)]
pub(super) struct GenerateRequest {
    pub(super) ask: Ask,
    pub(super) model: Model,
    pub(super) form: Form,
}

/// How the answer is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Events(Framing),
}

/// What holds the events of a stream together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    ServerSent,
    Array,
}

/// A path that names a model and what it is to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'p> {
    model: &'p str,
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Generate,
    Stream,
    Count,
}

impl<'p> Target<'p> {
    pub(super) fn of(path: &'p str) -> Option<Self> {
        let (model, verb) = resource(path)?.strip_prefix("models/")?.split_once(':')?;
        let action = match verb {
            "generateContent" => Action::Generate,
            "streamGenerateContent" => Action::Stream,
            "countTokens" => Action::Count,
            _ => return None,
        };
        Some(Self { model, action })
    }

    pub(super) const fn call(self) -> Call<'static> {
        match self.action {
            Action::Generate | Action::Stream => Call::Create,
            Action::Count => Call::Count,
        }
    }

    fn form(self, query: &str) -> Form {
        match (self.action, headers::value_of(query, "alt")) {
            (Action::Stream, Some("sse")) => Form::Events(Framing::ServerSent),
            (Action::Stream, _) => Form::Events(Framing::Array),
            (Action::Generate | Action::Count, _) => Form::Whole,
        }
    }
}

/// What follows the version of the API in a path.
pub(super) fn resource(path: &str) -> Option<&str> {
    path.strip_prefix("/v1beta/")
        .or_else(|| path.strip_prefix("/v1/"))
}

/// Reads and checks the body of a request for an answer.
pub(super) fn parse(asked: Asked<'_>, models: &Models) -> Result<GenerateRequest, ApiError> {
    let target = target(asked)?;
    let model = models.find(target.model)?;
    let body = check::generate(asked.body, model)?;
    let prompt = prompt::read(&body, &model.id);
    if prompt.tokens > model.max_input_tokens {
        return Err(ApiError::invalid(format!(
            "The input token count ({}) exceeds the maximum number of tokens allowed ({}).",
            prompt.tokens, model.max_input_tokens
        )));
    }
    let form = target.form(asked.head.query());
    let config = &body["generationConfig"];
    let limit = config["maxOutputTokens"].as_u64().unwrap_or(u64::MAX);
    let ask = Ask {
        model: model.id.clone().into_owned(),
        stream: form != Form::Whole,
        max_tokens: limit.min(model.max_output_tokens),
        stop_sequences: items(&config["stopSequences"])
            .iter()
            .filter_map(|sequence| sequence.as_str().map(str::to_owned))
            .collect(),
        thinking: thinking(&config["thinkingConfig"], model),
        wanted_tools: wanted_tools(&body, &prompt),
        schema: schema(config),
        prompt,
        cache_minimum: model.cache_minimum,
        bills_cache_writes: false,
    };
    Ok(GenerateRequest {
        ask,
        model: model.clone(),
        form,
    })
}

/// The tokens of the prompt in the body of a request that counts it.
pub(super) fn count_tokens(asked: Asked<'_>, models: &Models) -> Result<u64, ApiError> {
    let model = models.find(target(asked)?.model)?;
    let body = check::count(asked.body, model)?;
    Ok(prompt::read(&body, &model.id).tokens)
}

fn target<'a>(asked: Asked<'a>) -> Result<Target<'a>, ApiError> {
    Target::of(asked.head.path()).ok_or_else(|| ApiError::usual(404))
}

fn thinking(config: &Value, model: &Model) -> Thinking {
    let level = config["thinkingLevel"].as_str();
    let budget = match (config["thinkingBudget"].as_i64(), level) {
        (Some(0), _) | (_, Some("MINIMAL")) => return Thinking::Off,
        (Some(budget), _) if budget > 0 => budget as u64,
        (None, None | Some("THINKING_LEVEL_UNSPECIFIED")) if !model.thinks_unasked() => return Thinking::Off,
        (_, Some("HIGH" | "XHIGH")) => 4 * THINKING_TOKENS,
        _ => THINKING_TOKENS,
    };
    if config["includeThoughts"] == true {
        Thinking::Shown { budget }
    } else {
        Thinking::Omitted { budget }
    }
}

/// The functions that the prompt asks for by name, of those that may be called.
fn wanted_tools(body: &Value, prompt: &Prompt) -> Vec<Tool> {
    let config = &body["toolConfig"]["functionCallingConfig"];
    let allowed = items(&config["allowedFunctionNames"]);
    let tools = items(&body["tools"]);
    let functions: Vec<&Value> = tools
        .iter()
        .flat_map(|tool| items(&tool["functionDeclarations"]))
        .filter(|function| allowed.is_empty() || allowed.contains(&function["name"]))
        .collect();
    let is_named = |function: &&&Value| prompt.asks_for(function["name"].as_str().unwrap_or_default());
    let mut wanted: Vec<Tool> = match config["mode"].as_str() {
        Some("NONE") => Vec::new(),
        _ => functions
            .iter()
            .filter(is_named)
            .map(|own| function(own))
            .collect(),
    };
    if config["mode"] == "ANY" && wanted.is_empty() {
        wanted.extend(functions.first().map(|own| function(own)));
    }
    let searches = tools.iter().any(|tool| tool["googleSearch"].is_object());
    if searches && prompt.asks_for("google_search") {
        wanted.push(Tool::WebSearch);
    }
    wanted
}

fn function(declaration: &Value) -> Tool {
    let schema = match &declaration["parametersJsonSchema"] {
        Value::Null => json_schema(&declaration["parameters"]),
        schema => schema.clone(),
    };
    Tool::Client {
        name: declaration["name"].as_str().unwrap_or_default().to_owned(),
        input_schema: if schema.is_null() {
            json!({"type": "object"})
        } else {
            schema
        },
    }
}

fn schema(config: &Value) -> Option<Value> {
    if config["responseMimeType"] != "application/json" {
        return None;
    }
    Some(match (&config["responseJsonSchema"], &config["responseSchema"]) {
        (Value::Null, Value::Null) => {
            json!({"type": "object", "properties": {"answer": {"type": "string"}}})
        }
        (Value::Null, schema) => json_schema(schema),
        (schema, _) => schema.clone(),
    })
}

/// The subset of OpenAPI as a JSON schema, as far as its types go.
fn json_schema(schema: &Value) -> Value {
    let mut schema = schema.clone();
    lower(&mut schema);
    schema
}

fn lower(schema: &mut Value) {
    if let Some(kind) = schema["type"].as_str() {
        schema["type"] = kind.to_ascii_lowercase().into();
    }
    let Some(fields) = schema.as_object_mut() else {
        return;
    };
    if let Some(items) = fields.get_mut("items") {
        lower(items);
    }
    for choice in fields
        .get_mut("anyOf")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        lower(choice);
    }
    for property in fields
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|properties| properties.values_mut())
    {
        lower(property);
    }
}
