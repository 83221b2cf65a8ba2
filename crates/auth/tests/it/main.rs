//! Behaviour of the crate at its boundary, with a directory in memory and a clock that is moved by hand.
#![expect(clippy::unwrap_used, reason = "helpers of tests are not recognised as tests")]

mod access_tokens;
mod api_keys;
mod corpus;
mod directory;
mod key_ring;
mod passwords;
mod secrecy;
mod settings;
mod sign_in;
mod signed_in;
mod throttle;
mod vault;
mod world;
