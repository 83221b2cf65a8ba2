use crate::AnswerSummary;
use crate::json;

use super::usage::CumulativeUsage;

/// No id or model name is longer than this; a longer one would only fill the ledger.
const MAX_NAME: usize = 256;

/// What is known of an answer, whether it comes whole or in events.
#[derive(Default)]
pub(super) struct Answer {
    message_id: Option<String>,
    model: Option<String>,
    container: Option<String>,
    usage: CumulativeUsage,
}

impl Answer {
    /// Takes over what a message says of itself; its content is passed over.
    pub(super) fn read(&mut self, message: &[u8]) {
        for member in json::members(message).flatten() {
            match &*member.key {
                b"id" => overwrite_name(&mut self.message_id, member.value),
                b"model" => overwrite_name(&mut self.model, member.value),
                b"usage" => self.usage.overwrite(member.value),
                b"container" => self.read_container(member.value),
                _ => {}
            }
        }
    }

    /// Takes over the message within a `message_start`.
    pub(super) fn read_start(&mut self, event: &[u8]) {
        if let Some(message) = json::member(event, b"message") {
            self.read(message);
        }
    }

    /// Takes over the counts of a `message_delta`, and the container that it may name.
    pub(super) fn read_delta(&mut self, event: &[u8]) {
        if let Some(container) =
            json::member(event, b"delta").and_then(|delta| json::member(delta, b"container"))
        {
            self.read_container(container);
        }
        if let Some(usage) = json::member(event, b"usage") {
            self.usage.overwrite(usage);
        }
    }

    pub(super) fn summary(&self) -> AnswerSummary {
        AnswerSummary {
            usage: self.usage.usage(),
            message_id: self.message_id.clone(),
            model: self.model.clone(),
            container: self.container.clone(),
        }
    }

    fn read_container(&mut self, container: &[u8]) {
        if let Some(id) = json::member(container, b"id") {
            overwrite_name(&mut self.container, id);
        }
    }
}

fn overwrite_name(field: &mut Option<String>, value: &[u8]) {
    if let Some(name) = json::text(value).filter(|name| name.len() <= MAX_NAME) {
        *field = Some(name);
    }
}
