mod faults;
mod quotas;
mod requests;

/// An answer as Gemini gave it.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/gemini/", $name, ".json"))
    };
}
use fixture;
