use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gateway_store::{AuditAction, AuditResult};

/// How long repetitions are only counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Kinds that are told apart; all beyond are one.
const MOST_KINDS: usize = 10_000;

/// What is alike about refusals.
type Kind = (AuditAction, AuditResult, Option<IpAddr>);

/// Keeps a flood of refusals from becoming a flood of entries: each process for itself.
#[derive(Debug, Default)]
pub(crate) struct Repeats(Mutex<HashMap<Kind, Window>>);

#[derive(Debug)]
struct Window {
    began: Duration,
    unwritten: u64,
}

impl Repeats {
    /// Whether one more of its kind is written down, and how many were not since the last that was.
    pub(crate) fn begin(&self, kind: Kind, now: Duration) -> Option<u64> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |window: &Window| now.saturating_sub(window.began) >= WINDOW;
        let mut kind = kind;
        if !windows.contains_key(&kind) && windows.len() >= MOST_KINDS {
            windows.retain(|_, window| !is_over(window) || window.unwritten > 0);
            if windows.len() >= MOST_KINDS {
                kind.2 = None;
            }
        }
        let Some(window) = windows.get_mut(&kind) else {
            windows.insert(
                kind,
                Window {
                    began: now,
                    unwritten: 0,
                },
            );
            return Some(0);
        };
        if is_over(window) {
            window.began = now;
            Some(std::mem::take(&mut window.unwritten))
        } else {
            window.unwritten += 1;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use gateway_store::{AuditAction, AuditResult};

    use super::{Kind, MOST_KINDS, Repeats};

    fn kind(address: u32) -> Kind {
        let address = IpAddr::from(address.to_be_bytes());
        (AuditAction::SignIn, AuditResult::Refused, Some(address))
    }

    #[test]
    fn of_many_alike_one_a_minute_is_written_and_the_rest_counted() {
        let repeats = Repeats::default();
        let begin = |seconds| repeats.begin(kind(1), Duration::from_secs(seconds));
        assert_eq!(begin(0), Some(0));
        assert_eq!(begin(1), None);
        assert_eq!(begin(59), None);
        assert_eq!(repeats.begin(kind(2), Duration::from_secs(59)), Some(0));
        assert_eq!(begin(60), Some(2));
        assert_eq!(begin(119), None);
        assert_eq!(begin(500), Some(1));
    }

    #[test]
    fn however_many_addresses_there_are_memory_is_bounded() {
        let repeats = Repeats::default();
        for address in 0..3 * MOST_KINDS as u32 {
            repeats.begin(kind(address), Duration::ZERO);
        }
        assert!(repeats.0.lock().unwrap().len() <= MOST_KINDS + 1);
        // Those beyond are counted together.
        assert_eq!(repeats.begin(kind(u32::MAX), Duration::ZERO), None);
        let minute = Duration::from_secs(60);
        assert_eq!(repeats.begin(kind(u32::MAX), minute), Some(0));
    }
}
