use std::borrow::Cow;

use gateway_domain::{Nanodollars, OrganizationPart, Timestamp, TokenCounts};
use http::Request;
use serde::Deserialize;

use crate::{InvalidTarget, Target};

/// Days that a report has at the most: as many as every provider puts on one page.
pub const MOST_REPORT_DAYS: usize = 31;

/// How a provider tells what an organisation used and owes, by its own count.
///
/// All reports are by whole days in UTC and by model. Everything here is a pure function, as in
/// [`Provider`](crate::Provider).
pub trait OrganizationReports: Send + Sync {
    /// The request for a page of what was used; `target` has an admin's credential.
    ///
    /// # Errors
    ///
    /// [`InvalidTarget::Query`] when the ids of the part or the page cannot stand in a request.
    fn usage_request(&self, target: &Target, wanted: &ReportQuery<'_>) -> Result<Request<()>, InvalidTarget>;

    /// The request for a page of what it costs; `None` when the provider does not break costs down so far.
    ///
    /// # Errors
    ///
    /// As [`usage_request`](Self::usage_request).
    fn cost_request(
        &self,
        target: &Target,
        wanted: &ReportQuery<'_>,
    ) -> Result<Option<Request<()>>, InvalidTarget>;

    /// Reads a page of what was used.
    ///
    /// # Errors
    ///
    /// [`UnreadableReport`] if it is none. Fields that are not known, and those that are `null`, are no error.
    fn read_usage(&self, body: &[u8]) -> Result<ReportPage<UsageLine>, UnreadableReport>;

    /// Reads a page of what it costs, of `part` only.
    ///
    /// # Errors
    ///
    /// [`UnreadableReport`] if it is none, or has amounts that are not US dollars or cannot be kept.
    fn read_costs(
        &self,
        body: &[u8],
        part: &OrganizationPart,
    ) -> Result<ReportPage<CostLine>, UnreadableReport>;
}

/// Which report is wanted.
#[derive(Debug, Clone, Copy)]
pub struct ReportQuery<'a> {
    /// The first day's beginning, in UTC.
    pub from: Timestamp,
    /// The last day's end; at most [`MOST_REPORT_DAYS`] days later.
    pub to: Timestamp,
    /// Whose usage.
    pub part: &'a OrganizationPart,
    /// The page, as the one before it named it; `None` for the first.
    pub page: Option<&'a str>,
}

/// A page of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPage<T> {
    /// What it says. Several lines may be about one day and model.
    pub lines: Vec<T>,
    /// What the next page is called, if there is one.
    pub next: Option<String>,
}

/// What the provider counted for a day and a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLine {
    /// When the day begins, in UTC.
    pub day: Timestamp,
    /// The model; `None` if the report does not say.
    pub model: Option<String>,
    /// Tokens by rate, without `reasoning`, which no report has.
    pub tokens: TokenCounts,
    /// Searches of the web; `None` from a provider that reports them elsewhere.
    pub web_searches: Option<u64>,
    /// Requests; `None` from a provider that does not count them.
    pub requests: Option<u64>,
}

/// What the provider charges for a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostLine {
    /// When the day begins, in UTC.
    pub day: Timestamp,
    /// For which model; `None` for what is charged by itself, such as searches of the web.
    pub model: Option<String>,
    /// How much. Providers reckon finer than billionths of a dollar, so it is rounded to the nearest of these.
    pub cost: Nanodollars,
}

/// The answer is not the report that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a usage report as this version knows it: {0}")]
pub struct UnreadableReport(Cow<'static, str>);

impl UnreadableReport {
    pub(crate) fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self(what.into())
    }
}

impl From<serde_json::Error> for UnreadableReport {
    /// Says where and not what: the error's own words quote the answer.
    fn from(error: serde_json::Error) -> Self {
        Self::new(format!(
            "unexpected JSON in line {}, column {}",
            error.line(),
            error.column()
        ))
    }
}

/// A page as both providers frame it.
#[derive(Deserialize)]
pub(crate) struct Framed<B> {
    data: Vec<B>,
    has_more: Option<bool>,
    next_page: Option<String>,
}

impl<B> Framed<B> {
    /// The lines of all buckets.
    pub(crate) fn read<T>(
        self,
        lines: impl Fn(B) -> Result<Vec<T>, UnreadableReport>,
    ) -> Result<ReportPage<T>, UnreadableReport> {
        let next = match (self.has_more, self.next_page) {
            (Some(true), None) => return Err(UnreadableReport::new("there is more, but no next page")),
            (Some(true), next) => next,
            (Some(false) | None, _) => None,
        };
        let mut all = Vec::new();
        for bucket in self.data {
            all.append(&mut lines(bucket)?);
        }
        Ok(ReportPage { lines: all, next })
    }
}

/// The beginning of the day that holds this moment.
pub(crate) fn day_of(time: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400;
    Timestamp::from_seconds(time.as_seconds().div_euclid(DAY) * DAY)
}

/// The model that a report names; an empty name is none.
pub(crate) fn named(model: Option<String>) -> Option<String> {
    model.filter(|name| !name.is_empty())
}
