use gateway_domain::Usage;

use super::request::MessageRequest;
use super::signature::sign;
use crate::ask::call_tokens;
use crate::draft::{self, Draft, Stop};
use crate::draw::Draw;
use crate::reply::BLOCKED;
use crate::tokens::tokens;

/// A finished message, before it is written as JSON or as events.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) content: Vec<Content>,
    pub(crate) stop_reason: String,
    pub(crate) stop_sequence: Option<String>,
    pub(crate) usage: Usage,
    /// How many bytes of content one delta carries.
    pub(crate) delta_bytes: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Text(String),
    /// An empty text is one that was omitted.
    Thinking {
        text: String,
        signature: String,
        tokens: u64,
    },
    /// `input` is JSON.
    ToolUse {
        id: String,
        name: String,
        input: String,
    },
    WebSearch {
        id: String,
        input: String,
    },
    WebSearchResult {
        id: String,
    },
}

impl Content {
    pub(crate) fn tokens(&self) -> u64 {
        match self {
            Self::Text(text) => tokens(text),
            Self::Thinking { tokens, .. } => *tokens,
            Self::ToolUse { name, input, .. } => call_tokens(name, input),
            Self::WebSearch { input, .. } => call_tokens("web_search", input),
            Self::WebSearchResult { .. } => 0,
        }
    }
}

impl Message {
    /// The message that answers a request with this.
    pub(super) fn new(request: &MessageRequest, mut draft: Draft) -> Self {
        let mut content = Vec::new();
        for block in draft.content {
            add(block, &mut draft.ids, &mut content);
        }
        let (stop_reason, stop_sequence) = match draft.stop {
            Stop::Scripted(reason) if reason.starts_with(BLOCKED) => ("refusal".to_owned(), None),
            Stop::Scripted(reason) => (reason, None),
            Stop::EndOfTurn => ("end_turn".to_owned(), None),
            Stop::ToolUse => ("tool_use".to_owned(), None),
            Stop::MaxTokens => ("max_tokens".to_owned(), None),
            Stop::Sequence(sequence) => ("stop_sequence".to_owned(), Some(sequence)),
        };
        Self {
            id: format!("msg_01{}", draft.ids.base62(22)),
            model: request.model.to_string(),
            content,
            stop_reason,
            stop_sequence,
            usage: Usage {
                service_tier: Some("standard".to_owned()),
                speed: request.speed.clone(),
                inference_geo: request.inference_geo.clone(),
                ..draft.usage
            },
            delta_bytes: draft.delta_bytes,
        }
    }
}

fn add(block: draft::Content, ids: &mut Draw, content: &mut Vec<Content>) {
    match block {
        draft::Content::Text(text) => content.push(Content::Text(text)),
        draft::Content::Thinking {
            text,
            is_shown,
            tokens,
        } => content.push(Content::Thinking {
            signature: sign(&text),
            text: if is_shown { text } else { String::new() },
            tokens,
        }),
        draft::Content::ToolUse { name, input } => content.push(Content::ToolUse {
            id: format!("toolu_01{}", ids.base62(22)),
            name,
            input,
        }),
        draft::Content::WebSearch { input } => {
            let id = format!("srvtoolu_01{}", ids.base62(22));
            content.push(Content::WebSearch {
                id: id.clone(),
                input,
            });
            content.push(Content::WebSearchResult { id });
        }
    }
}
