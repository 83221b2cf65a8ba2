use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway_store::{AuditAction, AuditResult, AuditTarget};

/// How long repetitions are only counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Different ones of a kind that are written down within that time.
const MOST_WRITTEN: usize = 20;

/// Kinds that are told apart; all beyond are one.
const MOST_KINDS: usize = 10_000;

/// What is alike about refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    pub(crate) action: AuditAction,
    pub(crate) target: AuditTarget,
    pub(crate) result: AuditResult,
    /// Where they come from; `None` for all networks that are not told apart.
    pub(crate) network: Option<IpAddr>,
}

/// Keeps a flood of refusals from becoming a flood of entries: each process for itself.
#[derive(Debug, Default)]
pub(crate) struct Repeats(Mutex<HashMap<Kind, Window>>);

#[derive(Debug)]
struct Window {
    began: Duration,
    /// What was written down, by its hash.
    written: Vec<u64>,
    unwritten: u64,
}

impl Window {
    const fn new(began: Duration) -> Self {
        Self {
            began,
            written: Vec::new(),
            unwritten: 0,
        }
    }

    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.began) >= WINDOW
    }
}

impl Repeats {
    /// Whether one more of its kind is written down, which differs from others in `what`, and how many were not in the
    /// window before.
    pub(crate) fn begin(&self, mut kind: Kind, what: impl Hash, now: Duration) -> Option<u64> {
        let mut windows = self.windows();
        if !windows.contains_key(&kind) && windows.len() >= MOST_KINDS {
            pool_what_is_over(&mut windows, now);
            if windows.len() >= MOST_KINDS {
                kind.network = None;
            }
        }
        let window = windows.entry(kind).or_insert_with(|| Window::new(now));
        let mut unwritten_before = 0;
        if window.is_over(now) {
            unwritten_before = window.unwritten;
            *window = Window::new(now);
        }
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let what = hasher.finish();
        if window.written.contains(&what) || window.written.len() >= MOST_WRITTEN {
            window.unwritten += 1;
            return None;
        }
        window.written.push(what);
        Some(unwritten_before)
    }

    /// Takes out what nobody followed within its window, and how many of it were not written down.
    pub(crate) fn over(&self, now: Duration) -> Vec<(Kind, u64)> {
        let mut windows = self.windows();
        let over = windows.extract_if(|_, window| window.is_over(now));
        over.map(|(kind, window)| (kind, window.unwritten))
            .filter(|(_, unwritten)| *unwritten > 0)
            .collect()
    }

    fn windows(&self) -> MutexGuard<'_, HashMap<Kind, Window>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room; what was not written down is counted on for all networks together.
fn pool_what_is_over(windows: &mut HashMap<Kind, Window>, now: Duration) {
    let over: Vec<_> = windows.extract_if(|_, window| window.is_over(now)).collect();
    for (kind, window) in over.into_iter().filter(|(_, window)| window.unwritten > 0) {
        let pooled = Kind {
            network: None,
            ..kind
        };
        windows
            .entry(pooled)
            .or_insert_with(|| Window::new(now))
            .unwritten += window.unwritten;
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use gateway_store::{AuditAction, AuditResult, AuditTarget};

    use super::{Kind, MOST_KINDS, MOST_WRITTEN, Repeats};

    fn kind(address: u32) -> Kind {
        Kind {
            action: AuditAction::SignIn,
            target: AuditTarget::User,
            result: AuditResult::Refused,
            network: Some(IpAddr::from(address.to_be_bytes())),
        }
    }

    #[test]
    fn of_many_alike_one_a_minute_is_written_and_the_rest_counted() {
        let repeats = Repeats::default();
        let begin = |seconds| repeats.begin(kind(1), "ann", Duration::from_secs(seconds));
        assert_eq!(begin(0), Some(0));
        assert_eq!(begin(1), None);
        assert_eq!(begin(59), None);
        assert_eq!(repeats.begin(kind(2), "ann", Duration::from_secs(59)), Some(0));
        assert_eq!(begin(60), Some(2));
        assert_eq!(begin(119), None);
        assert_eq!(begin(500), Some(1));
    }

    #[test]
    fn of_different_ones_the_first_few_are_written() {
        let repeats = Repeats::default();
        let begin = |name: usize| repeats.begin(kind(1), name, Duration::ZERO);
        let written = (0..100).filter(|name| begin(*name).is_some()).count();
        assert_eq!(written, MOST_WRITTEN);
        assert_eq!(begin(0), None);
        let over = repeats.over(Duration::from_secs(60));
        assert_eq!(over, [(kind(1), 101 - MOST_WRITTEN as u64)]);
        assert_eq!(repeats.over(Duration::from_secs(60)), []);
        assert_eq!(repeats.begin(kind(1), 0, Duration::from_secs(60)), Some(0));
    }

    #[test]
    fn however_many_networks_there_are_memory_is_bounded_and_all_is_counted() {
        let repeats = Repeats::default();
        let many = 3 * MOST_KINDS as u32;
        let mut written = 0;
        for address in (0..many).chain(0..many) {
            written += u64::from(repeats.begin(kind(address), "ann", Duration::ZERO).is_some());
        }
        assert!(repeats.0.lock().unwrap().len() <= MOST_KINDS + 1);
        let minute = Duration::from_secs(60);
        // A newcomer makes room for itself.
        assert_eq!(repeats.begin(kind(u32::MAX), "ann", minute), Some(0));
        assert_eq!(repeats.0.lock().unwrap().len(), 2);
        let unwritten: u64 = repeats.over(2 * minute).iter().map(|(_, count)| count).sum();
        assert_eq!(written + unwritten, u64::from(2 * many));
    }
}
