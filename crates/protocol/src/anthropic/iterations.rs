use gateway_domain::{TokenCounts, UsagePart};

use super::usage::Counts;
use crate::json;

/// No model has a longer name; a longer one would only fill the ledger.
const MAX_NAME: usize = 200;

/// The calls that the provider made for one answer, as `usage.iterations` lists them.
#[derive(Default)]
pub(super) struct Iterations(Vec<Iteration>);

struct Iteration {
    kind: Kind,
    part: UsagePart,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Compacting the context. Not in the message's own counts.
    Compaction,
    /// Another model that the one asked turned to. Not in the message's own counts.
    Advisor,
    /// Another model that answers because the one asked declined. The message's own counts are those of this entry.
    Fallback,
    /// The model that was asked, or with a fallback any that came before.
    Message,
}

impl Iterations {
    /// `None` when `list` is no list.
    pub(super) fn read(list: &[u8]) -> Option<Self> {
        let mut iterations = Vec::new();
        for entry in json::elements(list) {
            let entry = entry.ok()?;
            let kind = match json::member(entry, b"type") {
                Some(b"\"compaction\"") => Kind::Compaction,
                Some(b"\"advisor_message\"") => Kind::Advisor,
                Some(b"\"fallback_message\"") => Kind::Fallback,
                Some(b"\"message\"") => Kind::Message,
                _ => continue,
            };
            let mut counts = Counts::default();
            counts.overwrite(entry);
            let model = json::member(entry, b"model").and_then(json::text);
            let part = UsagePart {
                model: model.filter(|name| (1..=MAX_NAME).contains(&name.len())),
                tokens: counts.tokens(),
            };
            iterations.push(Iteration { kind, part });
        }
        Some(Self(iterations))
    }

    /// Everything that is charged for, and what of it went into calls of their own, where `own` is what the message
    /// says of itself.
    pub(super) fn join(&self, own: TokenCounts) -> (TokenCounts, Vec<UsagePart>) {
        let fell_back = self.0.iter().any(|call| call.kind == Kind::Fallback);
        let is_apart = |call: &&Iteration| match call.kind {
            Kind::Compaction | Kind::Advisor | Kind::Fallback => true,
            // One that declined before it had said anything is not charged for.
            Kind::Message => fell_back && call.part.tokens.output > 0,
        };
        let parts: Vec<_> = self
            .0
            .iter()
            .filter(is_apart)
            .map(|call| call.part.clone())
            .collect();
        let first = if fell_back { TokenCounts::default() } else { own };
        let mut all = parts.iter().fold(first, |sum, part| sum + part.tokens);
        // Entries do not tell it.
        all.reasoning = all.reasoning.max(own.reasoning.min(all.output));
        (all, parts)
    }
}
