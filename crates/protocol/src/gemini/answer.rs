use crate::AnswerSummary;
use crate::json;

use super::finish::Finish;
use super::usage::Metadata;
use super::version::Version;

/// No id or model name is longer than this; a longer one would only fill the ledger.
const MAX_NAME: usize = 256;

/// What is known of an answer, whether it comes whole or in events.
#[derive(Default)]
pub(super) struct Answer {
    message_id: Option<String>,
    model: Option<String>,
    metadata: Option<Metadata>,
    /// The most searches of the web that an event has told of.
    searches: u64,
}

/// What one event, or a whole answer, says.
#[derive(Default)]
pub(super) struct Said {
    /// Whether it has any content, and not only empty text.
    pub(super) has_content: bool,
    pub(super) finish: Option<Finish>,
    /// Whether the prompt was refused.
    pub(super) is_blocked: bool,
    pub(super) is_error: bool,
    /// Bytes of text, thoughts and calls.
    pub(super) text_len: usize,
}

impl Answer {
    /// Takes over what a `GenerateContentResponse` says of itself.
    pub(super) fn read(&mut self, response: &[u8]) -> Said {
        let mut said = Said::default();
        for member in json::members(response).flatten() {
            match &*member.key {
                b"candidates" => {
                    for candidate in json::elements(member.value).flatten() {
                        self.read_candidate(candidate, &mut said);
                    }
                }
                b"promptFeedback" => {
                    let reason = json::member(member.value, b"blockReason").and_then(json::text);
                    said.is_blocked = reason.is_some_and(|reason| !reason.is_empty());
                }
                b"usageMetadata" => {
                    if let Some(metadata) = Metadata::read(member.value) {
                        self.metadata = Some(metadata);
                    }
                }
                b"responseId" => overwrite_name(&mut self.message_id, member.value),
                b"modelVersion" => overwrite_name(&mut self.model, member.value),
                b"error" => said.is_error = !json::is_null(member.value),
                _ => {}
            }
        }
        said
    }

    fn read_candidate(&mut self, candidate: &[u8], said: &mut Said) {
        for member in json::members(candidate).flatten() {
            match &*member.key {
                b"content" => {
                    let parts = json::member(member.value, b"parts").unwrap_or_default();
                    for part in json::elements(parts).flatten() {
                        read_part(part, said);
                    }
                }
                b"finishReason" => {
                    let finish = json::text(member.value).and_then(|reason| Finish::of(&reason));
                    said.finish = finish.or(said.finish);
                }
                b"groundingMetadata" => {
                    let queries = json::member(member.value, b"webSearchQueries").unwrap_or_default();
                    let count = json::elements(queries).flatten().count() as u64;
                    self.searches = self.searches.max(count);
                }
                _ => {}
            }
        }
    }

    pub(super) fn summary(&self) -> AnswerSummary {
        let model = self.model.as_deref().unwrap_or_default();
        // Older models bill the answer that searched, however often it did.
        let searches = if Version::of(model).is_3 {
            self.searches
        } else {
            self.searches.min(1)
        };
        AnswerSummary {
            usage: self.metadata.as_ref().map(|metadata| metadata.usage(searches)),
            message_id: self.message_id.clone(),
            model: self.model.clone(),
            container: None,
        }
    }
}

fn read_part(part: &[u8], said: &mut Said) {
    for member in json::members(part).flatten() {
        match &*member.key {
            b"text" => {
                let len = json::text_len(member.value);
                said.text_len += len;
                said.has_content |= len > 0;
            }
            // They say something only of what else is there.
            b"thought" | b"thoughtSignature" => {}
            b"functionCall" => {
                said.text_len += json::member(member.value, b"args").map_or(0, <[u8]>::len);
                said.has_content = true;
            }
            _ => said.has_content = true,
        }
    }
}

fn overwrite_name(field: &mut Option<String>, value: &[u8]) {
    if let Some(name) = json::text(value).filter(|name| name.len() <= MAX_NAME) {
        *field = Some(name);
    }
}
