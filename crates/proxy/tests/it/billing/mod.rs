//! From the usage that a provider's answer tells to what its price page makes of it.
//!
//! Every sum is worked out by hand, in pico-dollars: a dollar for a million tokens is a million of them a token.

use gateway_domain::{AccountId, Dialect, Nanodollars, ProviderKind};
use gateway_metering::{Charge, PriceCatalogue};
use gateway_protocol::codec;
use serde_json::Value;

mod anthropic;
mod gemini;
mod openai;

/// An answer to a request for a model.
struct Answer {
    dialect: Dialect,
    provider: ProviderKind,
    model: &'static str,
    body: Value,
}

impl Answer {
    /// What it costs at the list's prices.
    #[track_caller]
    fn charge(&self) -> Charge {
        let body = self.body.to_string();
        let codec = codec(self.dialect).expect("every dialect has a codec");
        let usage = codec.read_answer(body.as_bytes()).usage.expect("usage");
        let now = "2026-11-22T12:00:00Z".parse().expect("a time");
        PriceCatalogue::embedded()
            .charge(AccountId::NIL, self.provider, self.model, now, &usage)
            .expect("a price")
    }

    #[track_caller]
    fn costs(&self, picodollars: i64) {
        assert_eq!(picodollars % 1000, 0, "state the rounding where there is one");
        self.costs_nanos(picodollars / 1000);
    }

    #[track_caller]
    fn costs_nanos(&self, nanodollars: i64) {
        assert_eq!(
            self.charge().cost,
            Nanodollars::from_nanos(nanodollars),
            "{}",
            self.body
        );
    }
}
