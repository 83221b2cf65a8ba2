use actix_web::{HttpRequest, HttpResponse};
use gateway_auth::Caller;
use gateway_domain::{AccountId, ApiKeyId, ProviderKind, RequestId, Timestamp, UserId};
use gateway_metering::Outcome;
use gateway_store::{Bucket, Cursor, GroupBy, UsageFilter};

use crate::app::{self, App};
use crate::error::Problem;
use crate::face::Envelope;
use crate::path::Id;
use crate::policy::Member;
use crate::query::{Query, page_size, query};
use crate::usage_export::{self, Format};
use crate::usage_view::{PointView, RequestDetail, RequestPage, SeriesView, SummaryView};

/// Declares the parameters of one report: those that every report takes, and its own.
macro_rules! report {
    ($(#[$meta:meta])* struct $name:ident { $($(#[$own_meta:meta])* $own:ident: $type:ty,)* }) => {
        query! {
            $(#[$meta])*
            struct $name {
                /// The first moment; 24 hours before `to` when left out.
                #[param(value_type = Option<String>, format = DateTime)]
                from: Timestamp,
                /// The first moment after; up to now when left out.
                #[param(value_type = Option<String>, format = DateTime)]
                to: Timestamp,
                /// Only this user's; a member never sees others'.
                #[param(value_type = Option<Uuid>)]
                user_id: UserId,
                /// Only this key's.
                #[param(value_type = Option<Uuid>)]
                key_id: ApiKeyId,
                /// Only what was tried at this account.
                #[param(value_type = Option<Uuid>)]
                account_id: AccountId,
                /// Only what was tried at this provider: `anthropic`, `gemini` or `openai`.
                #[param(value_type = Option<String>, pattern = "^(anthropic|gemini|openai)$")]
                provider: ProviderKind,
                /// Only what asked for this model.
                model: String,
                $($(#[$own_meta])* $own: $type,)*
            }
        }

        impl $name {
            fn filter(&self, app: &App, caller: &Caller) -> Result<UsageFilter, Problem> {
                let (from, to) = between(self.from, self.to, app.clock.now())?;
                Ok(UsageFilter {
                    user_id: self.user_id,
                    key_id: self.key_id,
                    account_id: self.account_id,
                    provider: self.provider,
                    model: self.model.clone(),
                    ..UsageFilter::between(caller.scope(), from, to)
                })
            }
        }
    };
}

report! {
    /// What a summary is about.
    struct SummaryQuery {
        /// `model`, `key`, `user`, `account`, `provider` or `day`; no groups when left out.
        #[param(value_type = Option<String>, pattern = "^(model|key|user|account|provider|day)$")]
        group_by: GroupBy,
    }
}

report! {
    /// What a time series is about.
    struct SeriesQuery {
        /// `minute`, `hour` or `day`; `hour` when left out.
        #[param(value_type = Option<String>, pattern = "^(minute|hour|day)$")]
        bucket: Bucket,
        /// `model`, `key`, `user`, `account` or `provider`; one line when left out.
        #[param(value_type = Option<String>, pattern = "^(model|key|user|account|provider)$")]
        group_by: GroupBy,
    }
}

report! {
    /// Which requests are wanted.
    struct RequestsQuery {
        /// `ok`, `error`, `cancelled` or `interrupted`.
        #[param(value_type = Option<String>, pattern = "^(ok|error|cancelled|interrupted)$")]
        status: Outcome,
        /// The `next_cursor` of the page before.
        #[param(value_type = Option<String>)]
        cursor: Cursor,
        /// 1 to 100, 20 when left out.
        #[param(minimum = 1, maximum = 100)]
        page_size: u32,
    }
}

report! {
    /// Which rows are wanted, and how.
    struct ExportQuery {
        /// `csv` or `jsonl`; `csv` when left out.
        #[param(value_type = Option<String>, pattern = "^(csv|jsonl)$")]
        format: Format,
    }
}

fn between(
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), Problem> {
    const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
    let from = from.or_else(|| to.map(|to| to - DAY)).unwrap_or(now - DAY);
    // What begins at this very moment counts too.
    let to = to.unwrap_or(now + std::time::Duration::from_micros(1));
    if from < to {
        Ok((from, to))
    } else {
        Err(Problem::parameter("from", "expected a time before `to`"))
    }
}

/// What was used, added up.
#[utoipa::path(get, path = "/api/usage/summary", tag = "usage", params(SummaryQuery), security(("session" = [])), responses(
    (status = 200, description = "The sums", body = SummaryView),
    (status = 400, description = "A parameter is wrong", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn summary(
    Member(caller): Member,
    request: HttpRequest,
    Query(query): Query<SummaryQuery>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let summary = app
        .store
        .summary(query.filter(app, &caller)?, query.group_by)
        .await?;
    Ok(HttpResponse::Ok().json(SummaryView::from(summary)))
}

/// What was used, step by step; steps without usage are zeros.
#[utoipa::path(get, path = "/api/usage/timeseries", tag = "usage", params(SeriesQuery), security(("session" = [])), responses(
    (status = 200, description = "The steps", body = SeriesView),
    (status = 400, description = "A parameter is wrong, or there would be too many steps", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn timeseries(
    Member(caller): Member,
    request: HttpRequest,
    Query(query): Query<SeriesQuery>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let bucket = query.bucket.unwrap_or(Bucket::Hour);
    if query.group_by == Some(GroupBy::Day) {
        return Err(Problem::parameter(
            "group_by",
            "a time series is not grouped by day; ask for that bucket",
        ));
    }
    let points = app
        .store
        .timeseries(query.filter(app, &caller)?, bucket, query.group_by)
        .await?;
    let data = points.into_iter().map(PointView::from).collect();
    Ok(HttpResponse::Ok().json(SeriesView {
        bucket: bucket.as_str(),
        data,
    }))
}

/// The requests, newest first.
#[utoipa::path(get, path = "/api/usage/requests", tag = "usage", params(RequestsQuery), security(("session" = [])), responses(
    (status = 200, description = "A page of requests", body = RequestPage),
    (status = 400, description = "A parameter is wrong", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn requests(
    Member(caller): Member,
    request: HttpRequest,
    Query(query): Query<RequestsQuery>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let size = page_size(query.page_size)?;
    let filter = query.filter(app, &caller)?;
    let page = app
        .store
        .list_requests(filter, query.status, query.cursor, size)
        .await?;
    Ok(HttpResponse::Ok().json(RequestPage::from(page)))
}

/// One request, with its attempts and why accounts were not chosen.
#[utoipa::path(get, path = "/api/usage/requests/{id}", tag = "usage", params(("id" = Uuid, Path)), security(("session" = [])), responses(
    (status = 200, description = "The request", body = RequestDetail),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 404, description = "No such request, or not yours", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn request(
    Member(caller): Member,
    request: HttpRequest,
    Id(id): Id<RequestId>,
) -> Result<HttpResponse, Problem> {
    let found = app::of(&request).store.find_request(caller.scope(), id).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(if caller.is_admin() {
        RequestDetail::from(found)
    } else {
        RequestDetail::for_members(found)
    }))
}

/// Every attempt as a row, oldest first, streamed.
#[utoipa::path(get, path = "/api/usage/export", tag = "usage", params(ExportQuery), security(("session" = [])), responses(
    (status = 200, description = "The rows", content((String = "text/csv"), (String = "application/jsonl"))),
    (status = 400, description = "A parameter is wrong", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn export(
    Member(caller): Member,
    request: HttpRequest,
    Query(query): Query<ExportQuery>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let filter = query.filter(app, &caller)?;
    usage_export::answer(app, filter, query.format.unwrap_or(Format::Csv)).await
}

#[cfg(test)]
mod tests {
    use gateway_domain::Timestamp;

    use super::between;

    #[test]
    fn a_report_is_about_the_last_day_unless_told_otherwise() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = time("2026-03-02T12:00:00Z");
        assert_eq!(
            between(None, None, now).unwrap(),
            (time("2026-03-01T12:00:00Z"), time("2026-03-02T12:00:00.000001Z"))
        );
        let (from, to) = (time("2026-01-01T00:00:00Z"), time("2026-02-01T00:00:00Z"));
        assert_eq!(between(Some(from), Some(to), now).unwrap(), (from, to));
        assert_eq!(
            between(None, Some(to), now).unwrap(),
            (time("2026-01-31T00:00:00Z"), to)
        );
        assert!(between(Some(to), Some(from), now).is_err());
        assert!(between(Some(now), Some(now), now).is_err());
    }
}
