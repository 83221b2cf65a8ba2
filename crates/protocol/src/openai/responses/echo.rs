use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::arguments::to_raw;

/// What an answer repeats of its request, each field as the client wrote it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Echo<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) instructions: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) max_output_tokens: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) parallel_tool_calls: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) prompt_cache_key: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) reasoning: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) safety_identifier: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a RawValue>,
}

/// What the answer to this request repeats.
pub(super) fn of_request(body: &[u8]) -> Result<Box<RawValue>, serde_json::Error> {
    let echo: Echo<'_> = serde_json::from_slice(body)?;
    // Between values a line end is no more than space, but it would end an event's line.
    let line = to_raw(&echo).get().replace(['\n', '\r'], " ");
    RawValue::from_string(line)
}

impl<'a> Echo<'a> {
    /// What is to be repeated, or nothing where the request was of another dialect.
    pub(super) fn read(echo: Option<&'a RawValue>) -> Self {
        echo.and_then(|echo| serde_json::from_str(echo.get()).ok())
            .unwrap_or_default()
    }
}
