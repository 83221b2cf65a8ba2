use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use gateway_auth::Caller;
use gateway_domain::{AccountId, Credential, Timestamp};
use gateway_providers::provider;
use gateway_proxy::{Engine, ReportError, ReportWish};
use gateway_store::AccountRow;
use http::StatusCode;

use crate::accounts::may_change;
use crate::app::{self, App};
use crate::error::{Code, Problem};
use crate::face::Envelope;
use crate::policy::Member;
use crate::query::{Query, query};
use crate::reconcile_view::ReconciliationView;
use crate::reconciliation::Reconciliation;

const DAY: Duration = Duration::from_secs(86_400);
const DAYS: u32 = 7;
const MOST_DAYS: u32 = 31;

query! {
    /// What is compared.
    struct ReconcileQuery {
        /// Whose attempts; needed.
        #[param(value_type = Uuid, required = true)]
        account_id: AccountId,
        /// A moment of the first day in UTC; 7 days before `to` when left out.
        #[param(value_type = Option<String>, format = DateTime)]
        from: Timestamp,
        /// A moment of the last day, or its end; the last midnight when both are left out, else now.
        #[param(value_type = Option<String>, format = DateTime)]
        to: Timestamp,
    }
}

/// Compare what was recorded of an account with what its provider counted and charged, by day and model.
///
/// Needs the account's `admin_credential`.
#[utoipa::path(get, path = "/api/usage/reconcile", tag = "usage", params(ReconcileQuery), security(("session" = [])), responses(
    (status = 200, description = "Ours, theirs, and the drift between them", body = ReconciliationView),
    (status = 400, description = "A parameter is wrong", body = Envelope),
    (status = 401, description = "Not signed in", body = Envelope),
    (status = 403, description = "`password_change_required`", body = Envelope),
    (status = 404, description = "No such account, or not yours", body = Envelope),
    (status = 409, description = "`no_usage_report`: no admin credential, or a provider without reports; `usage_report_refused`: the provider does not let this credential read them", body = Envelope),
    (status = 502, description = "`usage_report_failed`: the provider did not answer, or not with a report", body = Envelope),
    (status = 503, description = "The database is away", body = Envelope),
))]
pub(crate) async fn reconcile(
    Member(caller): Member,
    request: HttpRequest,
    Query(query): Query<ReconcileQuery>,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, Problem> {
    let app = app::of(&request);
    let id = query
        .account_id
        .ok_or_else(|| Problem::parameter("account_id", "this parameter is needed"))?;
    let (from, to) = whole_days(query.from, query.to, app.clock.now())?;
    let row = find(app, &caller, id).await?;
    let credential = admin_credential(app, &row)?;
    let (account, shown) = (&row.account, row.account.admin_credential.clone());
    let part = shown.map(|shown| shown.part).unwrap_or_default();
    let wish = ReportWish {
        account,
        credential,
        part: &part,
        from,
        to,
    };
    let theirs = engine.organization_report(wish).await?;
    let ours = app.store.daily_usage(id, from, to).await?;
    let prices = app.proxy.prices().current();
    let reconciliation = Reconciliation::of(ours, theirs, |model| {
        prices.listed_id(account.provider, model).map(str::to_owned)
    });
    let view = ReconciliationView::new(account, part.scope(), (from, to), reconciliation);
    Ok(HttpResponse::Ok().json(view))
}

/// The account with its credentials, if it is the caller's to change; nobody else learns that it is there.
async fn find(app: &App, caller: &Caller, id: AccountId) -> Result<AccountRow, Problem> {
    let row = app.store.find_account(caller.scope(), id).await?;
    row.filter(|row| may_change(caller, &row.account))
        .ok_or_else(Problem::not_found)
}

fn admin_credential(app: &App, row: &AccountRow) -> Result<Credential, Problem> {
    let has_reports =
        provider(row.account.provider).is_some_and(|provider| provider.organization_reports().is_some());
    if !has_reports {
        return Err(ReportError::Unsupported.into());
    }
    let sealed = row.admin_sealed.as_ref().ok_or_else(|| {
        Problem::new(
            Code::NoUsageReport,
            "the account has no `admin_credential`: give it one that reads the organisation's reports",
        )
    })?;
    app.vault
        .open_admin_credential(row.account.id, sealed)
        .map_err(|error| {
            tracing::error!(account_id = %row.account.id, %error, "an admin credential does not open");
            Problem::new(
                Code::NoUsageReport,
                "the account's `admin_credential` does not open with this master key: enter it anew",
            )
        })
}

/// The days in UTC that hold these moments, from the first one's beginning to the last one's end.
fn whole_days(
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), Problem> {
    let begin = |time: Timestamp| {
        let day = DAY.as_secs().cast_signed();
        Timestamp::from_seconds(time.as_seconds().div_euclid(day).saturating_mul(day))
    };
    let to = match (from, to) {
        (None, None) => begin(now),
        (_, to) => {
            let to = to.unwrap_or(now);
            if begin(to) == to { to } else { begin(to) + DAY }
        }
    };
    let from = from.map_or(to - DAY * DAYS, begin);
    if from >= to {
        return Err(Problem::parameter("from", "expected a time before `to`"));
    }
    if to.since(from) > DAY * MOST_DAYS {
        let message = format!("expected at most {MOST_DAYS} days before `to`");
        return Err(Problem::parameter("from", &message));
    }
    Ok((from, to))
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match &error {
            ReportError::Unsupported => Self::new(
                Code::NoUsageReport,
                "this provider has no reports of usage that a key could read; anthropic and openai have",
            ),
            ReportError::Invalid(_) => Self::new(Code::UsageReportRefused, error.to_string()),
            ReportError::Refused { status, fault } => {
                let code = match *status {
                    StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Code::UsageReportFailed,
                    status if status.is_client_error() => Code::UsageReportRefused,
                    _ => Code::UsageReportFailed,
                };
                let remedy = match status.as_u16() {
                    401 | 403 => {
                        "; the account's `admin_credential` must be an admin's key of the organisation"
                    }
                    404 => "; the account's server has no such report",
                    429 => "; ask again later",
                    _ => "",
                };
                let problem = Self::new(code, format!("{error}{remedy}"));
                match fault.retry_after {
                    Some(wait) if code == Code::UsageReportFailed => problem.retry_after(wait),
                    _ => problem,
                }
            }
            ReportError::Unanswered(_) | ReportError::Unreadable(_) => {
                Self::new(Code::UsageReportFailed, error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_domain::Timestamp;

    use super::whole_days;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_whole_whatever_moments_are_named() {
        let now = time("2026-06-15T12:00:00Z");
        let days = |from: Option<&str>, to: Option<&str>| {
            let (from, to) = whole_days(from.map(time), to.map(time), now).ok()?;
            Some((from.to_string(), to.to_string()))
        };
        let expected = |from: &str, to: &str| Some((format!("{from}T00:00:00Z"), format!("{to}T00:00:00Z")));
        assert_eq!(days(None, None), expected("2026-06-08", "2026-06-15"));
        assert_eq!(
            days(Some("2026-06-14T23:59:59.999999Z"), None),
            expected("2026-06-14", "2026-06-16")
        );
        assert_eq!(
            days(None, Some("2026-03-02T00:00:00.000001Z")),
            expected("2026-02-24", "2026-03-03")
        );
        let (first, last) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
        assert_eq!(
            days(Some(first), Some(last)),
            expected("2026-01-01", "2026-02-01")
        );
        assert_eq!(days(Some(first), Some("2026-02-01T00:00:01Z")), None);
        assert_eq!(days(Some(last), Some(first)), None);
        assert_eq!(days(Some(first), Some(first)), None);
        let whole = days(Some("2026-01-01T08:00:00Z"), Some("2026-01-01T08:00:00Z"));
        assert_eq!(whole, expected("2026-01-01", "2026-01-02"));
    }
}
