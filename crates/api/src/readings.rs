use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Problem;

/// Bodies of strangers that are read at once from one network.
const MOST: usize = 64;

/// How many bodies of strangers are being read, by where they come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readings(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Reading {
    all: Readings,
    network: IpAddr,
}

impl Readings {
    /// # Errors
    ///
    /// A [`Problem`] when so many come from there already.
    pub(crate) fn begin(&self, network: IpAddr) -> Result<Reading, Problem> {
        let mut open = self.open();
        let count = open.entry(network).or_default();
        if *count >= MOST {
            return Err(Problem::unavailable(
                "too much is being sent at once from this address",
            ));
        }
        *count += 1;
        Ok(Reading {
            all: self.clone(),
            network,
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut open = self.all.open();
        if let Some(count) = open.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{MOST, Readings};

    #[test]
    fn one_network_does_not_take_the_room_of_others() {
        let readings = Readings::default();
        let [one, other] = [1, 2].map(|host| IpAddr::from([192, 0, 2, host]));
        let mut held: Vec<_> = (0..MOST).map(|_| readings.begin(one).unwrap()).collect();
        assert!(readings.begin(one).is_err());
        assert!(readings.begin(other).is_ok());
        held.pop();
        held.push(readings.begin(one).unwrap());
        drop(held);
        assert!(readings.open().is_empty());
    }
}
