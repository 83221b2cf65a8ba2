use std::collections::BTreeMap;

use gateway_domain::AccountId;
use gateway_metering::Decision;
use serde::Serialize;
use utoipa::ToSchema;

/// How the accounts were weighed for a request.
#[derive(Serialize, ToSchema)]
#[schema(as = Decision)]
pub(crate) struct DecisionView {
    /// How it was picked; empty where that was not recorded.
    #[schema(example = "smart")]
    strategy: String,
    /// The picked account first, then others that could have served, then those that were passed over; of many the
    /// first few.
    candidates: Vec<ConsideredView>,
}

/// What was thought of one account.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsideredAccount)]
struct ConsideredView {
    #[schema(value_type = Uuid)]
    account_id: AccountId,
    picked: bool,
    /// What the strategy compared, lower being better; `null` for those that were not compared.
    score: Option<f64>,
    /// What the score was made of.
    parts: BTreeMap<String, f64>,
    /// Why it was passed over, or was picked without being compared: for want of a better one, or after a wait; `null` for
    /// those that were compared.
    reason: Option<String>,
}

impl From<Decision> for DecisionView {
    fn from(decision: Decision) -> Self {
        let considered = decision.considered.into_iter();
        Self {
            strategy: decision.strategy.into_owned(),
            candidates: considered
                .map(|considered| ConsideredView {
                    account_id: considered.account_id,
                    picked: considered.is_picked,
                    score: considered.score,
                    parts: considered
                        .parts
                        .into_iter()
                        .map(|(name, value)| (name.into_owned(), value))
                        .collect(),
                    reason: considered.reason,
                })
                .collect(),
        }
    }
}
