//! What each row of usage counts as, so that sums of rows are sums of requests.
//!
//! A request may be tried several times, also at the same account. Reports on an account or a provider count it once
//! there: as the first of its attempts there. Which ones those are is decided when the request is recorded, for nothing
//! that is added up later can tell.

use crate::types::StoredId;

/// What counts as one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// The request, wherever it was tried.
    Request,
    /// The request at one provider.
    Provider,
    /// The request at one account.
    Account,
}

impl View {
    const ALL: [Self; 3] = [Self::Request, Self::Provider, Self::Account];
}

/// What is counted of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// All of them.
    All,
    /// Those that failed.
    Failed,
    /// Those that used something without a price.
    Unpriced,
}

impl Counted {
    const ALL: [Self; 3] = [Self::All, Self::Failed, Self::Unpriced];
}

/// What a row counts as, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marks(i16);

/// The bit of a row that used something which had a price.
pub(crate) const PRICED_BIT: u8 = 9;

/// The bit of a row that is the one in which `view` counts a request.
pub(crate) const fn bit(view: View, counted: Counted) -> u8 {
    counted as u8 * 3 + view as u8
}

impl Marks {
    pub(crate) const fn from_stored(bits: i16) -> Self {
        Self(bits)
    }

    pub(crate) const fn as_stored(self) -> i16 {
        self.0
    }

    /// 1 if the bit is set, 0 if not.
    pub(crate) const fn count(self, bit: u8) -> i64 {
        (self.0 >> bit & 1) as i64
    }

    fn set(&mut self, bit: u8) {
        self.0 |= 1 << bit;
    }
}

/// What decides on the marks of an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tried<'a> {
    pub(crate) account: StoredId,
    pub(crate) provider: &'a str,
    pub(crate) failed: bool,
    /// Whether it used anything.
    pub(crate) used: bool,
    /// Whether its cost is known.
    pub(crate) has_cost: bool,
}

impl Tried<'_> {
    fn counts_as(&self, counted: Counted) -> bool {
        match counted {
            Counted::All => true,
            Counted::Failed => self.failed,
            Counted::Unpriced => self.used && !self.has_cost,
        }
    }

    fn is_same(&self, other: &Self, view: View) -> bool {
        match view {
            View::Request => true,
            View::Provider => self.provider == other.provider,
            View::Account => self.account == other.account,
        }
    }
}

/// The marks of a request's attempts, which come in the order of their numbers.
pub(crate) fn of_attempts(attempts: &[Tried<'_>]) -> Vec<Marks> {
    let marked = attempts.iter().enumerate().map(|(place, attempt)| {
        let mut marks = Marks::default();
        for counted in Counted::ALL {
            for view in View::ALL {
                let is_first = !attempts[..place]
                    .iter()
                    .any(|earlier| earlier.is_same(attempt, view) && earlier.counts_as(counted));
                if is_first && attempt.counts_as(counted) {
                    marks.set(bit(view, counted));
                }
            }
        }
        if attempt.used && attempt.has_cost {
            marks.set(PRICED_BIT);
        }
        marks
    });
    marked.collect()
}

/// The marks of a request that ended in a failure or not, and was tried so.
pub(crate) fn of_request(failed: bool, attempts: &[Tried<'_>]) -> Marks {
    let mut marks = Marks::default();
    marks.set(bit(View::Request, Counted::All));
    if failed {
        marks.set(bit(View::Request, Counted::Failed));
    }
    if attempts
        .iter()
        .any(|attempt| attempt.counts_as(Counted::Unpriced))
    {
        marks.set(bit(View::Request, Counted::Unpriced));
    }
    if attempts.iter().any(|attempt| attempt.used && attempt.has_cost) {
        marks.set(PRICED_BIT);
    }
    marks
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Counted, Marks, PRICED_BIT, Tried, View, bit, of_attempts, of_request};
    use crate::types::StoredId;

    fn at(account: u128, provider: &str) -> Tried<'_> {
        Tried {
            account: StoredId(Uuid::from_u128(account)),
            provider,
            failed: true,
            used: false,
            has_cost: false,
        }
    }

    #[test]
    fn a_request_counts_once_where_it_was_tried() {
        let attempts = [
            at(1, "anthropic"),
            at(1, "anthropic"),
            at(2, "anthropic"),
            at(3, "gemini"),
        ];
        let marks = of_attempts(&attempts);
        let counts = |view| -> Vec<i64> {
            let bit = bit(view, Counted::All);
            marks.iter().map(|marks| marks.count(bit)).collect()
        };
        assert_eq!(counts(View::Request), [1, 0, 0, 0]);
        assert_eq!(counts(View::Provider), [1, 0, 0, 1]);
        assert_eq!(counts(View::Account), [1, 0, 1, 1]);
    }

    #[test]
    fn a_failure_counts_where_it_first_happened() {
        let well = Tried {
            failed: false,
            ..at(1, "anthropic")
        };
        let marks = of_attempts(&[well, at(1, "anthropic"), at(1, "anthropic")]);
        let failed = bit(View::Account, Counted::Failed);
        assert_eq!(
            marks.iter().map(|marks| marks.count(failed)).collect::<Vec<_>>(),
            [0, 1, 0]
        );
        // How the request ended is not what became of its attempts.
        assert_eq!(
            of_request(false, &[at(1, "gemini")]).count(bit(View::Request, Counted::Failed)),
            0
        );
    }

    #[test]
    fn usage_is_priced_or_not_and_no_usage_is_neither() {
        let used = |has_cost| Tried {
            used: true,
            has_cost,
            ..at(1, "openai")
        };
        let unpriced = bit(View::Request, Counted::Unpriced);
        let counts = |marks: Marks| (marks.count(unpriced), marks.count(PRICED_BIT));
        assert_eq!(counts(of_request(true, &[])), (0, 0));
        assert_eq!(counts(of_request(true, &[at(1, "openai")])), (0, 0));
        assert_eq!(counts(of_request(false, &[used(true)])), (0, 1));
        assert_eq!(counts(of_request(false, &[used(false)])), (1, 0));
        assert_eq!(counts(of_request(false, &[used(false), used(true)])), (1, 1));
    }
}
