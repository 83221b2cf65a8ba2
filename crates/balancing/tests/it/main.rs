//! Behaviour of the pool at its boundary, on a clock that is moved by hand.

mod choosing;
mod concurrency;
mod explaining;
mod healing;
mod patience;
mod probing;
mod quotas;
mod remembering;
#[path = "../../benches/scenarios/mod.rs"]
mod scenarios;
mod simulating;
mod strategies;
mod support;
mod waiting;
