use gateway_domain::{RateLimit, RateLimits, Timestamp};

/// What is left of each limit, in the headers that Anthropic's own answers carry; a reset is a time of RFC 3339 in whole
/// seconds, rounded up.
pub(super) fn limit_headers(limits: &RateLimits) -> Vec<(&'static str, String)> {
    let kinds = [
        (limits.requests, REQUESTS),
        (limits.tokens, TOKENS),
        (limits.input_tokens, INPUT_TOKENS),
        (limits.output_tokens, OUTPUT_TOKENS),
    ];
    let named = kinds
        .into_iter()
        .filter_map(|(limit, names)| Some((limit?, names)));
    named.flat_map(|(limit, names)| headers(limit, names)).collect()
}

type Names = [&'static str; 3];

macro_rules! names {
    ($kind:literal) => {
        [
            concat!("anthropic-ratelimit-", $kind, "-limit"),
            concat!("anthropic-ratelimit-", $kind, "-remaining"),
            concat!("anthropic-ratelimit-", $kind, "-reset"),
        ]
    };
}

const REQUESTS: Names = names!("requests");
const TOKENS: Names = names!("tokens");
const INPUT_TOKENS: Names = names!("input-tokens");
const OUTPUT_TOKENS: Names = names!("output-tokens");

fn headers(
    limit: RateLimit,
    [whole, remaining, reset]: Names,
) -> impl Iterator<Item = (&'static str, String)> {
    let resets_at = limit.resets_at.map(|at| {
        let seconds = at.as_micros().saturating_add(999_999).div_euclid(1_000_000);
        Timestamp::from_seconds(seconds).to_string()
    });
    [
        (whole, limit.limit.map(|limit| limit.to_string())),
        (remaining, Some(limit.remaining.to_string())),
        (reset, resets_at),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}

#[cfg(test)]
mod tests {
    use gateway_domain::{RateLimit, RateLimits, Timestamp};

    use super::limit_headers;

    #[test]
    fn each_limit_has_three_headers_and_no_limit_none() {
        let limits = RateLimits {
            input_tokens: Some(RateLimit {
                limit: Some(100),
                remaining: 7,
                resets_at: Some(Timestamp::from_micros(1_500_001)),
            }),
            ..RateLimits::default()
        };
        let headers = limit_headers(&limits);
        let shown: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("anthropic-ratelimit-input-tokens-limit", "100"),
                ("anthropic-ratelimit-input-tokens-remaining", "7"),
                ("anthropic-ratelimit-input-tokens-reset", "1970-01-01T00:00:02Z"),
            ]
        );
        assert_eq!(limit_headers(&RateLimits::default()), []);
    }
}
