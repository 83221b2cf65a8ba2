use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use gateway_domain::{Nanodollars, ProviderKind, Timestamp};

use super::rule::Rule;
use crate::price::{Price, Sheet};
use crate::variant::{Variant, premiums};

/// One entry of the price list.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) id: String,
    pub(super) provider: ProviderKind,
    pub(super) version: String,
    /// As of the day that the list was made.
    pub(super) is_deprecated: bool,
    pub(super) context_window: Option<u64>,
    pub(super) max_output_tokens: Option<u64>,
    pub(super) rule: Rule,
    /// Newest first.
    pub(super) sheets: Vec<DatedSheet>,
    /// Newest first.
    pub(super) variants: Vec<Variant>,
}

/// Rates that are in force from a day on.
#[derive(Debug)]
pub(super) struct DatedSheet {
    pub(super) from: Option<Timestamp>,
    /// False for what is charged by the hour or by the character.
    pub(super) is_per_token: bool,
    pub(super) web_searches_per_1k: Option<Nanodollars>,
    pub(super) sheet: Sheet,
}

impl Model {
    /// Whether it still answered when the list was made, as far as the list shows: models long gone have no date of
    /// their end, but no limit of their output either.
    pub(super) fn is_current(&self) -> bool {
        !self.is_deprecated
            && self.max_output_tokens.is_some()
            && self.sheets.iter().any(|dated| dated.is_per_token)
    }

    pub(super) fn sheet(&self, at: Timestamp) -> Option<&DatedSheet> {
        self.sheets
            .iter()
            .find(|sheet| sheet.from.is_none_or(|from| from <= at))
            .filter(|sheet| sheet.is_per_token)
    }

    pub(super) fn price(&self, at: Timestamp) -> Option<Price<'_>> {
        let dated = self.sheet(at)?;
        Some(Price {
            version: &self.version,
            sheet: &dated.sheet,
            web_searches_per_1k: dated.web_searches_per_1k,
            variants: &self.variants,
            premiums: premiums(self.provider),
            at,
            share: None,
        })
    }
}

/// The models of one provider, found by any of their names.
#[derive(Debug, Default)]
pub(super) struct Models {
    models: Vec<Model>,
    /// What names stand for, as found out before. Clients choose the names, so it is bounded.
    remembered: RwLock<HashMap<Box<str>, Option<usize>>>,
}

const REMEMBERED_NAMES: usize = 1024;
const LONGEST_REMEMBERED_NAME: usize = 128;

impl Models {
    pub(super) fn push(&mut self, model: Model) {
        self.models.push(model);
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Model> {
        self.models.iter()
    }

    /// All whose rules fit a name, in the list's order.
    pub(super) fn fitting(&self, name: &str) -> impl Iterator<Item = &Model> {
        let name = name.to_ascii_lowercase();
        self.models.iter().filter(move |model| model.rule.matches(&name))
    }

    pub(super) fn find(&self, name: &str) -> Option<&Model> {
        let remembered = self
            .remembered
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .copied();
        let place = remembered.unwrap_or_else(|| self.search_and_remember(name));
        place.and_then(|place| self.models.get(place))
    }

    fn search_and_remember(&self, name: &str) -> Option<usize> {
        // The list is in lower case.
        let place = self.search(&name.to_ascii_lowercase());
        if name.len() <= LONGEST_REMEMBERED_NAME {
            let mut remembered = self.remembered.write().unwrap_or_else(PoisonError::into_inner);
            // Starting over costs each name in use one more search.
            if remembered.len() >= REMEMBERED_NAMES {
                remembered.clear();
            }
            remembered.insert(name.into(), place);
        }
        place
    }

    /// A name that fits two entries fits none: a guess could be wrong.
    fn search(&self, name: &str) -> Option<usize> {
        if let Some(place) = self.models.iter().position(|model| model.id == name) {
            return Some(place);
        }
        let mut fitting = self
            .models
            .iter()
            .enumerate()
            .filter(|(_, model)| model.rule.matches(name));
        match (fitting.next(), fitting.next()) {
            (Some((place, _)), None) => Some(place),
            _ => None,
        }
    }
}
