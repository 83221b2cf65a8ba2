use gateway_domain::Usage;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::translation::{ReplyTerms, Stop};

use super::echo::Echo;
use super::item::Status;
use super::usage::UsageObject;

/// A `response` object: the whole answer, or what there is of it at an event.
///
/// Has every field that clients insist on.
#[derive(Serialize)]
pub(super) struct Response<'a> {
    id: String,
    object: &'static str,
    created_at: i64,
    status: Status,
    background: bool,
    error: Option<()>,
    incomplete_details: Option<IncompleteDetails>,
    instructions: Option<&'a RawValue>,
    max_output_tokens: Option<&'a RawValue>,
    max_tool_calls: Option<u64>,
    model: &'a str,
    output: &'a [Box<RawValue>],
    parallel_tool_calls: Given<'a, bool>,
    previous_response_id: Option<&'a str>,
    prompt_cache_key: Option<&'a RawValue>,
    reasoning: Given<'a, NoReasoning>,
    safety_identifier: Option<&'a RawValue>,
    service_tier: Option<&'a str>,
    store: bool,
    temperature: Option<&'a RawValue>,
    text: Given<'a, TextConfig>,
    tool_choice: Given<'a, &'static str>,
    tools: Given<'a, [(); 0]>,
    top_logprobs: u64,
    top_p: Option<&'a RawValue>,
    truncation: &'static str,
    usage: Option<UsageObject>,
    user: Option<&'a RawValue>,
    metadata: Given<'a, NoMetadata>,
}

/// What of an answer changes while it comes.
pub(super) struct Progress<'a> {
    pub(super) ending: Ending<'a>,
    pub(super) output: &'a [Box<RawValue>],
    pub(super) usage: Option<&'a Usage>,
}

/// How an answer stands.
pub(super) enum Ending<'a> {
    /// It goes on.
    None,
    /// The model stopped.
    Stop(&'a Stop),
}

#[derive(Serialize)]
struct IncompleteDetails {
    reason: &'static str,
}

/// What the client gave, or what stands for nothing.
#[derive(Serialize)]
#[serde(untagged)]
enum Given<'a, T> {
    Theirs(&'a RawValue),
    Default(T),
}

#[derive(Serialize)]
struct NoReasoning {
    effort: Option<&'static str>,
    summary: Option<&'static str>,
}

#[derive(Serialize)]
struct TextConfig {
    format: PlainText,
}

#[derive(Serialize)]
struct PlainText {
    r#type: &'static str,
}

#[derive(Serialize)]
struct NoMetadata {}

/// Why the model stopped, if not because it had said all.
pub(super) const fn incomplete_reason(stop: &Stop) -> Option<&'static str> {
    match stop {
        Stop::EndTurn | Stop::StopSequence(_) | Stop::ToolUse | Stop::Pause => None,
        Stop::MaxTokens | Stop::ContextWindow => Some("max_output_tokens"),
        Stop::Refusal => Some("content_filter"),
    }
}

/// The status of an answer, and of its last item, whose model stopped.
pub(super) const fn status(stop: &Stop) -> Status {
    match incomplete_reason(stop) {
        Some(_) => Status::Incomplete,
        None => Status::Completed,
    }
}

impl<'a> Response<'a> {
    pub(super) fn new(terms: &'a ReplyTerms, progress: Progress<'a>) -> Self {
        let echo = Echo::read(terms.echo.as_deref());
        let Progress {
            ending,
            output,
            usage,
        } = progress;
        let (status, reason) = match ending {
            Ending::None => (Status::InProgress, None),
            Ending::Stop(stop) => (status(stop), incomplete_reason(stop)),
        };
        Self {
            id: format!("resp_{}", terms.id),
            object: "response",
            created_at: terms.created_at,
            status,
            background: false,
            error: None,
            incomplete_details: reason.map(|reason| IncompleteDetails { reason }),
            instructions: echo.instructions,
            max_output_tokens: echo.max_output_tokens,
            max_tool_calls: None,
            model: &terms.model,
            output,
            parallel_tool_calls: given(echo.parallel_tool_calls, true),
            previous_response_id: None,
            prompt_cache_key: echo.prompt_cache_key,
            reasoning: given(
                echo.reasoning,
                NoReasoning {
                    effort: None,
                    summary: None,
                },
            ),
            safety_identifier: echo.safety_identifier,
            service_tier: None,
            // Nobody keeps it: what has no provider's account has no place.
            store: false,
            temperature: echo.temperature,
            text: given(
                echo.text,
                TextConfig {
                    format: PlainText { r#type: "text" },
                },
            ),
            tool_choice: given(echo.tool_choice, "auto"),
            tools: given(echo.tools, []),
            top_logprobs: 0,
            top_p: echo.top_p,
            truncation: "disabled",
            usage: usage.map(UsageObject::from),
            user: echo.user,
            metadata: given(echo.metadata, NoMetadata {}),
        }
    }
}

fn given<T>(theirs: Option<&RawValue>, default: T) -> Given<'_, T> {
    theirs.map_or(Given::Default(default), Given::Theirs)
}
