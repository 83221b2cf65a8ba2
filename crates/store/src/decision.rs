use std::borrow::Cow;
use std::collections::BTreeMap;

use gateway_domain::AccountId;
use gateway_metering::{Considered, Decision};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::types::without_nul;

/// How a decision is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct DecisionDoc<'a> {
    /// Empty in what was recorded before strategies were.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    strategy: Cow<'a, str>,
    #[serde(default)]
    considered: Vec<ConsideredDoc<'a>>,
}

#[derive(Serialize, Deserialize)]
struct ConsideredDoc<'a> {
    account_id: Uuid,
    #[serde(default, rename = "picked", skip_serializing_if = "std::ops::Not::not")]
    is_picked: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    // By name, since `jsonb` keeps no order of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    parts: BTreeMap<Cow<'a, str>, f64>,
}

impl<'a> From<&'a Decision> for DecisionDoc<'a> {
    fn from(decision: &'a Decision) -> Self {
        Self {
            strategy: text(&decision.strategy),
            considered: decision.considered.iter().map(ConsideredDoc::from).collect(),
        }
    }
}

impl<'a> From<&'a Considered> for ConsideredDoc<'a> {
    fn from(considered: &'a Considered) -> Self {
        let parts = considered.parts.iter().filter(|(_, number)| is_storable(*number));
        Self {
            account_id: considered.account_id.as_uuid(),
            is_picked: considered.is_picked,
            reason: considered.reason.as_deref().map(text),
            score: considered.score.filter(|score| is_storable(*score)),
            parts: parts.map(|(name, number)| (text(name), *number)).collect(),
        }
    }
}

impl From<DecisionDoc<'_>> for Decision {
    fn from(doc: DecisionDoc<'_>) -> Self {
        Self {
            strategy: owned(doc.strategy),
            considered: doc.considered.into_iter().map(Considered::from).collect(),
        }
    }
}

impl From<ConsideredDoc<'_>> for Considered {
    fn from(doc: ConsideredDoc<'_>) -> Self {
        Self {
            account_id: AccountId::from_uuid(doc.account_id),
            is_picked: doc.is_picked,
            reason: doc.reason.map(Cow::into_owned),
            score: doc.score,
            parts: doc
                .parts
                .into_iter()
                .map(|(name, number)| (owned(name), number))
                .collect(),
        }
    }
}

/// Whether a number is read as it was written.
///
/// JSON has neither infinity nor NaN, and numbers near the largest, which `jsonb` gives back with all their digits, are
/// more than the parser takes.
fn is_storable(number: f64) -> bool {
    number.abs() <= f64::from(f32::MAX)
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(without_nul(text))
    } else {
        Cow::Borrowed(text)
    }
}
