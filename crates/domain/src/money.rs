use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The text is not an amount of money that can be kept exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid amount: expected a decimal number of US dollars with at most {decimals} decimals")]
pub struct InvalidAmount {
    decimals: usize,
}

/// An amount of US dollars in billionths, exact.
///
/// Printed as a decimal number of dollars (`0.000003`) and serialized as a JSON number with the same digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanodollars(i64);

impl Nanodollars {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// The amount of this many billionths of a dollar.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Billionths of a dollar.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }
}

impl Add for Nanodollars {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Nanodollars {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Nanodollars {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Nanodollars {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Nanodollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, 9)
    }
}

impl FromStr for Nanodollars {
    type Err = InvalidAmount;

    /// Reads a decimal number of dollars; an exponent (`1e-6`) is understood.
    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        parse_decimal(text, 9)
            .map(Self)
            .ok_or(InvalidAmount { decimals: 9 })
    }
}

impl Serialize for Nanodollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_decimal(&self.to_string(), serializer)
    }
}

impl<'de> Deserialize<'de> for Nanodollars {
    /// Works with `serde_json` reading text; no digit passes through a floating-point number.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer)?
            .get()
            .parse()
            .map_err(D::Error::custom)
    }
}

/// A price in trillionths of a dollar per token, exact.
///
/// One dollar per million tokens is 1,000,000 of these. Published prices go below a billionth of a dollar per
/// token, hence the finer unit. Printed and serialized as dollars per **million** tokens, the unit of every
/// price list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PicodollarsPerToken(i64);

impl PicodollarsPerToken {
    /// The price of this many trillionths of a dollar per token.
    #[must_use]
    pub const fn from_picos(picos: i64) -> Self {
        Self(picos)
    }

    /// Trillionths of a dollar per token.
    #[must_use]
    pub const fn as_picos(self) -> i64 {
        self.0
    }
}

impl fmt::Display for PicodollarsPerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, 6)
    }
}

impl FromStr for PicodollarsPerToken {
    type Err = InvalidAmount;

    /// Reads dollars per million tokens.
    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        parse_decimal(text, 6)
            .map(Self)
            .ok_or(InvalidAmount { decimals: 6 })
    }
}

impl Serialize for PicodollarsPerToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_decimal(&self.to_string(), serializer)
    }
}

impl<'de> Deserialize<'de> for PicodollarsPerToken {
    /// Works with `serde_json` reading text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer)?
            .get()
            .parse()
            .map_err(D::Error::custom)
    }
}

/// A share of a price, in millionths, exact: 800,000 of them are four fifths.
///
/// Printed and serialized as a decimal number (`0.8`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PriceFactor(i64);

impl PriceFactor {
    /// The whole price.
    pub const ONE: Self = Self(1_000_000);

    /// The share of this many millionths.
    #[must_use]
    pub const fn from_millionths(millionths: i64) -> Self {
        Self(millionths)
    }

    /// Millionths of the price.
    #[must_use]
    pub const fn as_millionths(self) -> i64 {
        self.0
    }
}

impl fmt::Display for PriceFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, 6)
    }
}

/// The text is not a factor that can be kept exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid factor: expected a decimal number with at most 6 decimals")]
pub struct InvalidFactor;

impl FromStr for PriceFactor {
    type Err = InvalidFactor;

    fn from_str(text: &str) -> Result<Self, InvalidFactor> {
        parse_decimal(text, 6).map(Self).ok_or(InvalidFactor)
    }
}

impl Serialize for PriceFactor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_decimal(&self.to_string(), serializer)
    }
}

impl<'de> Deserialize<'de> for PriceFactor {
    /// Works with `serde_json` reading text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer)?
            .get()
            .parse()
            .map_err(D::Error::custom)
    }
}

fn serialize_decimal<S: Serializer>(digits: &str, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(digits.to_owned())
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}

/// Writes `units / 10^decimals` with at least one decimal and no trailing zeros beyond it.
fn write_decimal(f: &mut fmt::Formatter<'_>, units: i64, decimals: u32) -> fmt::Result {
    let scale = 10_u64.pow(decimals);
    let magnitude = units.unsigned_abs();
    let fraction = format!("{:0width$}", magnitude % scale, width = decimals as usize);
    let fraction = fraction.trim_end_matches('0');
    let sign = if units < 0 { "-" } else { "" };
    write!(
        f,
        "{sign}{}.{}",
        magnitude / scale,
        if fraction.is_empty() { "0" } else { fraction }
    )
}

/// Reads a JSON number as `units * 10^-decimals`; `None` when it is malformed, too large or too fine.
fn parse_decimal(text: &str, decimals: i32) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    if significant.trim_start_matches('0').is_empty() {
        return Some(0);
    }
    let dropped_zeros = i32::try_from(digits.len() - significant.len()).ok()?;
    let fraction_digits = i32::try_from(fraction.len()).ok()?;
    let shift = exponent
        .checked_add(decimals)?
        .checked_add(dropped_zeros)?
        .checked_sub(fraction_digits)?;
    let scale = 10_i128.checked_pow(u32::try_from(shift).ok()?)?;
    let units = significant.parse::<i128>().ok()?.checked_mul(scale)?;
    i64::try_from(if negative { -units } else { units }).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Nanodollars, PicodollarsPerToken};

    #[test]
    fn prints_exactly_and_without_an_exponent() {
        let cases = [
            (0, "0.0"),
            (1, "0.000000001"),
            (12_500_000_000, "12.5"),
            (-1_000_000_000, "-1.0"),
            (i64::MIN, "-9223372036.854775808"),
            (i64::MAX, "9223372036.854775807"),
        ];
        for (nanos, text) in cases {
            assert_eq!(Nanodollars::from_nanos(nanos).to_string(), text);
        }
    }

    #[test]
    fn reads_json_numbers_exactly() {
        let cases = [
            ("0", Some(0)),
            ("0.1", Some(100_000_000)),
            ("1e-9", Some(1)),
            ("1.5E3", Some(1_500_000_000_000)),
            ("-2.5", Some(-2_500_000_000)),
            ("0.0000000001", None),
            ("10.0000000000", Some(10_000_000_000)),
            ("1e400", None),
            ("0e400", Some(0)),
            ("9223372036.854775808", None),
            ("", None),
            (".", None),
            ("1.", None),
            ("+1", None),
            ("NaN", None),
            ("\"1\"", None),
        ];
        for (text, nanos) in cases {
            assert_eq!(text.parse().ok().map(Nanodollars::as_nanos), nanos, "{text}");
        }
    }

    #[test]
    fn prices_are_dollars_per_million_tokens() {
        let price: PicodollarsPerToken = "3.75".parse().unwrap();
        assert_eq!(price.as_picos(), 3_750_000);
        assert_eq!(price.to_string(), "3.75");
    }

    proptest! {
        #[test]
        fn every_amount_survives_json(nanos in any::<i64>()) {
            let amount = Nanodollars::from_nanos(nanos);
            let json = serde_json::to_string(&amount).unwrap();
            assert_eq!(serde_json::from_str::<Nanodollars>(&json).unwrap(), amount);
        }

        #[test]
        fn reading_never_panics(text in ".{0,40}") {
            let _ = text.parse::<Nanodollars>();
        }
    }
}
