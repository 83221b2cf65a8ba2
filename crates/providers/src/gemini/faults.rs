use std::time::Duration;

use gateway_domain::{Fault, FaultClass, FaultReach, QuotaWindow};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::day;
use super::error_body::ErrorBody;
use crate::{field, retry_after};

/// A delay of a quota of a day's that can be meant; a shorter one is told whatever the time of day.
const HOUR: Duration = Duration::from_secs(3_600);

/// Ways to finish that the model did not mean.
const FAILURES: [&str; 6] = [
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "OTHER",
];

pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    of_error(status, headers, &ErrorBody::read(body))
}

pub(super) fn of_event(event: &[u8]) -> Fault {
    let event: Value = serde_json::from_slice(event).unwrap_or_default();
    let finish = event["candidates"][0]["finishReason"].as_str();
    if let Some(failure) = finish.filter(|finish| FAILURES.contains(finish)) {
        return Fault::new(FaultClass::Server, failure);
    }
    let error = ErrorBody::of(&event);
    match error.status_code() {
        Some(status) => of_error(status, &HeaderMap::new(), &error),
        None => Fault::new(FaultClass::Server, error.reason(None)),
    }
}

fn of_error(status: StatusCode, headers: &HeaderMap, error: &ErrorBody) -> Fault {
    let reason = error.reason(Some(status));
    let class = match status.as_u16() {
        400 if error.refuses_account() => FaultClass::Credential,
        403 if error.refuses_resource() && error.mentions_model() => FaultClass::ModelMissing,
        403 if error.refuses_resource() => FaultClass::Client,
        401..=403 => FaultClass::Credential,
        404 if error.is_about_model() => FaultClass::ModelMissing,
        407 | 408 => FaultClass::Transport,
        429 if error.is_short_of_capacity() => FaultClass::Overload,
        429 => return of_limit(headers, error, reason),
        499 => FaultClass::Server,
        503 | 529 => FaultClass::Overload,
        _ if status.is_client_error() => FaultClass::Client,
        _ => FaultClass::Server,
    };
    let stated = || stated(headers, error);
    Fault {
        retry_after: (class == FaultClass::Overload).then(stated).flatten(),
        ..Fault::new(class, reason)
    }
}

/// A refusal by the limits of the account's project, which each model has for itself.
fn of_limit(headers: &HeaderMap, error: &ErrorBody, reason: String) -> Fault {
    if error.is_spend_limit() {
        return Fault {
            window: QuotaWindow::Spending,
            ..Fault::new(FaultClass::Quota, reason)
        };
    }
    let (window, wait) = if error.is_limit_of_a_day() {
        (QuotaWindow::Subscription, until_the_day_ends(headers, error))
    } else {
        (QuotaWindow::Rate, stated(headers, error))
    };
    let Some(wait) = wait else {
        return Fault::new(FaultClass::Burst, reason);
    };
    Fault {
        reach: FaultReach::ModelFamily,
        window,
        ..Fault::new(FaultClass::Quota, reason).retry_after(wait)
    }
}

fn until_the_day_ends(headers: &HeaderMap, error: &ErrorBody) -> Option<Duration> {
    let stated = stated(headers, error);
    let midnight = || {
        let date = field::date(headers)?;
        retry_after::until(day::end(date)?, date).map(retry_after::bounded)
    };
    stated.filter(|wait| *wait >= HOUR).or_else(midnight).or(stated)
}

/// `retry-after`, or else the delay that the error has in its details.
fn stated(headers: &HeaderMap, error: &ErrorBody) -> Option<Duration> {
    retry_after::stated(headers).or_else(|| {
        let delay = retry_after::possible(error.retry_delay()?)?;
        Some(retry_after::bounded(delay))
    })
}
