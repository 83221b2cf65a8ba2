//! What a server needs that lives for minutes: a port that nobody has and a secret that nobody knows.

use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};

use crate::Result;

/// A port of the loopback address that is free at this moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Hard to guess: other people of this machine can reach our ports.
pub(crate) fn secret() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
