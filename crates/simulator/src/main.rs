//! The simulator in a process of its own.

fn main() {}
