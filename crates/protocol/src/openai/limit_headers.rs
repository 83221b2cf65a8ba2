use gateway_domain::{RateLimit, RateLimits, Timestamp};

/// What is left of each limit, in the headers that OpenAI's own answers carry; a reset is the time until then, such as
/// `6m0s` or `20ms`.
///
/// They know one limit of tokens: where input and output have limits of their own, of these the one of which the least
/// is left.
pub(super) fn limit_headers(limits: &RateLimits, now: Timestamp) -> Vec<(&'static str, String)> {
    let apart = [limits.input_tokens, limits.output_tokens];
    let least = apart.into_iter().flatten().min_by_key(|limit| limit.remaining);
    let kinds = [(limits.requests, REQUESTS), (limits.tokens.or(least), TOKENS)];
    let named = kinds
        .into_iter()
        .filter_map(|(limit, names)| Some((limit?, names)));
    named
        .flat_map(|(limit, names)| headers(limit, names, now))
        .collect()
}

type Names = [&'static str; 3];

const REQUESTS: Names = [
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
];
const TOKENS: Names = [
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
];

fn headers(
    limit: RateLimit,
    [whole, remaining, reset]: Names,
    now: Timestamp,
) -> impl Iterator<Item = (&'static str, String)> {
    [
        (whole, limit.limit.map(|limit| limit.to_string())),
        (remaining, Some(limit.remaining.to_string())),
        (reset, limit.resets_at.map(|at| time_until(at, now))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}

/// As Go prints durations, to the millisecond, rounded up.
fn time_until(at: Timestamp, now: Timestamp) -> String {
    let millis = at.since(now).as_micros().div_ceil(1_000);
    let (minutes, seconds, rest) = (millis / 60_000, millis / 1_000 % 60, millis % 1_000);
    if millis == 0 {
        return "0s".to_owned();
    }
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    let fraction = format!(".{rest:03}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    if minutes == 0 {
        format!("{seconds}{fraction}s")
    } else {
        format!("{minutes}m{seconds}{fraction}s")
    }
}

#[cfg(test)]
mod tests {
    use gateway_domain::{RateLimit, RateLimits, Timestamp};

    use super::{limit_headers, time_until};

    #[test]
    fn times_are_printed_as_go_does() {
        let until = |micros| time_until(Timestamp::from_micros(micros), Timestamp::default());
        assert_eq!(until(-5), "0s");
        assert_eq!(until(1), "1ms");
        assert_eq!(until(20_000), "20ms");
        assert_eq!(until(1_000_000), "1s");
        assert_eq!(until(1_250_000), "1.25s");
        assert_eq!(until(360_000_000), "6m0s");
        assert_eq!(until(361_001_000), "6m1.001s");
    }

    #[test]
    fn the_tighter_of_input_and_output_stands_for_tokens() {
        let limit = |remaining| {
            Some(RateLimit {
                limit: Some(10),
                remaining,
                resets_at: Some(Timestamp::from_seconds(3)),
            })
        };
        let limits = RateLimits {
            input_tokens: limit(4),
            output_tokens: limit(2),
            ..RateLimits::default()
        };
        let headers = limit_headers(&limits, Timestamp::default());
        let shown: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("x-ratelimit-limit-tokens", "10"),
                ("x-ratelimit-remaining-tokens", "2"),
                ("x-ratelimit-reset-tokens", "3s"),
            ]
        );
    }
}
