use gateway_balancing::{Decision, Delivery, NoAccount, Prompt, Wanted};
use gateway_domain::{AccountId, ApiKey};

use crate::Shared;
use crate::engine::every_provider;

/// A request as far as routing would look at it, without anything to send.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The key that it would come with.
    pub key: &'a ApiKey,
    /// The model that it would ask for.
    pub model: &'a str,
    /// How it would be answered.
    pub delivery: Delivery,
    /// Its input tokens, as far as they matter.
    pub input_tokens: u64,
    /// Its output tokens, as far as they matter.
    pub output_tokens: u64,
}

impl Shared {
    /// The account that would serve, by the same function that serves; nothing is sent or taken.
    pub fn decide(&self, question: &Question<'_>) -> (Result<AccountId, NoAccount>, Decision) {
        self.catalogue.pool().decide(&Wanted {
            user_id: question.key.user_id,
            key: question.key,
            model: question.model,
            providers: &every_provider(),
            tried: &[],
            prompt: Prompt {
                input_tokens: question.input_tokens,
                output_tokens: question.output_tokens,
                delivery: question.delivery,
                ..Prompt::default()
            },
        })
    }
}
