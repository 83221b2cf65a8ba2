use std::collections::{HashMap, VecDeque};

use crate::script::{Endpoint, Script};

/// The scripts that wait for their requests.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    next: VecDeque<Script>,
    next_of: HashMap<String, VecDeque<Script>>,
    always: Vec<Script>,
    always_of: HashMap<String, Vec<Script>>,
}

impl Scripts {
    pub(crate) fn add_next(&mut self, credential: Option<&str>, script: Script) {
        let queue = match credential {
            Some(credential) => self.next_of.entry(credential.to_owned()).or_default(),
            None => &mut self.next,
        };
        queue.push_back(script);
    }

    pub(crate) fn set_always(&mut self, credential: Option<&str>, script: Script) {
        let standing = match credential {
            Some(credential) => self.always_of.entry(credential.to_owned()).or_default(),
            None => &mut self.always,
        };
        standing.retain(|own| own.endpoint != script.endpoint);
        standing.push(script);
    }

    pub(crate) fn forget_of(&mut self, credential: &str) {
        self.next_of.remove(credential);
        self.always_of.remove(credential);
    }

    /// The account's own before those for everyone, the queues before the standing ones. What is for everyone
    /// is not spent on a credential that is refused anyway.
    pub(crate) fn take(
        &mut self,
        credential: Option<&str>,
        is_accepted: bool,
        endpoint: Endpoint,
    ) -> Option<Script> {
        if let Some(credential) = credential {
            let own = self
                .next_of
                .get_mut(credential)
                .and_then(|queue| take_first(queue, endpoint));
            let standing = || self.always_of.get(credential).and_then(|all| find(all, endpoint));
            if let Some(script) = own.or_else(standing) {
                return Some(script);
            }
        }
        if !is_accepted {
            return None;
        }
        take_first(&mut self.next, endpoint).or_else(|| find(&self.always, endpoint))
    }
}

fn take_first(queue: &mut VecDeque<Script>, endpoint: Endpoint) -> Option<Script> {
    let at = queue.iter().position(|script| script.endpoint.covers(endpoint))?;
    queue.remove(at)
}

fn find(scripts: &[Script], endpoint: Endpoint) -> Option<Script> {
    scripts
        .iter()
        .rev()
        .find(|script| script.endpoint.covers(endpoint))
        .cloned()
}
