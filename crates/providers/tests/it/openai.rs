mod dialects;
mod faults;
mod limits;
mod requests;

/// An answer as OpenAI gave it, or a server that speaks its dialect.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/openai/", $name, ".json"))
    };
}
use fixture;
