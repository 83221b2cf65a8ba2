use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

use tokio::net::{TcpSocket, lookup_host};

use crate::Result;
use crate::config::ServerSettings;

/// Connections that the system holds ready while all workers are busy.
const BACKLOG: u32 = 1024;

/// The ports that are ours, before anything is answered on them.
#[derive(Debug)]
pub(crate) struct Listeners {
    pub(crate) sockets: Vec<TcpListener>,
    /// Never empty.
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Listeners {
    /// # Errors
    ///
    /// Which port of which address cannot be had, and what to do.
    pub(crate) async fn bind(settings: &ServerSettings) -> Result<Self> {
        let (host, port) = (settings.host.trim_matches(['[', ']']), settings.port);
        let mut wanted: Vec<SocketAddr> = lookup_host((host, port))
            .await
            .map_err(|error| format!("HOST is {host}, which is no address of this machine: {error}"))?
            .collect();
        // With port 0 each would get a port of its own.
        if port == 0 {
            wanted.truncate(1);
        }
        let mut listeners = Self {
            sockets: Vec::new(),
            addresses: Vec::new(),
        };
        for address in wanted {
            let socket = open(address).map_err(|error| refusal(address, &error))?;
            listeners.addresses.push(socket.local_addr()?);
            listeners.sockets.push(socket);
        }
        match listeners.addresses.is_empty() {
            false => Ok(listeners),
            true => Err(format!("HOST is {host}, which has no address").into()),
        }
    }

    /// Whether nobody but this machine can connect.
    pub(crate) fn are_loopback(&self) -> bool {
        self.addresses.iter().all(|address| address.ip().is_loopback())
    }

    /// An address to type into a browser on this machine.
    pub(crate) fn url(&self, scheme: &str) -> String {
        let address = self.addresses[0];
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        format!("{scheme}://{ip}:{}", address.port())
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

fn refusal(address: SocketAddr, error: &io::Error) -> String {
    let (ip, port) = (address.ip(), address.port());
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {port} of {ip} is taken by another program: choose another one, such as PORT={}, or stop that program",
            port.checked_add(1).unwrap_or(8080)
        ),
        io::ErrorKind::PermissionDenied => {
            format!(
                "port {port} needs rights that this user does not have: choose one from 1024 on, such as PORT=8080"
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("this machine has no address {ip}: choose one that it has, or HOST=0.0.0.0 for all")
        }
        _ => format!("cannot listen on {address}: {error}"),
    }
}
