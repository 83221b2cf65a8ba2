use gateway_domain::TokenCounts;
use gateway_metering::{Admission, Hold};

/// What an open request takes of limits and budgets, or one try of it of its account's; given back when dropped.
#[derive(Debug)]
pub struct Admitted {
    admission: Admission,
    hold: Option<Hold>,
}

impl Admitted {
    /// A request that the limits let in, and what is held for it where there is a budget.
    #[must_use]
    pub const fn new(admission: Admission, hold: Option<Hold>) -> Self {
        Self { admission, hold }
    }

    pub(crate) fn expect_input(&mut self, tokens: u64) {
        self.admission.expect_input(tokens);
    }

    /// Charges what was used. Its cost must have been added to the budgets before: what was held for it is free now.
    pub(crate) fn settle(&mut self, used: &TokenCounts) {
        self.admission.settle(used);
        self.hold = None;
    }
}
