//! The engine at its boundary: calls in, answers and rows out, with the simulator behind a real socket.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod billing;
mod cancelling;
mod connections;
mod endurance;
mod failover;
mod holding;
mod leaking;
mod network;
mod passing_through;
mod probing;
mod proxies;
mod queueing;
mod reaching;
mod redirects;
mod retrying;
mod rig;
mod streams;
mod telling;
mod tls;
mod translating;
mod webhook;
