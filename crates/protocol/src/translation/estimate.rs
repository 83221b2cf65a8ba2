use super::{Conversation, MediaSource, Part, ToolInput};

/// Tokens of a picture or a page, where nothing is known but that it is one.
const MEDIA_TOKENS: u64 = 1_600;
/// Base64 of a document has about so many bytes for each of its tokens.
const DOCUMENT_BYTES_PER_TOKEN: u64 = 300;
/// What every turn, call and tool costs besides its text.
const FRAME_TOKENS: u64 = 4;
/// Bytes of English a token.
const BYTES_PER_TOKEN: u64 = 4;

/// About how many tokens a conversation has for any model, for providers that cannot be asked.
///
/// Four bytes of ASCII are one token, and so is every other character: right to a fifth or so for prose, code and
/// Chinese alike.
#[must_use]
pub fn estimate_tokens(conversation: &Conversation) -> u64 {
    let system: u64 = conversation.system.iter().map(|text| of_text(text)).sum();
    let turns: u64 = conversation
        .turns
        .iter()
        .map(|turn| FRAME_TOKENS + of_parts(&turn.parts))
        .sum();
    let tools: u64 = conversation
        .tools
        .iter()
        .map(|tool| {
            let schema = match &tool.input {
                ToolInput::Json {
                    schema: Some(schema), ..
                } => of_text(schema.get()),
                ToolInput::Json { schema: None, .. } | ToolInput::Text => 0,
            };
            FRAME_TOKENS + of_text(&tool.name) + tool.description.as_deref().map_or(0, of_text) + schema
        })
        .sum();
    (system + turns + tools).max(1)
}

fn of_parts(parts: &[Part]) -> u64 {
    parts.iter().map(of_part).sum()
}

fn of_part(part: &Part) -> u64 {
    match part {
        Part::Text(text) => of_text(text),
        Part::Thinking(thought) => of_text(&thought.text),
        Part::ToolCall(call) => FRAME_TOKENS + of_text(&call.name) + of_text(call.arguments.get()),
        Part::ToolResult(result) => {
            FRAME_TOKENS
                + result
                    .parts
                    .iter()
                    .map(|part| match part {
                        Part::ToolResult(_) => 0,
                        part => of_part(part),
                    })
                    .sum::<u64>()
        }
        Part::Media(media) => match &media.source {
            MediaSource::Inline { data, .. } => {
                MEDIA_TOKENS.max(data.len() as u64 / DOCUMENT_BYTES_PER_TOKEN)
            }
            MediaSource::Link { .. } => MEDIA_TOKENS,
        },
    }
}

fn of_text(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let others = text.chars().filter(|char| !char.is_ascii()).count() as u64;
    ascii.div_ceil(BYTES_PER_TOKEN) + others
}
