use gateway_domain::{AccountId, Nanodollars, ProviderKind, ReportScope, Timestamp, UpstreamAccount};
use serde::Serialize;
use utoipa::ToSchema;

use crate::reconciliation::{Ours, Reconciliation, Row, Theirs};

/// An account's usage by two counts: the gateway's and its provider's.
#[derive(Serialize, ToSchema)]
#[schema(as = Reconciliation)]
pub(crate) struct ReconciliationView {
    #[schema(value_type = Uuid)]
    account_id: AccountId,
    #[schema(value_type = String)]
    provider: ProviderKind,
    /// What the provider's count is about: `organization`, `workspace`, `project` or `api_key`.
    #[schema(value_type = String, pattern = "^(organization|workspace|project|api_key)$")]
    scope: &'static str,
    /// When the first day begins, in UTC.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// When the last day ends.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// By day and model.
    data: Vec<RowView>,
    totals: SumsView,
}

/// Both counts of a day and a model.
#[derive(Serialize, ToSchema)]
#[schema(as = ReconciledDay)]
struct RowView {
    /// When the day begins, in UTC.
    #[schema(value_type = String, format = DateTime)]
    day: Timestamp,
    /// The provider's name for it; `null` for costs that are no model's.
    model: Option<String>,
    ours: OursView,
    /// `null` when the provider lists nothing for this day and model.
    theirs: Option<TheirsView>,
    drift: DriftView,
}

/// Both counts of everything.
#[derive(Serialize, ToSchema)]
#[schema(as = ReconciledTotals)]
struct SumsView {
    ours: OursView,
    theirs: TheirsView,
    drift: DriftView,
}

/// What was recorded here.
#[derive(Serialize, ToSchema)]
#[schema(as = OurUsage)]
struct OursView {
    /// Attempts that the provider answered with a success.
    requests: u64,
    /// Of these, those for which it did not tell its final numbers, as when a stream broke.
    unreported_requests: u64,
    /// Attempts whose price was not known.
    unpriced_requests: u64,
    input_tokens: u64,
    cache_read_tokens: u64,
    cache_write_5m_tokens: u64,
    cache_write_1h_tokens: u64,
    output_tokens: u64,
    web_searches: u64,
    /// What it cost, as far as prices were known.
    #[schema(value_type = f64)]
    cost_usd: Nanodollars,
}

/// What the provider counted; `null` for what it does not say.
#[derive(Serialize, ToSchema)]
#[schema(as = TheirUsage)]
struct TheirsView {
    requests: Option<u64>,
    input_tokens: Option<u64>,
    cache_read_tokens: Option<u64>,
    cache_write_5m_tokens: Option<u64>,
    cache_write_1h_tokens: Option<u64>,
    output_tokens: Option<u64>,
    web_searches: Option<u64>,
    #[schema(value_type = Option<f64>)]
    cost_usd: Option<Nanodollars>,
}

/// Theirs less ours: above zero is what was used and not recorded. `null` where the provider does not say.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageDrift)]
struct DriftView {
    requests: Option<i64>,
    input_tokens: Option<i64>,
    cache_read_tokens: Option<i64>,
    cache_write_5m_tokens: Option<i64>,
    cache_write_1h_tokens: Option<i64>,
    output_tokens: Option<i64>,
    web_searches: Option<i64>,
    #[schema(value_type = Option<f64>)]
    cost_usd: Option<Nanodollars>,
    /// Of what the provider charges, to four decimals; `null` if that is nothing.
    cost_percent: Option<f64>,
}

impl ReconciliationView {
    pub(crate) fn new(
        account: &UpstreamAccount,
        scope: ReportScope,
        (from, to): (Timestamp, Timestamp),
        reconciliation: Reconciliation,
    ) -> Self {
        let Reconciliation {
            rows,
            ours,
            theirs,
            nothing,
        } = reconciliation;
        Self {
            account_id: account.id,
            provider: account.provider,
            scope: scope.as_str(),
            from,
            to,
            data: rows.into_iter().map(|row| RowView::new(row, &nothing)).collect(),
            totals: SumsView {
                drift: DriftView::between(&ours, &theirs),
                ours: ours.into(),
                theirs: theirs.into(),
            },
        }
    }
}

impl RowView {
    fn new(row: Row, nothing: &Theirs) -> Self {
        Self {
            day: row.day,
            model: row.model,
            drift: DriftView::between(&row.ours, row.theirs.as_ref().unwrap_or(nothing)),
            ours: row.ours.into(),
            theirs: row.theirs.map(TheirsView::from),
        }
    }
}

impl From<Ours> for OursView {
    fn from(ours: Ours) -> Self {
        Self {
            requests: ours.requests,
            unreported_requests: ours.unreported_requests,
            unpriced_requests: ours.unpriced_requests,
            input_tokens: ours.tokens.input,
            cache_read_tokens: ours.tokens.cache_read,
            cache_write_5m_tokens: ours.tokens.cache_write_5m,
            cache_write_1h_tokens: ours.tokens.cache_write_1h,
            output_tokens: ours.tokens.output,
            web_searches: ours.web_searches,
            cost_usd: ours.cost,
        }
    }
}

impl From<Theirs> for TheirsView {
    fn from(theirs: Theirs) -> Self {
        let tokens = theirs.tokens;
        Self {
            requests: theirs.requests,
            input_tokens: tokens.map(|tokens| tokens.input),
            cache_read_tokens: tokens.map(|tokens| tokens.cache_read),
            cache_write_5m_tokens: tokens.map(|tokens| tokens.cache_write_5m),
            cache_write_1h_tokens: tokens.map(|tokens| tokens.cache_write_1h),
            output_tokens: tokens.map(|tokens| tokens.output),
            web_searches: theirs.web_searches,
            cost_usd: theirs.cost,
        }
    }
}

impl DriftView {
    fn between(ours: &Ours, theirs: &Theirs) -> Self {
        let (own, tokens) = (&ours.tokens, theirs.tokens);
        let cost_usd = theirs.cost.map(|cost| cost - ours.cost);
        Self {
            requests: theirs.requests.map(|count| less(count, ours.requests)),
            input_tokens: tokens.map(|tokens| less(tokens.input, own.input)),
            cache_read_tokens: tokens.map(|tokens| less(tokens.cache_read, own.cache_read)),
            cache_write_5m_tokens: tokens.map(|tokens| less(tokens.cache_write_5m, own.cache_write_5m)),
            cache_write_1h_tokens: tokens.map(|tokens| less(tokens.cache_write_1h, own.cache_write_1h)),
            output_tokens: tokens.map(|tokens| less(tokens.output, own.output)),
            web_searches: theirs.web_searches.map(|count| less(count, ours.web_searches)),
            cost_usd,
            cost_percent: percent(cost_usd, theirs.cost),
        }
    }
}

fn less(theirs: u64, ours: u64) -> i64 {
    let difference = i128::from(theirs) - i128::from(ours);
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

fn percent(drift: Option<Nanodollars>, of: Option<Nanodollars>) -> Option<f64> {
    let (drift, of) = (drift?.as_nanos(), of?.as_nanos());
    (of != 0).then(|| (drift as f64 / of as f64 * 1_000_000.0).round() / 10_000.0)
}
