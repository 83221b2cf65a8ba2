use gateway_domain::{ProviderKind, Timestamp, Usage};

use crate::price::Sheet;

/// Rates of one way of being served, such as batch processing; meters left out keep the standard rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) when: Condition,
    /// In force from here on, as far as the list knows.
    pub(crate) from: Option<Timestamp>,
    pub(crate) sheet: Sheet,
}

impl Variant {
    pub(crate) fn applies(&self, usage: &Usage, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.when.holds(usage)
    }

    /// Whether an answer may be made that way, `is_possible` being asked of each word that it has to say.
    pub(crate) fn is_possible(&self, is_possible: impl Fn(&str) -> bool) -> bool {
        let Condition {
            service_tier,
            speed,
            inference_geo,
        } = &self.when;
        [service_tier, speed, inference_geo]
            .into_iter()
            .flatten()
            .all(|word| is_possible(word))
    }

    pub(crate) fn names_geo(&self) -> bool {
        self.when.inference_geo.is_some()
    }
}

/// What an answer must say about how it was made; all of what is asked for must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Condition {
    pub(crate) service_tier: Option<String>,
    pub(crate) speed: Option<String>,
    pub(crate) inference_geo: Option<String>,
}

impl Condition {
    fn holds(&self, usage: &Usage) -> bool {
        says(&self.service_tier, &usage.service_tier)
            && says(&self.speed, &usage.speed)
            && says(&self.inference_geo, &usage.inference_geo)
    }
}

/// Providers do not agree on the case of these words.
fn says(wanted: &Option<String>, said: &Option<String>) -> bool {
    wanted.as_ref().is_none_or(|wanted| {
        said.as_ref()
            .is_some_and(|said| said.eq_ignore_ascii_case(wanted))
    })
}

/// A factor on all token rates for keeping the work in one geography.
#[derive(Debug)]
pub(crate) struct Premium {
    inference_geo: &'static str,
    pub(crate) permille: i128,
}

impl Premium {
    pub(crate) fn applies(&self, usage: &Usage) -> bool {
        usage
            .inference_geo
            .as_ref()
            .is_some_and(|geo| geo.eq_ignore_ascii_case(self.inference_geo))
    }
}

/// The premiums of `provider`, for what the shipped list has no variants for.
///
/// Anthropic charges 1.1 times every token rate, on top of batch and fast rates, for answers that name the
/// geography `us`; only models that carry the premium (Opus 4.6 and later) name one at all.
/// Source: <https://platform.claude.com/docs/en/manage-claude/data-residency>.
pub(crate) const fn premiums(provider: ProviderKind) -> &'static [Premium] {
    match provider {
        ProviderKind::Anthropic => &[Premium {
            inference_geo: "us",
            permille: 1100,
        }],
        ProviderKind::Gemini | ProviderKind::OpenAi => &[],
    }
}
