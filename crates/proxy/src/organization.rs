use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use gateway_domain::{Credential, Fault, OrganizationPart, Timestamp, UpstreamAccount};
use gateway_providers::{
    CostLine, InvalidTarget, OrganizationReports, Provider, ReportPage, ReportQuery, Target,
    UnreadableReport, UsageLine, provider,
};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::timeout;

use crate::Engine;
use crate::upstream::{Way, deepest};

/// Bytes of a page at the most.
const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;
/// Lines of a page at the most: days, models and what belongs to them.
const MOST_LINES: usize = 50_000;
/// A report of a month fits on one page, or on a page for each of its days where a provider wants it so.
const MOST_PAGES: usize = 100;

/// What a provider says of its own that was used, and what it charges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationReport {
    /// What was used.
    pub usage: Vec<UsageLine>,
    /// What it costs; `None` when the provider does not break costs down to what was asked for.
    pub costs: Option<Vec<CostLine>>,
}

/// Which report is wanted, and with what it is asked for.
#[derive(Debug)]
pub struct ReportWish<'a> {
    /// Whose address is asked, by the way that its requests take.
    pub account: &'a UpstreamAccount,
    /// An admin's, which no request is ever sent with.
    pub credential: Credential,
    /// Whose usage.
    pub part: &'a OrganizationPart,
    /// The first day's beginning, in UTC.
    pub from: Timestamp,
    /// The last day's end.
    pub to: Timestamp,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The provider has none.
    #[error("this provider has no reports of an organisation's usage")]
    Unsupported,
    /// The account cannot be asked like this.
    #[error(transparent)]
    Invalid(#[from] InvalidTarget),
    /// The provider refused.
    #[error("the provider refused its report: {}", .fault.reason)]
    Refused {
        /// With which status.
        status: StatusCode,
        /// What that means, without a secret.
        fault: Fault,
    },
    /// No answer came.
    #[error("the provider did not answer: {0}")]
    Unanswered(Cow<'static, str>),
    /// The answer is none.
    #[error(transparent)]
    Unreadable(#[from] UnreadableReport),
}

impl Engine {
    /// Asks the account's provider what was used by its own count, page by page.
    ///
    /// # Errors
    ///
    /// [`ReportError`], which holds no secret.
    pub async fn organization_report(&self, wish: ReportWish<'_>) -> Result<OrganizationReport, ReportError> {
        let provider = provider(wish.account.provider).ok_or(ReportError::Unsupported)?;
        let reports = provider.organization_reports().ok_or(ReportError::Unsupported)?;
        let wait = Duration::from_secs(self.shared().settings.report_timeout_seconds);
        let inquiry = Inquiry {
            engine: self,
            provider,
            reports,
            target: Target::parse(&wish.account.base_url, wish.credential)?,
            way: Way::of(wish.account),
        };
        let query = ReportQuery {
            from: wish.from,
            to: wish.to,
            part: wish.part,
            page: None,
        };
        timeout(wait, inquiry.make(query)).await.unwrap_or_else(|_| {
            let reason = format!("no whole report within {} s", wait.as_secs());
            Err(ReportError::Unanswered(reason.into()))
        })
    }
}

/// One account's provider, being asked.
struct Inquiry<'a> {
    engine: &'a Engine,
    provider: &'static dyn Provider,
    reports: &'static dyn OrganizationReports,
    target: Target,
    way: Way<'a>,
}

impl Inquiry<'_> {
    async fn make(&self, query: ReportQuery<'_>) -> Result<OrganizationReport, ReportError> {
        let usage = self.usage(query).await?;
        let costs = self.costs(query).await?;
        Ok(OrganizationReport { usage, costs })
    }

    async fn usage(&self, query: ReportQuery<'_>) -> Result<Vec<UsageLine>, ReportError> {
        let mut pages = Pages::default();
        while let Some(page) = pages.next_page()? {
            let query = ReportQuery {
                page: page.as_deref(),
                ..query
            };
            let body = self
                .ask(self.reports.usage_request(&self.target, &query)?)
                .await?;
            pages.take_in(self.reports.read_usage(&body)?);
        }
        Ok(pages.lines)
    }

    async fn costs(&self, query: ReportQuery<'_>) -> Result<Option<Vec<CostLine>>, ReportError> {
        let mut pages = Pages::default();
        while let Some(page) = pages.next_page()? {
            let query = ReportQuery {
                page: page.as_deref(),
                ..query
            };
            let Some(request) = self.reports.cost_request(&self.target, &query)? else {
                return Ok(None);
            };
            let body = self.ask(request).await?;
            pages.take_in(self.reports.read_costs(&body, query.part)?);
        }
        Ok(Some(pages.lines))
    }

    async fn ask(&self, request: Request<()>) -> Result<Bytes, ReportError> {
        let request = request.map(|()| Full::<Bytes>::default());
        let answer = self.engine.upstream().send(self.way, request).await;
        let answer = answer.map_err(|error| ReportError::Unanswered(error.to_string().into()))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_PAGE_BYTES)
            .collect()
            .await
            .map_err(|error| ReportError::Unanswered(deepest(error.as_ref()).into()))?
            .to_bytes();
        if memchr::memchr_iter(b'{', &body).count() > MOST_LINES {
            let reason = format!("a page of its report has more than {MOST_LINES} lines");
            return Err(ReportError::Unanswered(reason.into()));
        }
        if head.status.is_success() {
            return Ok(body);
        }
        Err(ReportError::Refused {
            status: head.status,
            fault: self.provider.classify(head.status, &head.headers, &body),
        })
    }
}

/// What came on the pages so far, and which is next.
struct Pages<T> {
    lines: Vec<T>,
    /// `Some(None)` is the first.
    next: Option<Option<String>>,
    asked: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            next: Some(None),
            asked: 0,
        }
    }
}

impl<T> Pages<T> {
    fn next_page(&mut self) -> Result<Option<Option<String>>, ReportError> {
        let next = self.next.take();
        self.asked += 1;
        if next.is_some() && self.asked > MOST_PAGES {
            let reason = format!("its report has more than {MOST_PAGES} pages");
            return Err(ReportError::Unanswered(reason.into()));
        }
        if self.lines.len() > MOST_LINES {
            let reason = format!("its report has more than {MOST_LINES} lines");
            return Err(ReportError::Unanswered(reason.into()));
        }
        Ok(next)
    }

    fn take_in(&mut self, mut page: ReportPage<T>) {
        self.lines.append(&mut page.lines);
        self.next = page.next.map(Some);
    }
}
