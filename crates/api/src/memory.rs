use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Problem;

/// What bodies may take in memory together.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Semaphore>);

impl Memory {
    pub(crate) fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Room for a body of at most `limit` bytes, of which `announced` are expected.
    pub(crate) fn buffer(&self, limit: usize, announced: Option<usize>) -> Buffer {
        Buffer {
            memory: self.clone(),
            bytes: Vec::new(),
            share: None,
            limit,
            expected: announced.map_or(limit, |announced| announced.min(limit)),
        }
    }

    fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let share = self.0.clone().try_acquire_many_owned(bytes);
        share.map_err(|_| Problem::unavailable("too much is being sent at once"))
    }
}

/// A body that grows: what it takes is reserved before it is allocated, and no more than what has come asks for.
pub(crate) struct Buffer {
    memory: Memory,
    // Invariant: `share` is for its capacity.
    bytes: Vec<u8>,
    share: Option<OwnedSemaphorePermit>,
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
        let share = self.memory.reserve(capacity)?;
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(&self.bytes);
        self.bytes = bytes;
        self.share = Some(share);
        Ok(())
    }

    /// The body, counted against what all bodies may take together until the last of its clones is dropped.
    pub(crate) fn into_body(self) -> Bytes {
        Bytes::from_owner(Counted {
            bytes: self.bytes,
            _share: self.share,
        })
    }
}

struct Counted {
    bytes: Vec<u8>,
    _share: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;
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
