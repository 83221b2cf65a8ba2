use gateway_balancing::Decision;
use gateway_metering::Considered;

/// The decision in the ledger's words.
pub(crate) fn recorded(decision: &Decision) -> gateway_metering::Decision {
    let considered = decision.considered.iter();
    gateway_metering::Decision {
        strategy: decision.strategy.into(),
        considered: considered
            .map(|considered| Considered {
                account_id: considered.account_id,
                is_picked: considered.is_picked,
                reason: considered.reason.clone(),
                score: considered.score,
                parts: considered
                    .parts
                    .iter()
                    .map(|(name, value)| ((*name).into(), *value))
                    .collect(),
            })
            .collect(),
    }
}
