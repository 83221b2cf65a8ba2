use std::time::Duration;

use crate::draw::{Draw, hash};
use crate::error::ApiError;
use crate::headers::{HeaderLines, Told, bearer};
use crate::organization::project;
use crate::wire::Head;

const NO_KEY: &str = "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth \
     (i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from \
     https://platform.openai.com/account/api-keys.";

/// The bearer token.
pub(super) fn credential_of(head: &Head) -> Option<&str> {
    bearer(head).filter(|text| !text.is_empty())
}

/// Refuses a request without a good key.
pub(super) fn check_credential(head: &Head, is_accepted: bool) -> Result<(), ApiError> {
    match credential_of(head) {
        None => Err(super::ApiError::new(401, NO_KEY).into()),
        Some(_) if is_accepted => Ok(()),
        Some(key) => Err(super::ApiError::new(
            401,
            format!(
                "Incorrect API key provided: {}. You can find your API key at \
                 https://platform.openai.com/account/api-keys.",
                masked(key)
            ),
        )
        .into()),
    }
}

fn masked(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    if characters.len() <= 12 {
        return "*".repeat(characters.len());
    }
    let start: String = characters[..8].iter().collect();
    let end: String = characters[characters.len() - 4..].iter().collect();
    format!("{start}{}{end}", "*".repeat(characters.len() - 12))
}

/// The headers of every answer, and what is left of the account's limits.
pub(super) fn put(lines: &mut HeaderLines<'_>, told: &Told<'_>) {
    let mut draw = Draw::new(hash(told.number, b"edge"));
    if let Some(quota) = told.quota {
        let reset = quota.reset_at.since(told.at);
        let tokens_limit = quota.input_tokens_limit + quota.output_tokens_limit;
        let tokens_left = quota.input_tokens_left + quota.output_tokens_left;
        for (bucket, limit, left) in [
            ("requests", quota.requests_limit, quota.requests_left),
            ("tokens", tokens_limit, tokens_left),
        ] {
            lines.put(&format!("x-ratelimit-limit-{bucket}"), limit);
            lines.put(&format!("x-ratelimit-remaining-{bucket}"), left);
            lines.put(&format!("x-ratelimit-reset-{bucket}"), span(reset));
        }
    }
    if let Some(wait) = told.retry_after {
        lines.put("retry-after", wait.as_millis().div_ceil(1_000).max(1));
        lines.put("retry-after-ms", wait.as_millis().max(1));
    }
    lines.put("x-request-id", told.request_id);
    lines.put("openai-version", "2020-10-01");
    lines.put("openai-processing-ms", 200 + draw.below(900));
    if let Some(credential) = told.credential {
        lines.put("openai-organization", organization(credential));
        lines.put("openai-project", project(credential));
    }
    lines.put(
        "strict-transport-security",
        "max-age=31536000; includeSubDomains; preload",
    );
    lines.put("x-content-type-options", "nosniff");
    lines.put("Server", "cloudflare");
    lines.put("cf-cache-status", "DYNAMIC");
    lines.put(
        "set-cookie",
        format_args!(
            "__cf_bm={}; path=/; domain=.api.openai.com; HttpOnly; Secure; SameSite=None",
            draw.base62(43)
        ),
    );
    lines.put("CF-RAY", format_args!("{:016x}-FRA", draw.next()));
    lines.put("alt-svc", "h3=\":443\"; ma=86400");
}

/// A span of time as the provider writes it: `6m0s`, `1.5s`, `20ms`.
fn span(time: Duration) -> String {
    let milliseconds = time.as_millis();
    let (minutes, seconds, rest) = (
        milliseconds / 60_000,
        milliseconds / 1_000 % 60,
        milliseconds % 1_000,
    );
    if milliseconds < 1_000 {
        return format!("{milliseconds}ms");
    }
    let fraction = if rest == 0 {
        String::new()
    } else {
        format!(".{rest:03}").trim_end_matches('0').to_owned()
    };
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}{fraction}s"),
        (0, minutes) => format!("{minutes}m{seconds}{fraction}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}{fraction}s"),
    }
}

/// The name of the organisation that owns a credential.
fn organization(credential: &str) -> String {
    format!("org-{}", Draw::new(hash(0, credential.as_bytes())).base62(24))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{masked, span};

    #[test]
    fn spans_are_written_as_the_provider_does() {
        for (milliseconds, text) in [
            (360_000, "6m0s"),
            (60_000, "1m0s"),
            (1_000, "1s"),
            (8_640, "8.64s"),
            (7, "7ms"),
            (3_600_000, "1h0m0s"),
        ] {
            assert_eq!(span(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn a_key_is_not_repeated_in_full() {
        assert_eq!(masked("sk-proj-abcdefgh1234"), "sk-proj-********1234");
        assert_eq!(masked("short"), "*****");
    }
}
