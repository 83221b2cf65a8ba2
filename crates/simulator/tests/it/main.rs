//! The simulator as its clients see it.

mod client;
mod messages;
