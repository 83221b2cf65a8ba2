use std::borrow::Cow;

use gateway_domain::{Nanodollars, PicodollarsPerToken, PriceFactor, Timestamp, Usage};

use crate::variant::{Premium, Variant};

/// What a million tokens of one model cost.
///
/// A rate that is not listed falls back on another one: a cache read costs what uncached input costs, a short
/// cache write too, and a long cache write costs what a short one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Input that was neither read from nor written to a prompt cache.
    pub input: PicodollarsPerToken,
    /// All output, reasoning included.
    pub output: PicodollarsPerToken,
    /// Input read from a prompt cache.
    pub cache_read: Option<PicodollarsPerToken>,
    /// Input written to a short-lived prompt cache.
    pub cache_write_5m: Option<PicodollarsPerToken>,
    /// Input written to a long-lived prompt cache.
    pub cache_write_1h: Option<PicodollarsPerToken>,
}

/// The price of one model at one moment.
///
/// Borrowed from the [`PriceCatalogue`](crate::PriceCatalogue) that found it.
#[derive(Debug, Clone, Copy)]
pub struct Price<'a> {
    pub(crate) version: &'a str,
    pub(crate) sheet: &'a Sheet,
    pub(crate) web_searches_per_1k: Option<Nanodollars>,
    /// The latest first, whether in force or not.
    pub(crate) variants: &'a [Variant],
    pub(crate) premiums: &'static [Premium],
    pub(crate) at: Timestamp,
    /// What an account is charged of all this, and the version that says so.
    pub(crate) share: Option<(&'a str, PriceFactor)>,
}

impl<'a> Price<'a> {
    /// Names the price list and the model in it, like `2026-11-22/claude-sonnet-4-5`, or the price that was set,
    /// like `operator/0199…` or `account/0199…`. An account's share stands before what it is a share of.
    ///
    /// Together with the provider and the time of the attempt it says how a cost came about.
    #[must_use]
    pub fn version(&self) -> Cow<'a, str> {
        match self.share {
            None => Cow::Borrowed(self.version),
            Some((share, _)) => Cow::Owned(format!("{share}/{}", self.version)),
        }
    }

    /// The standard rates of a request with a short prompt, to the nearest pico-dollar.
    #[must_use]
    pub fn rates(&self) -> Rates {
        let rates = self.sheet.rates();
        let share = |rate: PicodollarsPerToken| {
            let picos = i128::from(rate.as_picos().max(0)).saturating_mul(self.millionths());
            let picos = divide_half_even(picos, MILLION);
            PicodollarsPerToken::from_picos(i64::try_from(picos).unwrap_or(i64::MAX))
        };
        match self.share {
            None => rates,
            Some(_) => Rates {
                input: share(rates.input),
                output: share(rates.output),
                cache_read: rates.cache_read.map(share),
                cache_write_5m: rates.cache_write_5m.map(share),
                cache_write_1h: rates.cache_write_1h.map(share),
            },
        }
    }

    fn millionths(&self) -> i128 {
        self.share
            .map_or(MILLION, |(_, factor)| i128::from(factor.as_millionths().max(0)))
    }

    /// What `usage` costs as one call of this model, exact to half a nano-dollar and never negative.
    ///
    /// A prompt beyond a tier's threshold, caches included, is charged at the tier's rates throughout, and so is
    /// its output. The tier, speed and geography are those that the answer named; names that have no price of
    /// their own are charged at the standard rates. Audio, images and video are charged as text. Searches of the
    /// web are free where the list has no price for them. An amount beyond what [`Nanodollars`] holds becomes the
    /// largest that it holds.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Nanodollars {
        self.exact_cost(usage).rounded()
    }

    pub(crate) fn exact_cost(&self, usage: &Usage) -> Zeptodollars {
        let tokens = self
            .token_picos(usage)
            .saturating_mul(self.premium_permille(usage));
        // A price in nano-dollars for a thousand searches is one in pico-dollars for each.
        let per_search = self.web_searches_per_1k.map_or(0, Nanodollars::as_nanos).max(0);
        let searches = i128::from(usage.web_searches)
            .saturating_mul(i128::from(per_search))
            .saturating_mul(PERMILLE);
        Zeptodollars(tokens.saturating_add(searches).saturating_mul(self.millionths()))
    }

    /// The most that so many tokens can cost, whatever caches make of the input and whatever the answer says of itself.
    ///
    /// Of the ways of being served that have rates of their own those count of which `is_possible` says that the
    /// answer may name the tier, the speed or the geography. Searches of the web are not in it.
    #[must_use]
    pub fn ceiling(
        &self,
        input_tokens: u64,
        output_tokens: u64,
        is_possible: impl Fn(&str) -> bool,
    ) -> Nanodollars {
        let variants = self
            .variants
            .iter()
            .filter(|variant| variant.is_possible(&is_possible));
        let sheets: Vec<&Sheet> = std::iter::once(self.sheet)
            .chain(variants.map(|variant| &variant.sheet))
            .collect();
        let dearest = |meters: &[Meter]| {
            let rates = sheets.iter().flat_map(|sheet| {
                let rates = meters
                    .iter()
                    .filter_map(|meter| sheet.dearest(*meter, input_tokens));
                rates.map(|rate| i128::from(rate.as_picos().max(0)))
            });
            rates.max().unwrap_or(0)
        };
        let input = dearest(&[
            Meter::Input,
            Meter::CacheRead,
            Meter::CacheWrite5m,
            Meter::CacheWrite1h,
        ]);
        let output = dearest(&[Meter::Output]);
        let picos = i128::from(input_tokens)
            .saturating_mul(input)
            .saturating_add(i128::from(output_tokens).saturating_mul(output));
        let premium = self.premiums.iter().map(|premium| premium.permille).max();
        let picos = picos
            .saturating_mul(premium.unwrap_or(PERMILLE).max(PERMILLE))
            .saturating_mul(self.millionths());
        // Rounded up: what is held must suffice.
        let nanos = picos.saturating_add(PER_NANO - 1) / PER_NANO;
        Nanodollars::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    fn applying<'u>(&self, usage: &'u Usage) -> impl Iterator<Item = &'a Variant> + use<'a, 'u> {
        let at = self.at;
        self.variants
            .iter()
            .filter(move |variant| variant.applies(usage, at))
    }

    fn premium_permille(&self, usage: &Usage) -> i128 {
        // Rates of their own for a geography already hold what it costs more.
        if self.applying(usage).any(Variant::names_geo) {
            return PERMILLE;
        }
        self.premiums
            .iter()
            .find(|premium| premium.applies(usage))
            .map_or(PERMILLE, |premium| premium.permille)
    }

    fn token_picos(&self, usage: &Usage) -> i128 {
        let tokens = &usage.tokens;
        let total_input = tokens.total_input();
        let listed = |meter| {
            self.applying(usage)
                .find_map(|variant| variant.sheet.rate(meter, total_input))
                .or_else(|| self.sheet.rate(meter, total_input))
        };
        let input = listed(Meter::Input).unwrap_or_default();
        let short_write = listed(Meter::CacheWrite5m).unwrap_or(input);
        [
            (tokens.input, input),
            (tokens.cache_read, listed(Meter::CacheRead).unwrap_or(input)),
            (tokens.cache_write_5m, short_write),
            (
                tokens.cache_write_1h,
                listed(Meter::CacheWrite1h).unwrap_or(short_write),
            ),
            (tokens.output, listed(Meter::Output).unwrap_or_default()),
        ]
        .into_iter()
        .map(|(count, rate)| i128::from(count).saturating_mul(i128::from(rate.as_picos().max(0))))
        .fold(0, i128::saturating_add)
    }
}

/// A sum of money before it is rounded: pico-dollars times a premium in permille times a share in millionths.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Zeptodollars(i128);

impl Zeptodollars {
    pub(crate) fn rounded(self) -> Nanodollars {
        let nanos = divide_half_even(self.0, PER_NANO);
        Nanodollars::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

impl std::ops::Add for Zeptodollars {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

const MILLION: i128 = 1_000_000;
/// A nano-dollar in the unit of [`Zeptodollars`].
const PER_NANO: i128 = PICOS_PER_NANO * PERMILLE * MILLION;
const PERMILLE: i128 = 1000;
const PICOS_PER_NANO: i128 = 1000;

/// What a token is charged as.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Meter {
    Input,
    Output,
    CacheRead,
    CacheWrite5m,
    CacheWrite1h,
}

/// The rates that a list names, those that it leaves out being `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Meters {
    pub(crate) input: Option<PicodollarsPerToken>,
    pub(crate) output: Option<PicodollarsPerToken>,
    pub(crate) cache_read: Option<PicodollarsPerToken>,
    pub(crate) cache_write_5m: Option<PicodollarsPerToken>,
    pub(crate) cache_write_1h: Option<PicodollarsPerToken>,
}

impl Meters {
    const fn get(&self, meter: Meter) -> Option<PicodollarsPerToken> {
        match meter {
            Meter::Input => self.input,
            Meter::Output => self.output,
            Meter::CacheRead => self.cache_read,
            Meter::CacheWrite5m => self.cache_write_5m,
            Meter::CacheWrite1h => self.cache_write_1h,
        }
    }

    fn or(&self, other: &Self) -> Self {
        Self {
            input: self.input.or(other.input),
            output: self.output.or(other.output),
            cache_read: self.cache_read.or(other.cache_read),
            cache_write_5m: self.cache_write_5m.or(other.cache_write_5m),
            cache_write_1h: self.cache_write_1h.or(other.cache_write_1h),
        }
    }

    fn rates(&self) -> Rates {
        Rates {
            input: self.input.unwrap_or_default(),
            output: self.output.unwrap_or_default(),
            cache_read: self.cache_read,
            cache_write_5m: self.cache_write_5m,
            cache_write_1h: self.cache_write_1h,
        }
    }
}

impl From<Rates> for Meters {
    fn from(rates: Rates) -> Self {
        Self {
            input: Some(rates.input),
            output: Some(rates.output),
            cache_read: rates.cache_read,
            cache_write_5m: rates.cache_write_5m,
            cache_write_1h: rates.cache_write_1h,
        }
    }
}

/// Rates by the length of the prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sheet {
    meters: Meters,
    /// Invariant: sorted by threshold, the highest first.
    tiers: Vec<Tier>,
}

/// The rates of prompts beyond a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tier {
    pub(crate) above_input_tokens: u64,
    pub(crate) meters: Meters,
}

impl Sheet {
    /// Whether it has a price for tokens at all.
    pub(crate) const fn charges_input(&self) -> bool {
        self.meters.input.is_some()
    }

    pub(crate) fn new(meters: Meters, mut tiers: Vec<Tier>) -> Self {
        tiers.sort_by_key(|tier| std::cmp::Reverse(tier.above_input_tokens));
        Self { meters, tiers }
    }

    pub(crate) fn rates(&self) -> Rates {
        self.meters.rates()
    }

    /// The thresholds and rates of long prompts, the lowest first.
    pub(crate) fn tier_rates(&self) -> Vec<(u64, Rates)> {
        let mut below = self.meters;
        let mut rates = Vec::with_capacity(self.tiers.len());
        for tier in self.tiers.iter().rev() {
            below = tier.meters.or(&below);
            rates.push((tier.above_input_tokens, below.rates()));
        }
        rates
    }

    /// The highest rate of a prompt that may be shorter than `most_input`.
    fn dearest(&self, meter: Meter, most_input: u64) -> Option<PicodollarsPerToken> {
        let reached = self
            .tiers
            .iter()
            .filter(|tier| most_input > tier.above_input_tokens);
        let rates = reached
            .map(|tier| &tier.meters)
            .chain(std::iter::once(&self.meters));
        rates.filter_map(|meters| meters.get(meter)).max()
    }

    /// A tier that leaves a meter out charges it at the rate of the next lower tier.
    fn rate(&self, meter: Meter, total_input: u64) -> Option<PicodollarsPerToken> {
        self.tiers
            .iter()
            .filter(|tier| total_input > tier.above_input_tokens)
            .find_map(|tier| tier.meters.get(meter))
            .or_else(|| self.meters.get(meter))
    }
}

/// `amount / divisor` for amounts that are not negative, a half going to the even neighbour.
fn divide_half_even(amount: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = (amount / divisor, amount % divisor);
    let rounds_up = match (remainder * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient % 2 == 1,
        std::cmp::Ordering::Greater => true,
    };
    quotient + i128::from(rounds_up)
}

#[cfg(test)]
mod tests {
    use super::divide_half_even;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let cases = [
            (0, 0),
            (499, 0),
            (500, 0),
            (501, 1),
            (1499, 1),
            (1500, 2),
            (2500, 2),
            (2501, 3),
        ];
        for (amount, rounded) in cases {
            assert_eq!(divide_half_even(amount, 1000), rounded, "{amount}");
        }
    }
}
