//! Behaviour of the pool at its boundary, on a clock that is moved by hand.

mod choosing;
mod concurrency;
mod explaining;
mod healing;
mod probing;
mod quotas;
mod remembering;
mod support;
mod waiting;
