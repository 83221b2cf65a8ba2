//! What a request costs, and who pays for it.

use gateway_domain::{Spender, UsageSource};
use gateway_metering::{AttemptRecord, Outcome, RequestRecord, UnpricedModel};

use crate::{Admitted, Shared};

/// Books the prompt of an attempt that ended before anything was said of usage: the provider had it by then, and may charge
/// for it.
pub(crate) fn estimate_input(attempt: &mut AttemptRecord, input_tokens: u64) {
    if attempt.usage_source == UsageSource::Missing && attempt.http_status.is_none_or(|status| status < 300) {
        attempt.usage.tokens.input = input_tokens;
        attempt.usage_source = UsageSource::Estimated;
    }
}

impl Shared {
    /// Charges limits and budgets of the request's key and user.
    pub(crate) fn charge(&self, record: &RequestRecord, admitted: &mut Admitted) {
        if let Some(cost) = record.cost() {
            for spender in [Spender::Key(record.key_id), Spender::User(record.user_id)] {
                self.spend.add(spender, record.started_at, cost);
            }
        }
        admitted.settle(&record.tokens());
        self.budget_is_freed();
    }

    /// The same for the account of one attempt.
    pub(crate) fn charge_account(&self, attempt: &AttemptRecord, mut admitted: Admitted) {
        if let Some(cost) = attempt.cost {
            self.spend
                .add(Spender::Account(attempt.account_id), attempt.started_at, cost);
        }
        admitted.settle(&attempt.usage.tokens);
    }

    /// Puts the price of the attempt's usage into its record.
    pub(crate) fn price(&self, attempt: &mut AttemptRecord) {
        if attempt.usage_source == UsageSource::Missing {
            if attempt.status == Outcome::Ok {
                self.metrics.usage_missing();
                tracing::warn!(account_id = %attempt.account_id, model = %attempt.upstream_model, "an answer named no usage");
            }
            return;
        }
        if let Err(UnpricedModel { model }) = self.find_price(attempt) {
            self.metrics.model_unpriced();
            if self.unpriced_models.is_news(&model, self.clock.monotonic()) {
                tracing::warn!(
                    %model,
                    provider = attempt.provider.as_str(),
                    "no price is known for this model; its cost is left open"
                );
            }
        }
    }

    /// Fails if there is none.
    pub(crate) fn find_price(&self, attempt: &mut AttemptRecord) -> Result<(), UnpricedModel> {
        let charge = self.prices.current().charge(
            attempt.account_id,
            attempt.provider,
            &attempt.upstream_model,
            attempt.started_at,
            &attempt.usage,
        )?;
        attempt.cost = Some(charge.cost);
        attempt.price_version = Some(charge.price_version);
        Ok(())
    }
}
