use std::sync::Arc;
use std::time::Duration;

use crate::gauge::Need;
use crate::{Delivery, Preamble, Prompt};

/// What a lease was given for, as far as the pool has to know when it comes back.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    pub(crate) upstream_model: Arc<str>,
    /// Where the model's family stands in the account's list.
    pub(crate) family: usize,
    pub(crate) need: Need,
    pub(crate) delivery: Delivery,
    /// When the lease began.
    pub(crate) began: Duration,
    pub(crate) conversation: Option<u64>,
    pub(crate) preamble: Option<Preamble>,
    pub(crate) cache_lifetime: Option<Duration>,
    pub(crate) pin: Option<u64>,
}

impl Errand {
    pub(crate) fn new(
        upstream_model: Arc<str>,
        family: usize,
        prompt: &Prompt,
        need: Need,
        began: Duration,
    ) -> Self {
        Self {
            began,
            upstream_model,
            family,
            need,
            delivery: prompt.delivery,
            conversation: prompt.conversation,
            preamble: prompt.preamble,
            cache_lifetime: prompt.cache_lifetime,
            pin: prompt.pin,
        }
    }
}

impl Need {
    /// What `prompt` takes of the limits of an account that has `cached_tokens` of it in its cache.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn of(prompt: &Prompt, cached_tokens: u64) -> Self {
        if prompt.delivery == Delivery::Counted {
            return Self::default();
        }
        Self {
            requests: 1.0,
            input_tokens: prompt.input_tokens.saturating_sub(cached_tokens) as f32,
            output_tokens: prompt.output_tokens as f32,
        }
    }
}
