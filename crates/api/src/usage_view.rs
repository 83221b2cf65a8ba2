use gateway_domain::{
    AccountId, ApiKeyId, AttemptId, Nanodollars, RequestId, Timestamp, TokenCounts, UserId,
};
use gateway_proxy::reason_for_members;
use gateway_store::{Group, Point, RecordedAttempt, RecordedRequest, Slice, Summary, Totals};
use serde::Serialize;
use utoipa::ToSchema;

use crate::decision_view::DecisionView;
use crate::health::milliseconds;

/// Tokens by what they cost. The first five do not overlap; `reasoning_tokens` is a part of `output_tokens`.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub(crate) struct TokensView {
    /// Input that was neither read from nor written to a prompt cache.
    pub(crate) input_tokens: u64,
    pub(crate) cache_read_tokens: u64,
    pub(crate) cache_write_5m_tokens: u64,
    pub(crate) cache_write_1h_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) reasoning_tokens: u64,
}

impl From<TokenCounts> for TokensView {
    fn from(tokens: TokenCounts) -> Self {
        Self {
            input_tokens: tokens.input,
            cache_read_tokens: tokens.cache_read,
            cache_write_5m_tokens: tokens.cache_write_5m,
            cache_write_1h_tokens: tokens.cache_write_1h,
            output_tokens: tokens.output,
            reasoning_tokens: tokens.reasoning,
        }
    }
}

/// Usage added up. Counts, tokens and cost are exact, the percentiles within 1.6 %.
#[derive(Serialize, ToSchema)]
#[schema(as = Totals)]
pub(crate) struct TotalsView {
    requests: u64,
    /// Those that ended in an error or were interrupted.
    errors: u64,
    #[serde(flatten)]
    tokens: TokensView,
    /// Those of which an attempt used something that had no price: where there are any, `cost_usd` is a lower bound.
    unpriced_requests: u64,
    /// What it cost, as far as prices were known; `null` if something was used and no price was known of any of it.
    #[schema(value_type = Option<f64>)]
    cost_usd: Option<Nanodollars>,
    latency_ms_p50: Option<f64>,
    latency_ms_p95: Option<f64>,
    ttft_ms_p50: Option<f64>,
    ttft_ms_p95: Option<f64>,
}

impl From<Totals> for TotalsView {
    fn from(totals: Totals) -> Self {
        Self {
            requests: totals.requests,
            errors: totals.errors,
            tokens: totals.tokens.into(),
            unpriced_requests: totals.unpriced_requests,
            cost_usd: totals.cost,
            latency_ms_p50: totals.latency_p50.map(milliseconds),
            latency_ms_p95: totals.latency_p95.map(milliseconds),
            ttft_ms_p50: totals.ttft_p50.map(milliseconds),
            ttft_ms_p95: totals.ttft_p95.map(milliseconds),
        }
    }
}

/// What the usage of a row has in common: one of these.
#[derive(Serialize, ToSchema, Default)]
#[schema(as = Group)]
pub(crate) struct GroupView {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    key_id: Option<ApiKeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    account_id: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// When the day began, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    day: Option<Timestamp>,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        let none = Self::default();
        match group {
            Group::Model(model) => Self {
                model: Some(model),
                ..none
            },
            Group::Key(id) => Self {
                key_id: Some(id),
                ..none
            },
            Group::User(id) => Self {
                user_id: Some(id),
                ..none
            },
            Group::Account(id) => Self {
                account_id: Some(id),
                ..none
            },
            Group::Provider(provider) => Self {
                provider: Some(provider),
                ..none
            },
            Group::Day(day) => Self {
                day: Some(day),
                ..none
            },
        }
    }
}

/// Usage added up by group and as a whole.
#[derive(Serialize, ToSchema)]
#[schema(as = Summary)]
pub(crate) struct SummaryView {
    data: Vec<GroupTotals>,
    totals: TotalsView,
}

/// The usage of one group.
#[derive(Serialize, ToSchema)]
struct GroupTotals {
    group: GroupView,
    #[serde(flatten)]
    totals: TotalsView,
}

impl From<Summary> for SummaryView {
    fn from(summary: Summary) -> Self {
        let groups = summary.groups.into_iter();
        let data = groups.map(|(group, totals)| GroupTotals {
            group: group.into(),
            totals: totals.into(),
        });
        Self {
            data: data.collect(),
            totals: summary.totals.into(),
        }
    }
}

/// Usage step by step.
#[derive(Serialize, ToSchema)]
#[schema(as = Timeseries)]
pub(crate) struct SeriesView {
    /// How long a step is: `minute`, `hour` or `day`.
    #[schema(value_type = String)]
    pub(crate) bucket: &'static str,
    pub(crate) data: Vec<PointView>,
}

/// One step.
#[derive(Serialize, ToSchema)]
#[schema(as = Point)]
pub(crate) struct PointView {
    /// When it begins.
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// `null` without `group_by`.
    group: Option<GroupView>,
    #[serde(flatten)]
    totals: TotalsView,
}

impl From<Point> for PointView {
    fn from(point: Point) -> Self {
        Self {
            time: point.time,
            group: point.group.map(GroupView::from),
            totals: point.totals.into(),
        }
    }
}

/// A request as it was recorded.
#[derive(Serialize, ToSchema)]
#[schema(as = Request)]
pub(crate) struct RequestView {
    #[schema(value_type = Uuid)]
    id: RequestId,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Uuid)]
    user_id: UserId,
    #[schema(value_type = Uuid)]
    key_id: ApiKeyId,
    dialect: String,
    /// The one asked for.
    model: String,
    stream: bool,
    /// `ok`, `error`, `cancelled` by the client, or `interrupted` by a fault or crash.
    #[schema(value_type = String)]
    status: &'static str,
    http_status: Option<u16>,
    fault: Option<String>,
    /// How many accounts were tried.
    attempts_count: u32,
    #[serde(flatten)]
    tokens: TokensView,
    #[schema(value_type = Option<f64>)]
    cost_usd: Option<Nanodollars>,
    latency_ms: f64,
    ttft_ms: Option<f64>,
    /// How much of the time it waited for a place at an account.
    queued_ms: f64,
}

impl From<RecordedRequest> for RequestView {
    fn from(request: RecordedRequest) -> Self {
        Self {
            id: request.id,
            started_at: request.started_at,
            user_id: request.user_id,
            key_id: request.key_id,
            dialect: request.dialect,
            model: request.model,
            stream: request.stream,
            status: request.status.as_str(),
            http_status: request.http_status,
            fault: request.fault,
            attempts_count: request.attempts,
            tokens: request.tokens.into(),
            cost_usd: request.cost,
            latency_ms: milliseconds(request.latency),
            ttft_ms: request.ttft.map(milliseconds),
            queued_ms: milliseconds(request.queued),
        }
    }
}

/// A page of requests.
#[derive(Serialize, ToSchema)]
pub(crate) struct RequestPage {
    data: Vec<RequestView>,
    /// Gets the next page; `null` on the last.
    next_cursor: Option<String>,
}

impl From<Slice<RecordedRequest>> for RequestPage {
    fn from(slice: Slice<RecordedRequest>) -> Self {
        let data = slice.items.into_iter().map(RequestView::from).collect();
        Self {
            data,
            next_cursor: slice.next.map(|cursor| cursor.to_string()),
        }
    }
}

/// A request with everything that was done to answer it.
#[derive(Serialize, ToSchema)]
pub(crate) struct RequestDetail {
    #[serde(flatten)]
    request: RequestView,
    attempts: Vec<AttemptView>,
    /// The accounts that were not tried, and why.
    passed_over: Vec<PassedOverView>,
    /// How the accounts were weighed for the first attempt; `null` if the request was refused before.
    decision: Option<DecisionView>,
}

impl RequestDetail {
    /// The same without what it tells of the accounts' addresses.
    pub(crate) fn for_members(mut detail: gateway_store::RequestDetail) -> Self {
        let attempts = detail
            .attempts
            .iter_mut()
            .map(|attempt| &mut attempt.fault_reason);
        let considered = detail
            .decision
            .iter_mut()
            .flat_map(|decision| &mut decision.considered);
        for reason in attempts
            .chain(considered.map(|considered| &mut considered.reason))
            .flatten()
        {
            let shown = reason_for_members(reason).len();
            reason.truncate(shown);
        }
        detail.into()
    }
}

/// An account that was not tried.
#[derive(Serialize, ToSchema)]
#[schema(as = PassedOver)]
struct PassedOverView {
    #[schema(value_type = Uuid)]
    account_id: AccountId,
    reason: String,
}

/// One try of a request at one account.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
struct AttemptView {
    #[schema(value_type = Uuid)]
    id: AttemptId,
    /// Its place among the tries, from 1.
    number: u16,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Uuid)]
    account_id: AccountId,
    provider: String,
    /// The provider's name for the model.
    upstream_model: String,
    #[schema(value_type = String)]
    status: &'static str,
    http_status: Option<u16>,
    fault: Option<String>,
    fault_reason: Option<String>,
    #[serde(flatten)]
    tokens: TokensView,
    web_searches: u64,
    /// What the answer names: how it was served, how fast, and where.
    service_tier: Option<String>,
    speed: Option<String>,
    inference_geo: Option<String>,
    /// How far the counts can be trusted: `reported`, `partial`, `estimated` or `missing`.
    usage_source: String,
    #[schema(value_type = Option<f64>)]
    cost_usd: Option<Nanodollars>,
    price_version: Option<String>,
    latency_ms: f64,
    ttft_ms: Option<f64>,
    upstream_request_id: Option<String>,
    upstream_message_id: Option<String>,
}

impl From<RecordedAttempt> for AttemptView {
    fn from(attempt: RecordedAttempt) -> Self {
        Self {
            id: attempt.id,
            number: attempt.number,
            started_at: attempt.started_at,
            account_id: attempt.account_id,
            provider: attempt.provider,
            upstream_model: attempt.upstream_model,
            status: attempt.status.as_str(),
            http_status: attempt.http_status,
            fault: attempt.fault,
            fault_reason: attempt.fault_reason,
            tokens: attempt.usage.tokens.into(),
            web_searches: attempt.usage.web_searches,
            service_tier: attempt.usage.service_tier,
            speed: attempt.usage.speed,
            inference_geo: attempt.usage.inference_geo,
            usage_source: attempt.usage_source,
            cost_usd: attempt.cost,
            price_version: attempt.price_version,
            latency_ms: milliseconds(attempt.latency),
            ttft_ms: attempt.ttft.map(milliseconds),
            upstream_request_id: attempt.upstream_request_id,
            upstream_message_id: attempt.upstream_message_id,
        }
    }
}

impl From<gateway_store::RequestDetail> for RequestDetail {
    fn from(detail: gateway_store::RequestDetail) -> Self {
        let is_tried = |id: AccountId| detail.attempts.iter().any(|attempt| attempt.account_id == id);
        let considered = detail.decision.iter().flat_map(|decision| &decision.considered);
        let passed_over = considered
            .filter(|considered| !is_tried(considered.account_id))
            .filter_map(|considered| {
                Some(PassedOverView {
                    account_id: considered.account_id,
                    reason: considered.reason.clone()?,
                })
            })
            .collect();
        Self {
            request: detail.request.into(),
            attempts: detail.attempts.into_iter().map(AttemptView::from).collect(),
            passed_over,
            decision: detail.decision.map(DecisionView::from),
        }
    }
}
