use gateway_domain::{Nanodollars, Spender, Timestamp};
use serde::Serialize;

use crate::{AccountState, Alert, BudgetThreshold};

/// The form that Standard Webhooks recommends: what happened, when, and the particulars.
#[derive(Serialize)]
struct Payload<'a> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: Particulars<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Particulars<'a> {
    Budget(BudgetParticulars<'a>),
    Account(AccountParticulars<'a>),
    Test { message: &'static str },
}

#[derive(Serialize)]
struct BudgetParticulars<'a> {
    subject: SubjectParticulars,
    name: &'a str,
    percent: u8,
    spent_usd: Nanodollars,
    amount_usd: Nanodollars,
    period: &'static str,
    period_start: Option<Timestamp>,
    period_end: Option<Timestamp>,
}

#[derive(Serialize)]
struct SubjectParticulars {
    r#type: &'static str,
    id: String,
}

#[derive(Serialize)]
struct AccountParticulars<'a> {
    account_id: String,
    name: &'a str,
    provider: &'static str,
    status: &'a str,
    reason: Option<&'a str>,
    until: Option<Timestamp>,
}

pub(crate) fn write(alert: &Alert, timestamp: Timestamp) -> String {
    let data = match alert {
        Alert::BudgetThreshold(threshold) => Particulars::Budget(threshold.into()),
        Alert::AccountOut(state) | Alert::AccountBack(state) => Particulars::Account(state.into()),
        Alert::Test => Particulars::Test {
            message: "alerts of this gateway arrive here",
        },
    };
    let payload = Payload {
        r#type: alert.kind().as_str(),
        timestamp,
        data,
    };
    serde_json::to_string(&payload).expect("nothing in it can fail to be written")
}

impl<'a> From<&'a BudgetThreshold> for BudgetParticulars<'a> {
    fn from(threshold: &'a BudgetThreshold) -> Self {
        Self {
            subject: threshold.subject.into(),
            name: &threshold.name,
            percent: threshold.percent,
            spent_usd: threshold.spent,
            amount_usd: threshold.amount,
            period: threshold.period.as_str(),
            period_start: threshold.period_start,
            period_end: threshold.period_end,
        }
    }
}

impl From<Spender> for SubjectParticulars {
    fn from(subject: Spender) -> Self {
        Self {
            r#type: subject.kind(),
            id: subject.id().to_string(),
        }
    }
}

impl<'a> From<&'a AccountState> for AccountParticulars<'a> {
    fn from(state: &'a AccountState) -> Self {
        Self {
            account_id: state.account_id.to_string(),
            name: &state.name,
            provider: state.provider.as_str(),
            status: &state.status,
            reason: state.reason.as_deref(),
            until: state.until,
        }
    }
}
