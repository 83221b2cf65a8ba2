/// The text is no span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected seconds such as 900, or a number with s, m, h or d such as 15m, 24h, 7d")]
pub(crate) struct InvalidSpan;

/// A span of time in seconds, at least one: `900`, `900s`, `15m`, `24h` or `7d`.
pub(crate) fn parse_span(text: &str) -> Result<u64, InvalidSpan> {
    let text = text.trim();
    let (number, unit) = match text.as_bytes().last().ok_or(InvalidSpan)? {
        b's' => (&text[..text.len() - 1], 1),
        b'm' => (&text[..text.len() - 1], 60),
        b'h' => (&text[..text.len() - 1], 3_600),
        b'd' => (&text[..text.len() - 1], 86_400),
        _ => (text, 1),
    };
    let number: u64 = number.parse().map_err(|_| InvalidSpan)?;
    number
        .checked_mul(unit)
        .filter(|&seconds| seconds > 0)
        .ok_or(InvalidSpan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_understood() {
        for (text, seconds) in [
            ("900", 900),
            ("90s", 90),
            ("15m", 900),
            ("24h", 86_400),
            ("7d", 604_800),
        ] {
            assert_eq!(parse_span(text), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "",
            "m",
            "0",
            "-1",
            "1.5h",
            "15 m",
            "1w",
            "99999999999999999999",
            "é",
        ] {
            assert_eq!(parse_span(text), Err(InvalidSpan), "{text}");
        }
        assert_eq!(parse_span(&format!("{}d", u64::MAX)), Err(InvalidSpan));
    }
}
