use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gateway_simulator::Simulator;

use crate::http;
use crate::server::Server;
use crate::serving::{headers, message};

/// Clients that ask one request after the other, half of them for streams.
pub(crate) struct Load {
    clients: Vec<JoinHandle<Vec<Seen>>>,
    is_over: Arc<AtomicBool>,
}

/// What a client saw of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// All of its answer; the gateway's name for it.
    Whole(String),
    /// Not all of it, or nothing.
    Cut,
    /// Another status than 200, and what was said with it.
    Refused(u16, String),
}

impl Load {
    /// Until the server is gone, or the load is taken off.
    pub(crate) fn on(server: &Server, key: &str, clients: usize) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let ask = |number: usize| {
            let (address, key, is_over) = (server.address.clone(), key.to_owned(), Arc::clone(&is_over));
            thread::spawn(move || {
                let mut seen = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let Some(one) = ask(&address, &key, number % 2 == 1) else {
                        break;
                    };
                    let is_cut = one == Seen::Cut;
                    seen.push(one);
                    if is_cut {
                        break;
                    }
                }
                seen
            })
        };
        Self {
            clients: (0..clients).map(ask).collect(),
            is_over,
        }
    }

    /// What all clients saw, once each has seen its last.
    pub(crate) fn off(self) -> Vec<Seen> {
        self.is_over.store(true, Ordering::Relaxed);
        self.clients
            .into_iter()
            .flat_map(|client| client.join().unwrap())
            .collect()
    }
}

/// `None` if nobody takes the request.
pub(crate) fn ask(address: &str, key: &str, stream: bool) -> Option<Seen> {
    let mut connection = http::try_send(address, "POST", "/v1/messages", &headers(key), &message(stream))?;
    let mut text = Vec::new();
    let is_read = connection.read_to_end(&mut text).is_ok();
    let text = String::from_utf8_lossy(&text);
    let Some(status) = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)) else {
        return Some(Seen::Cut);
    };
    if status != "200" {
        return Some(Seen::Refused(status.parse().unwrap(), text.into_owned()));
    }
    let last = if stream {
        "event: message_stop"
    } else {
        "\"stop_reason\":\""
    };
    let id = text
        .lines()
        .find_map(|line| line.strip_prefix("x-gateway-request-id: "));
    match id {
        Some(id) if is_read && text.contains(last) => Some(Seen::Whole(id.to_owned())),
        _ => Some(Seen::Cut),
    }
}

/// Waits until so many more requests have come to the provider.
pub(crate) fn wait_for_requests(provider: &Simulator, more: u64) {
    let before = provider.tally().received;
    while provider.tally().received < before + more {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The ids of those that were answered whole.
pub(crate) fn whole(seen: &[Seen]) -> Vec<&String> {
    seen.iter()
        .filter_map(|seen| match seen {
            Seen::Whole(id) => Some(id),
            Seen::Cut | Seen::Refused(..) => None,
        })
        .collect()
}
