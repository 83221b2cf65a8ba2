use super::ApiError;
use crate::draw::{Draw, hash};
use crate::headers::{HeaderLines, Quota, Told, bearer};
use crate::wire::Head;

/// How subscription tokens start; they need a beta and have limits of their own.
const OAUTH_START: &str = "sk-ant-oat";
const OAUTH_BETA: &str = "oauth-2025-04-20";

/// `x-api-key`, else the bearer token.
pub(super) fn credential_of(head: &Head) -> Option<&str> {
    head.header("x-api-key")
        .or_else(|| bearer(head))
        .filter(|text| !text.is_empty())
}

/// Refuses a request without a good credential.
pub(super) fn check_credential(head: &Head, is_accepted: bool) -> Result<(), ApiError> {
    let Some(credential) = credential_of(head) else {
        return Err(ApiError::new(401, "x-api-key header is required"));
    };
    if !is_accepted {
        let message = if head.header("x-api-key").is_some() {
            "invalid x-api-key"
        } else {
            "Invalid bearer token"
        };
        return Err(ApiError::new(401, message));
    }
    if credential.starts_with(OAUTH_START) && !betas(head).contains(&OAUTH_BETA) {
        return Err(ApiError::new(
            401,
            "OAuth authentication is currently not supported.",
        ));
    }
    Ok(())
}

/// The version of the API that a request is written for.
pub(super) fn version(head: &Head) -> Result<&str, ApiError> {
    match head.header("anthropic-version") {
        Some(version @ ("2023-01-01" | "2023-06-01" | "2026-10-21")) => Ok(version),
        Some(other) => Err(ApiError::invalid(format!(
            "anthropic-version: \"{other}\" is not a valid version"
        ))),
        None => Err(ApiError::invalid("anthropic-version: header is required")),
    }
}

/// The betas that a request names, in all of its headers of that name.
pub(super) fn betas(head: &Head) -> Vec<&str> {
    head.headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("anthropic-beta"))
        .flat_map(|(_, value)| value.split(','))
        .map(str::trim)
        .collect()
}

/// The headers of every answer, and what is left of the account's limits.
pub(super) fn put(lines: &mut HeaderLines<'_>, told: &Told<'_>) {
    if let Some(quota) = told.quota {
        put_quota(lines, quota, told.credential.unwrap_or_default());
    }
    if let Some(wait) = told.retry_after {
        lines.put("retry-after", wait.as_millis().div_ceil(1_000).max(1));
    }
    let mut draw = Draw::new(hash(told.number, b"edge"));
    lines.put("request-id", told.request_id);
    lines.put(
        "strict-transport-security",
        "max-age=31536000; includeSubDomains; preload",
    );
    if let Some(credential) = told.credential {
        lines.put("anthropic-organization-id", organization(credential));
    }
    lines.put("Server", "cloudflare");
    lines.put("x-envoy-upstream-service-time", 300 + draw.below(900));
    lines.put("Via", "1.1 google");
    lines.put("cf-cache-status", "DYNAMIC");
    lines.put("X-Robots-Tag", "none");
    lines.put(
        "set-cookie",
        format_args!(
            "_cfuvid={}; HttpOnly; SameSite=None; Secure; Path=/; Domain=api.anthropic.com",
            draw.base62(32)
        ),
    );
    lines.put("CF-RAY", format_args!("{:016x}-FRA", draw.next()));
    lines.put("alt-svc", "h3=\":443\"; ma=86400");
}

/// What is left of the limits: by the minute for API keys, by five hours and a week for subscriptions.
fn put_quota(lines: &mut HeaderLines<'_>, quota: &Quota, credential: &str) {
    if credential.starts_with(OAUTH_START) {
        let reset = quota.reset_at.as_seconds();
        lines.put("anthropic-ratelimit-unified-status", "allowed");
        lines.put("anthropic-ratelimit-unified-reset", reset + 5 * 3_600);
        lines.put("anthropic-ratelimit-unified-representative-claim", "five_hour");
        for (claim, seconds) in [("5h", 5 * 3_600), ("7d", 7 * 86_400)] {
            let used = 1.0 - quota.requests_left as f64 / quota.requests_limit.max(1) as f64;
            lines.put(&format!("anthropic-ratelimit-unified-{claim}-status"), "allowed");
            lines.put(
                &format!("anthropic-ratelimit-unified-{claim}-utilization"),
                format_args!("{used:.2}"),
            );
            lines.put(
                &format!("anthropic-ratelimit-unified-{claim}-reset"),
                reset + seconds,
            );
        }
        return;
    }
    let buckets = [
        ("requests", quota.requests_limit, quota.requests_left),
        ("input-tokens", quota.input_tokens_limit, quota.input_tokens_left),
        (
            "output-tokens",
            quota.output_tokens_limit,
            quota.output_tokens_left,
        ),
        (
            "tokens",
            quota.input_tokens_limit + quota.output_tokens_limit,
            quota.input_tokens_left + quota.output_tokens_left,
        ),
    ];
    for (bucket, limit, left) in buckets {
        lines.put(&format!("anthropic-ratelimit-{bucket}-limit"), limit);
        lines.put(&format!("anthropic-ratelimit-{bucket}-remaining"), left);
        lines.put(&format!("anthropic-ratelimit-{bucket}-reset"), quota.reset_at);
    }
}

/// The id of the organisation that owns a credential.
fn organization(credential: &str) -> String {
    let mut draw = Draw::new(hash(0, credential.as_bytes()));
    let (high, low) = (draw.next(), draw.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}
