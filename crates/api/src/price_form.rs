use gateway_domain::{Nanodollars, PicodollarsPerToken, PriceFactor};
use gateway_metering::{ListedTier, OperatorPrice, RateSheet, Rates, Terms};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::{Code, Problem};
use crate::rules::Check;

/// What a model costs, in US dollars for a million tokens. What is left out costs what it falls back on: a cache read
/// and a short cache write what input costs, a long cache write what a short one does.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPrice)]
pub(crate) struct PriceForm {
    #[schema(value_type = f64, example = 3.0)]
    input: PicodollarsPerToken,
    #[schema(value_type = f64, example = 15.0)]
    output: PicodollarsPerToken,
    #[serde(default)]
    #[schema(value_type = Option<f64>, example = 0.3)]
    cache_read: Option<PicodollarsPerToken>,
    #[serde(default)]
    #[schema(value_type = Option<f64>, example = 3.75)]
    cache_write_5m: Option<PicodollarsPerToken>,
    #[serde(default)]
    #[schema(value_type = Option<f64>, example = 6.0)]
    cache_write_1h: Option<PicodollarsPerToken>,
    /// The rates of longer prompts, the lowest threshold first.
    #[serde(default)]
    tiers: Vec<TierForm>,
    /// What a thousand searches of the web cost; left out it stays as listed.
    #[serde(default)]
    #[schema(value_type = Option<f64>, example = 10.0)]
    web_searches_per_1k_usd: Option<Nanodollars>,
}

/// What an account pays for a model: rates of its own, or with `multiplier` a share of what all others pay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccountPrice)]
pub(crate) struct AccountPriceForm {
    /// 0 to 1000, alone; 0.8 is a fifth less. Searches of the web included.
    #[serde(default)]
    #[schema(value_type = Option<f64>, example = 0.8)]
    multiplier: Option<PriceFactor>,
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    input: Option<PicodollarsPerToken>,
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    output: Option<PicodollarsPerToken>,
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    cache_read: Option<PicodollarsPerToken>,
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    cache_write_5m: Option<PicodollarsPerToken>,
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    cache_write_1h: Option<PicodollarsPerToken>,
    /// The rates of longer prompts, the lowest threshold first.
    #[serde(default)]
    tiers: Vec<TierForm>,
    /// What a thousand searches of the web cost; left out it stays as listed.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    web_searches_per_1k_usd: Option<Nanodollars>,
}

/// The rates of requests with a long prompt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPriceTier)]
struct TierForm {
    /// With more input than this, caches included, a request is charged at these rates throughout.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    above_input_tokens: u64,
    #[schema(value_type = f64)]
    input: PicodollarsPerToken,
    #[schema(value_type = f64)]
    output: PicodollarsPerToken,
    /// Left out, as in the tier below, and so are the next two.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    cache_read: Option<PicodollarsPerToken>,
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    cache_write_5m: Option<PicodollarsPerToken>,
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    cache_write_1h: Option<PicodollarsPerToken>,
}

/// Far more tokens than any prompt has.
const LARGEST_THRESHOLD: u64 = 1_000_000_000;
/// A thousand dollars a token: far beyond any price, and far below what overflows a sum.
const MOST: PicodollarsPerToken = PicodollarsPerToken::from_picos(1_000_000_000_000_000);

const MOST_FOR_SEARCHES: Nanodollars = Nanodollars::from_nanos(1_000_000_000_000_000);

const MOST_TIERS: usize = 16;

const LARGEST_FACTOR: PriceFactor = PriceFactor::from_millionths(1_000_000_000);

impl PriceForm {
    pub(crate) fn checked(self) -> Result<RateSheet, Problem> {
        let sheet = RateSheet {
            rates: Rates {
                input: self.input,
                output: self.output,
                cache_read: self.cache_read,
                cache_write_5m: self.cache_write_5m,
                cache_write_1h: self.cache_write_1h,
            },
            tiers: self.tiers.into_iter().map(ListedTier::from).collect(),
            web_searches_per_1k: self.web_searches_per_1k_usd,
        };
        let mut check = Check::default();
        check_sheet(&mut check, &sheet);
        check.finish()?;
        Ok(sheet)
    }
}

impl AccountPriceForm {
    /// `model` may be [every one](OperatorPrice::EVERY_MODEL).
    pub(crate) fn checked(self, model: &str) -> Result<Terms, Problem> {
        let mut check = Check::default();
        if let Some(multiplier) = self.multiplier {
            let zero = PriceFactor::from_millionths(0);
            check.within("multiplier", multiplier, zero, LARGEST_FACTOR);
            for (field, is_given) in self.rates_given() {
                check.require(!is_given, field, "a multiplier stands alone");
            }
            check.finish()?;
            return Ok(Terms::Factor(multiplier));
        }
        if model == OperatorPrice::EVERY_MODEL {
            check.refuse("multiplier", "required for `*`, which stands for every model");
        }
        check.require(self.input.is_some(), "input", "required without a multiplier");
        check.require(self.output.is_some(), "output", "required without a multiplier");
        check.finish()?;
        let form = PriceForm {
            input: self.input.unwrap_or_default(),
            output: self.output.unwrap_or_default(),
            cache_read: self.cache_read,
            cache_write_5m: self.cache_write_5m,
            cache_write_1h: self.cache_write_1h,
            tiers: self.tiers,
            web_searches_per_1k_usd: self.web_searches_per_1k_usd,
        };
        form.checked().map(Terms::Rates)
    }

    fn rates_given(&self) -> [(&'static str, bool); 7] {
        [
            ("input", self.input.is_some()),
            ("output", self.output.is_some()),
            ("cache_read", self.cache_read.is_some()),
            ("cache_write_5m", self.cache_write_5m.is_some()),
            ("cache_write_1h", self.cache_write_1h.is_some()),
            ("tiers", !self.tiers.is_empty()),
            ("web_searches_per_1k_usd", self.web_searches_per_1k_usd.is_some()),
        ]
    }
}

fn check_sheet(check: &mut Check, sheet: &RateSheet) {
    check_rates(check, "", &sheet.rates);
    check.require(
        sheet.tiers.len() <= MOST_TIERS,
        "tiers",
        "expected at most 16 tiers",
    );
    for (index, tier) in sheet.tiers.iter().enumerate() {
        check_rates(check, &format!("tiers[{index}]."), &tier.rates);
    }
    let thresholds = || sheet.tiers.iter().map(|tier| tier.above_input_tokens);
    let is_rising = thresholds()
        .zip(thresholds().skip(1))
        .all(|(low, high)| low < high);
    check.require(
        is_rising && thresholds().all(|threshold| (1..=LARGEST_THRESHOLD).contains(&threshold)),
        "tiers",
        "expected thresholds that rise, from 1 to 1000000000",
    );
    let searches = sheet.web_searches_per_1k.unwrap_or_default();
    let zero = Nanodollars::ZERO;
    check.within("web_searches_per_1k_usd", searches, zero, MOST_FOR_SEARCHES);
}

fn check_rates(check: &mut Check, prefix: &str, rates: &Rates) {
    let given = [
        ("input", Some(rates.input)),
        ("output", Some(rates.output)),
        ("cache_read", rates.cache_read),
        ("cache_write_5m", rates.cache_write_5m),
        ("cache_write_1h", rates.cache_write_1h),
    ];
    let zero = PicodollarsPerToken::default();
    for (field, rate) in given {
        check.within(&format!("{prefix}{field}"), rate.unwrap_or_default(), zero, MOST);
    }
}

impl From<TierForm> for ListedTier {
    fn from(tier: TierForm) -> Self {
        Self {
            above_input_tokens: tier.above_input_tokens,
            rates: Rates {
                input: tier.input,
                output: tier.output,
                cache_read: tier.cache_read,
                cache_write_5m: tier.cache_write_5m,
                cache_write_1h: tier.cache_write_1h,
            },
        }
    }
}

/// The name of one model, as it stands in a path.
pub(crate) fn checked_model(model: &str) -> Result<&str, Problem> {
    let is_name = (1..=200).contains(&model.len())
        && model.bytes().all(|byte| byte.is_ascii_graphic())
        && model != OperatorPrice::EVERY_MODEL;
    is_name.then_some(model).ok_or_else(|| {
        Problem::new(
            Code::InvalidParameter,
            "a model's name has 1 to 200 visible ASCII characters, and `*` stands for every model of an account only",
        )
    })
}
