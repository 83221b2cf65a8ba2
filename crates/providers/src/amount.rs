//! Amounts of money as reports write them, read digit by digit.

use gateway_domain::Nanodollars;
use serde_json::value::RawValue;

use crate::UnreadableReport;

/// What an amount counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Dollars,
    Cents,
}

impl Unit {
    /// How many digits of an amount lie above the billionth of a dollar, behind its point.
    const fn decimals(self) -> i64 {
        match self {
            Self::Dollars => 9,
            Self::Cents => 7,
        }
    }
}

/// The amount that stands in JSON as a number or a text, to the nearest billionth of a dollar.
///
/// # Errors
///
/// [`UnreadableReport`] if it is no decimal number, or larger than can be kept, or not in US dollars.
pub(crate) fn read(
    amount: &RawValue,
    currency: Option<&str>,
    unit: Unit,
) -> Result<Nanodollars, UnreadableReport> {
    if !currency.is_none_or(|currency| currency.eq_ignore_ascii_case("usd")) {
        return Err(UnreadableReport::new("costs are not in US dollars"));
    }
    let text = amount.get();
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    nanos(text, unit)
        .map(Nanodollars::from_nanos)
        .ok_or_else(|| UnreadableReport::new("an amount is not a decimal number that can be kept"))
}

/// Halves are rounded away from zero.
fn nanos(text: &str, unit: Unit) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    // How many of the significant digits are whole billionths.
    let kept = i64::try_from(significant.len())
        .ok()?
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .checked_add(exponent)?
        .checked_add(unit.decimals())?;
    if kept < 0 {
        return Some(0);
    }
    let kept = usize::try_from(kept).ok().filter(|kept| *kept <= 20)?;
    let whole = significant.get(..kept).unwrap_or(significant);
    let zeros = u32::try_from(kept - whole.len()).ok()?;
    let mut nanos = if whole.is_empty() {
        0
    } else {
        whole.parse::<i128>().ok()?
    };
    nanos *= 10_i128.pow(zeros);
    if significant.as_bytes().get(kept).is_some_and(|next| *next >= b'5') {
        nanos += 1;
    }
    i64::try_from(if is_negative { -nanos } else { nanos }).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Unit, nanos};

    #[test]
    fn amounts_are_read_digit_by_digit() {
        for (text, dollars) in [
            ("0", Some(0)),
            ("0.06", Some(60_000_000)),
            ("0.8958740000000000", Some(895_874_000)),
            ("0.13080805000000003", Some(130_808_050)),
            ("1e-9", Some(1)),
            ("4.9e-10", Some(0)),
            ("5E-10", Some(1)),
            ("-0.0000000015", Some(-2)),
            ("0E-6176", Some(0)),
            ("1e-6176", Some(0)),
            ("12", Some(12_000_000_000)),
            ("9223372036.854775807", Some(i64::MAX)),
            ("9223372036.8547758075", None),
            ("1e400", None),
            ("1e99999999999999999999", None),
            ("", None),
            ("1.", None),
            ("+1", None),
            ("NaN", None),
            ("true", None),
        ] {
            assert_eq!(nanos(text, Unit::Dollars), dollars, "{text}");
        }
        assert_eq!(nanos("123.78912", Unit::Cents), Some(1_237_891_200));
        assert_eq!(nanos("0.00000005", Unit::Cents), Some(1));
    }

    proptest! {
        #[test]
        fn what_is_exact_stays_exact(amount in any::<i64>()) {
            let text = gateway_domain::Nanodollars::from_nanos(amount).to_string();
            assert_eq!(nanos(&text, Unit::Dollars), Some(amount));
        }

        #[test]
        fn reading_never_panics(text in "[-+0-9.eE]{0,40}|.{0,20}") {
            let _ = nanos(&text, Unit::Dollars);
        }
    }
}
