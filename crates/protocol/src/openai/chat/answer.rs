use gateway_domain::{TokenCounts, Usage};

use crate::AnswerSummary;
use crate::json;

use super::usage;

/// No id or model name is longer than this; a longer one would only fill the ledger.
const MAX_NAME: usize = 256;
/// No service tier has a name longer than this.
const MAX_WORD: usize = 64;

/// What is known of an answer, whether it comes whole or in chunks.
#[derive(Default)]
pub(super) struct Answer {
    message_id: Option<String>,
    model: Option<String>,
    service_tier: Option<String>,
    tokens: Option<TokenCounts>,
}

impl Answer {
    /// Takes over what a completion, or a chunk of one, says of itself; its content is passed over.
    pub(super) fn read(&mut self, completion: &[u8]) {
        for member in json::members(completion).flatten() {
            self.read_member(&member);
        }
    }

    /// Takes over what one member of a completion says.
    pub(super) fn read_member(&mut self, member: &json::Member<'_>) {
        match &*member.key {
            b"id" => overwrite(&mut self.message_id, member.value, MAX_NAME),
            b"model" => overwrite(&mut self.model, member.value, MAX_NAME),
            b"service_tier" => overwrite(&mut self.service_tier, member.value, MAX_WORD),
            b"usage" => self.read_usage(member.value),
            // Groq.
            b"x_groq" => self.read_usage_in(member.value),
            _ => {}
        }
    }

    /// Takes over the counts that stand within `object`, as in the choices of Moonshot's streams.
    pub(super) fn read_usage_in(&mut self, object: &[u8]) {
        if let Some(usage) = json::member(object, b"usage") {
            self.read_usage(usage);
        }
    }

    /// What was used, as far as it has been told.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.tokens.map(|tokens| Usage {
            tokens,
            service_tier: self.service_tier.clone(),
            ..Usage::default()
        })
    }

    pub(super) fn summary(&self) -> AnswerSummary {
        AnswerSummary {
            usage: self.usage(),
            message_id: self.message_id.clone(),
            model: self.model.clone(),
            container: None,
        }
    }

    /// Each object counts everything anew.
    fn read_usage(&mut self, object: &[u8]) {
        self.tokens = usage::read(object).or(self.tokens);
    }
}

fn overwrite(field: &mut Option<String>, value: &[u8], max_length: usize) {
    let is_same = field
        .as_deref()
        .is_some_and(|field| value.get(1..value.len() - 1) == Some(field.as_bytes()));
    if is_same {
        return;
    }
    if let Some(text) = json::text(value).filter(|text| (1..=max_length).contains(&text.len())) {
        *field = Some(text);
    }
}
