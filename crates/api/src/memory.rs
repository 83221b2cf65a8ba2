use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Problem;

/// What bodies may take in memory together, and perhaps those of some among them.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Semaphore>, Option<Arc<Semaphore>>);

impl Memory {
    pub(crate) fn of(bytes: usize) -> Self {
        Self(room(bytes), None)
    }

    /// The same for those who may take no more than their share.
    pub(crate) fn within(&self, share: Arc<Semaphore>) -> Self {
        Self(Arc::clone(&self.0), Some(share))
    }

    /// Room for a body of at most `limit` bytes, of which `announced` are expected.
    pub(crate) fn buffer(&self, limit: usize, announced: Option<usize>) -> Buffer {
        Buffer {
            memory: self.clone(),
            bytes: Vec::new(),
            taken: Vec::new(),
            limit,
            expected: announced.map_or(limit, |announced| announced.min(limit)),
        }
    }

    fn reserve(&self, bytes: usize) -> Result<Vec<OwnedSemaphorePermit>, Problem> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let rooms = [Some(&self.0), self.1.as_ref()].into_iter().flatten();
        rooms
            .map(|room| Arc::clone(room).try_acquire_many_owned(bytes))
            .collect::<Result<_, _>>()
            .map_err(|_| Problem::unavailable("too much is being sent at once"))
    }
}

fn room(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)))
}

/// How much of the memory for bodies those of one network may take, so that there is some left for others.
pub(crate) struct Shares {
    bytes: usize,
    /// Those that are in use, and some that were.
    by_network: Mutex<HashMap<IpAddr, Weak<Semaphore>>>,
}

impl Shares {
    /// Shares that have been in use are looked for when there are more than this.
    const MANY: usize = 1000;

    pub(crate) fn of(bytes: usize) -> Self {
        Self {
            bytes,
            by_network: Mutex::default(),
        }
    }

    pub(crate) fn share(&self, network: IpAddr) -> Arc<Semaphore> {
        let mut shares = self.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&network).and_then(Weak::upgrade) {
            return share;
        }
        if shares.len() >= Self::MANY {
            shares.retain(|_, share| share.strong_count() > 0);
        }
        let share = room(self.bytes);
        shares.insert(network, Arc::downgrade(&share));
        share
    }
}

/// A body that grows: what it takes is reserved before it is allocated, and no more than what has come asks for.
pub(crate) struct Buffer {
    memory: Memory,
    // Invariant: what is taken is its capacity.
    bytes: Vec<u8>,
    taken: Vec<OwnedSemaphorePermit>,
    limit: usize,
    expected: usize,
}

impl Buffer {
    /// # Errors
    ///
    /// A [`Problem`] when the body is beyond its limit, or all bodies together are beyond theirs.
    pub(crate) fn extend(&mut self, more: &[u8]) -> Result<(), Problem> {
        let needed = self.bytes.len().saturating_add(more.len());
        if needed > self.limit {
            return Err(Problem::too_large(self.limit));
        }
        if needed > self.bytes.capacity() {
            self.grow(needed)?;
        }
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    fn grow(&mut self, needed: usize) -> Result<(), Problem> {
        let doubled = self.bytes.capacity().saturating_mul(2).min(self.expected);
        let capacity = doubled.max(needed);
        // For a moment there are the old bytes and the new ones, so both are counted.
        let taken = self.memory.reserve(capacity)?;
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(&self.bytes);
        self.bytes = bytes;
        self.taken = taken;
        Ok(())
    }

    /// The body, counted against what all bodies may take together until the last of its clones is dropped.
    pub(crate) fn into_body(self) -> Bytes {
        Bytes::from_owner(Counted {
            bytes: self.bytes,
            _taken: self.taken,
        })
    }
}

struct Counted {
    bytes: Vec<u8>,
    _taken: Vec<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Memory, Shares};
    use crate::error::Code;

    #[test]
    fn memory_is_reserved_before_it_is_taken_and_given_back() {
        let memory = Memory::of(100);
        let mut buffer = memory.buffer(1000, None);
        buffer.extend(&[1; 40]).unwrap();
        // 40 are there already, and 80 more would be needed to make room for twice as many.
        assert_eq!(buffer.extend(&[2; 10]).unwrap_err().code, Code::Unavailable);
        let body = buffer.into_body();
        assert_eq!(&body[..], &[1; 40]);
        let clone = body.clone();
        drop(body);
        assert!(memory.reserve(61).is_err());
        drop(clone);
        assert!(memory.reserve(100).is_ok());
    }

    #[test]
    fn one_network_does_not_take_the_room_of_others() {
        let (memory, shares) = (Memory::of(100), Shares::of(25));
        let [one, other] = [1, 2].map(|host| IpAddr::from([192, 0, 2, host]));
        let buffer = |network| memory.within(shares.share(network)).buffer(100, None);
        let mut slow: Vec<_> = (0..20).map(|_| buffer(one)).collect();
        for buffer in &mut slow {
            buffer.extend(&[0]).unwrap();
        }
        // Many who send little are no trouble, but one network has no more than its share.
        buffer(one).extend(&[0; 5]).unwrap();
        assert_eq!(buffer(one).extend(&[0; 6]).unwrap_err().code, Code::Unavailable);
        buffer(other).extend(&[0; 25]).unwrap();
        drop(slow);
        buffer(one).extend(&[0; 25]).unwrap();
        for host in 0..3 * Shares::MANY as u32 {
            shares.share(IpAddr::from(host.to_be_bytes()));
        }
        assert!(shares.by_network.lock().unwrap().len() <= Shares::MANY);
    }

    #[test]
    fn what_is_announced_is_taken_only_as_it_comes() {
        let memory = Memory::of(100);
        let mut buffers: Vec<_> = (0..10).map(|_| memory.buffer(100, Some(100))).collect();
        for buffer in &mut buffers {
            buffer.extend(&[0; 10]).unwrap();
        }
        assert_eq!(
            buffers[0].extend(&[0; 91]).unwrap_err().code,
            Code::PayloadTooLarge
        );
    }
}
