use bytes::Bytes;

/// The longest event that is held until it is whole.
const MAX_HELD: usize = 1024 * 1024;

/// What has come of an event that is not over: clients get it when it is whole, or too long to be held.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    held: Vec<u8>,
    /// Whether some of the event has been passed on.
    is_begun: bool,
}

impl Unfinished {
    /// What may be passed on now that `chunk` has come, whose events end with its first `whole` bytes.
    pub(crate) fn release(&mut self, mut chunk: Bytes, whole: usize) -> Option<Bytes> {
        let rest = chunk.split_off(whole.min(chunk.len()));
        if !chunk.is_empty() {
            self.is_begun = false;
        }
        let open = if chunk.is_empty() { self.held.len() } else { 0 } + rest.len();
        let is_too_long = self.is_begun || open > MAX_HELD;
        let ready = if is_too_long {
            [chunk, rest.clone()].concat().into()
        } else {
            chunk
        };
        // What ends where its chunk does, as nearly everything, is not copied.
        let ready = if self.held.is_empty() || ready.is_empty() {
            ready
        } else {
            let mut all = std::mem::take(&mut self.held);
            all.extend_from_slice(&ready);
            all.into()
        };
        if is_too_long {
            self.is_begun = !rest.is_empty();
        } else {
            self.held.extend_from_slice(&rest);
        }
        (!ready.is_empty()).then_some(ready)
    }

    /// Takes note that what comes next goes on with an event whose beginning has been passed on, if anything was.
    pub(crate) const fn begins_earlier(&mut self, has_passed_on: bool) {
        self.is_begun = has_passed_on;
    }

    /// Whether the client has the beginning of an event that is not over.
    pub(crate) const fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// All that is held.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.is_begun = false;
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{MAX_HELD, Unfinished};

    fn release(unfinished: &mut Unfinished, chunk: &str, whole: usize) -> Option<String> {
        let released = unfinished.release(Bytes::copy_from_slice(chunk.as_bytes()), whole);
        released.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn an_event_waits_until_it_is_whole() {
        let mut unfinished = Unfinished::default();
        assert_eq!(
            release(&mut unfinished, "one|two|", 8).as_deref(),
            Some("one|two|")
        );
        assert_eq!(release(&mut unfinished, "three|fo", 6).as_deref(), Some("three|"));
        assert_eq!(release(&mut unfinished, "u", 0), None);
        assert_eq!(release(&mut unfinished, "r|five", 2).as_deref(), Some("four|"));
        assert_eq!(unfinished.take(), b"five");
        assert!(!unfinished.is_begun());
    }

    #[test]
    fn one_that_is_too_long_is_passed_on_as_it_comes() {
        let mut unfinished = Unfinished::default();
        let long = "x".repeat(MAX_HELD - 3);
        assert_eq!(release(&mut unfinished, &long, 0), None);
        assert!(!unfinished.is_begun());
        assert_eq!(release(&mut unfinished, "1234", 0), Some(format!("{long}1234")));
        assert!(unfinished.is_begun());
        assert_eq!(release(&mut unfinished, "5", 0).as_deref(), Some("5"));
        assert_eq!(release(&mut unfinished, "6|a", 2).as_deref(), Some("6|"));
        assert!(!unfinished.is_begun());
        assert_eq!(unfinished.take(), b"a");
    }
}
