use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gateway_providers::{AddressPolicy, Exception, Reach};
use gateway_proxy::{Network, Resolver};
use gateway_simulator::Simulator;
use http::Uri;

/// The network with these exceptions listed.
pub(crate) fn network(exceptions: &[&str]) -> Network {
    network_trusting(exceptions, &[])
}

/// The same, with another authority to trust.
pub(crate) fn network_trusting(exceptions: &[&str], roots: &[Vec<u8>]) -> Network {
    let exceptions = exceptions.iter().map(|text| text.parse::<Exception>().unwrap());
    Network::new(AddressPolicy::new(exceptions), roots).unwrap()
}

/// The port that a simulator listens on.
pub(crate) fn port_of(simulator: &Simulator) -> u16 {
    let url: Uri = simulator.base_url().parse().unwrap();
    url.port_u16().unwrap()
}

/// Names that lead where a test wants them to: every question takes the next answer, and the last one stays.
#[derive(Default)]
pub(crate) struct Names {
    answers: Mutex<HashMap<&'static str, VecDeque<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    /// One name with its answers.
    pub(crate) fn of(name: &'static str, answers: &[&[&str]]) -> Arc<Self> {
        let names = Self::default();
        names.lead(name, answers);
        Arc::new(names)
    }

    pub(crate) fn lead(&self, name: &'static str, answers: &[&[&str]]) {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        self.answers
            .lock()
            .unwrap()
            .insert(name, answers.iter().map(parse).collect());
    }

    /// The names that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolver for Names {
    async fn addresses(&self, name: &str, _: Reach) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        if answers.len() > 1 {
            return Ok(answers.pop_front().unwrap());
        }
        Ok(answers[0].clone())
    }
}

/// A port of this machine that nobody should connect to.
pub(crate) struct Trap(TcpListener);

impl Trap {
    pub(crate) fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    #[track_caller]
    pub(crate) fn assert_untouched(&self) {
        let error = self.0.accept().expect_err("nobody connects");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
