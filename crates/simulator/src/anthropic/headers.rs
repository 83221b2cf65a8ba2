use std::fmt::{Display, Write};

use gateway_domain::Timestamp;

use super::ApiError;
use crate::draw::{Draw, hash};
use crate::wire::Head;

/// How subscription tokens start; they need a beta and have limits of their own.
const OAUTH_START: &str = "sk-ant-oat";
const OAUTH_BETA: &str = "oauth-2025-04-20";

/// What an account has left in the current minute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota {
    pub(crate) requests_limit: u64,
    pub(crate) requests_left: u64,
    pub(crate) input_tokens_limit: u64,
    pub(crate) input_tokens_left: u64,
    pub(crate) output_tokens_limit: u64,
    pub(crate) output_tokens_left: u64,
    pub(crate) reset_at: Timestamp,
}

/// `x-api-key`, else the bearer token.
pub(crate) fn credential_of(head: &Head) -> Option<&str> {
    head.header("x-api-key")
        .or_else(|| bearer(head))
        .filter(|text| !text.is_empty())
}

fn bearer(head: &Head) -> Option<&str> {
    let (scheme, token) = head.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What the API says to a request without a good credential.
pub(crate) fn refuse_credential(head: &Head, is_accepted: impl Fn(&str) -> bool) -> Option<ApiError> {
    let Some(credential) = credential_of(head) else {
        return Some(ApiError::new(401, "x-api-key header is required"));
    };
    if !is_accepted(credential) {
        let message = if head.header("x-api-key").is_some() {
            "invalid x-api-key"
        } else {
            "Invalid bearer token"
        };
        return Some(ApiError::new(401, message));
    }
    (credential.starts_with(OAUTH_START) && !betas(head).contains(&OAUTH_BETA))
        .then(|| ApiError::new(401, "OAuth authentication is currently not supported."))
}

/// The betas that a request names, in all of its headers of that name.
pub(crate) fn betas(head: &Head) -> Vec<&str> {
    head.headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("anthropic-beta"))
        .flat_map(|(_, value)| value.split(','))
        .map(str::trim)
        .collect()
}

/// Header lines as the provider and the proxies before it send them, but for those of framing.
///
/// Much of it says whose account it is, or is the business of one hop: a gateway has to drop it.
pub(crate) struct HeaderLines<'a> {
    lines: String,
    replaced: &'a [(String, String)],
}

impl<'a> HeaderLines<'a> {
    /// `own` come last, in place of those of the same name.
    pub(crate) fn new(own: &'a [(String, String)]) -> Self {
        Self {
            lines: String::with_capacity(1_600),
            replaced: own,
        }
    }

    pub(crate) fn put(&mut self, name: &str, value: impl Display) {
        if !self
            .replaced
            .iter()
            .any(|(own, _)| own.eq_ignore_ascii_case(name))
        {
            self.force(name, value);
        }
    }

    fn force(&mut self, name: &str, value: impl Display) {
        write!(self.lines, "{name}: {value}\r\n").expect("a string takes every text");
    }

    /// The headers of every answer.
    pub(crate) fn put_usual(&mut self, request_id: &str, credential: Option<&str>, number: u64) {
        let mut draw = Draw::new(hash(number, b"edge"));
        self.put("request-id", request_id);
        self.put(
            "strict-transport-security",
            "max-age=31536000; includeSubDomains; preload",
        );
        if let Some(credential) = credential {
            self.put("anthropic-organization-id", organization(credential));
        }
        self.put("Server", "cloudflare");
        self.put("x-envoy-upstream-service-time", 300 + draw.below(900));
        self.put("Via", "1.1 google");
        self.put("cf-cache-status", "DYNAMIC");
        self.put("X-Robots-Tag", "none");
        self.put(
            "set-cookie",
            format_args!(
                "_cfuvid={}; HttpOnly; SameSite=None; Secure; Path=/; Domain=api.anthropic.com",
                draw.base62(32)
            ),
        );
        self.put("CF-RAY", format_args!("{:016x}-FRA", draw.next()));
        self.put("alt-svc", "h3=\":443\"; ma=86400");
    }

    /// What is left of the limits: by the minute for API keys, by five hours and a week for subscriptions.
    pub(crate) fn put_quota(&mut self, quota: &Quota, credential: &str) {
        if credential.starts_with(OAUTH_START) {
            let reset = quota.reset_at.as_seconds();
            self.put("anthropic-ratelimit-unified-status", "allowed");
            self.put("anthropic-ratelimit-unified-reset", reset + 5 * 3_600);
            self.put("anthropic-ratelimit-unified-representative-claim", "five_hour");
            for (claim, seconds) in [("5h", 5 * 3_600), ("7d", 7 * 86_400)] {
                let used = 1.0 - quota.requests_left as f64 / quota.requests_limit.max(1) as f64;
                self.put(&format!("anthropic-ratelimit-unified-{claim}-status"), "allowed");
                self.put(
                    &format!("anthropic-ratelimit-unified-{claim}-utilization"),
                    format_args!("{used:.2}"),
                );
                self.put(
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
            self.put(&format!("anthropic-ratelimit-{bucket}-limit"), limit);
            self.put(&format!("anthropic-ratelimit-{bucket}-remaining"), left);
            self.put(&format!("anthropic-ratelimit-{bucket}-reset"), quota.reset_at);
        }
    }

    pub(crate) fn finish(mut self) -> String {
        let own = self.replaced;
        for (name, value) in own {
            self.force(name, value);
        }
        self.lines
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
