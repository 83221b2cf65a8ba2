use std::collections::BTreeMap;
use std::time::Duration;

use gateway_domain::{ProviderKind, Timestamp};

use super::Organization;
use crate::record::Billed;

/// What is kept apart: a minute, a model and a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    /// Since 1970.
    minute: i64,
    provider: ProviderKind,
    model: String,
    credential: String,
}

/// What all keys of an organisation used.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) organization: Organization,
    lines: BTreeMap<Line, Billed>,
}

/// What one key used of one model in one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When its day begins, in seconds since 1970.
    pub(crate) day: i64,
    pub(crate) model: String,
    pub(crate) credential: String,
    pub(crate) billed: Billed,
}

impl Book {
    pub(crate) const fn new(organization: Organization) -> Self {
        Self {
            organization,
            lines: BTreeMap::new(),
        }
    }

    pub(crate) fn add(
        &mut self,
        at: Timestamp,
        provider: ProviderKind,
        model: &str,
        credential: &str,
        billed: &Billed,
    ) {
        let line = Line {
            minute: at.as_seconds().div_euclid(60),
            provider,
            model: model.to_owned(),
            credential: credential.to_owned(),
        };
        self.lines.entry(line).or_default().add(billed);
    }

    /// What is in the provider's reports by now.
    pub(crate) fn reported(&self, provider: ProviderKind, now: Timestamp) -> Vec<Entry> {
        let minute = Duration::from_secs(60);
        let is_reported = |line: &Line| {
            let over = Timestamp::from_seconds(line.minute * 60) + minute;
            // Without a delay what has just been billed is there too.
            self.organization.delay.is_zero() || over + self.organization.delay <= now
        };
        self.lines
            .iter()
            .filter(|(line, _)| line.provider == provider && is_reported(line))
            .map(|(line, billed)| Entry {
                day: (line.minute * 60).div_euclid(86_400) * 86_400,
                model: line.model.clone(),
                credential: line.credential.clone(),
                billed: *billed,
            })
            .collect()
    }
}
