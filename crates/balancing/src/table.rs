use std::time::Duration;

use crate::Delivery;
use crate::gauge::{Gauges, Headroom, Need};
use crate::member::Member;
use crate::pace::Pace;

/// What a pick reads of every account, side by side, since it reads that of all of them.
///
/// Copied from the members after each event that concerns one, which is rarer than being read.
#[derive(Debug, Default)]
pub(crate) struct Table {
    // Invariant: as long as the list of members, in the same order.
    rows: Vec<Row>,
    /// How far each is behind its share of the turns.
    credits: Vec<i64>,
    /// Of each family's place in the members' lists a column.
    limits: Vec<Vec<Gauges>>,
}

/// One account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// From when on nothing about it has to be looked at closely.
    pub(crate) plain_from: Duration,
    pub(crate) in_flight: u32,
    pub(crate) paces: [Pace; 2],
}

impl Table {
    /// Copies everything anew, after the list of members has changed or a member has got to know a family.
    pub(crate) fn rebuild(&mut self, members: &[Member]) {
        self.rows.clear();
        self.rows.extend(members.iter().map(Member::row));
        self.credits.resize(members.len(), 0);
        let families = members.iter().map(|member| member.families.len()).max();
        self.limits.clear();
        self.limits.extend((0..families.unwrap_or(0)).map(|family| {
            let gauges = |member: &Member| {
                let family = member.families.get(family);
                family.map_or_else(Gauges::default, |family| *family.gauges())
            };
            members.iter().map(gauges).collect()
        }));
    }

    /// Copies one account, and the limits of one of its families.
    pub(crate) fn refresh(&mut self, index: usize, member: &Member, family: usize) {
        if let Some(row) = self.rows.get_mut(index) {
            *row = member.row();
        }
        let column = self
            .limits
            .get_mut(family)
            .and_then(|column| column.get_mut(index));
        if let (Some(gauges), Some(family)) = (column, member.families.get(family)) {
            *gauges = *family.gauges();
        }
    }

    /// Copies one account with all that belongs to it.
    pub(crate) fn refresh_whole(&mut self, index: usize, member: &Member) {
        for family in 0..member.families.len().max(1) {
            self.refresh(index, member, family);
        }
    }

    #[inline]
    pub(crate) fn row(&self, index: usize) -> &Row {
        &self.rows[index]
    }

    #[inline]
    pub(crate) fn credit(&self, index: usize) -> i64 {
        self.credits[index]
    }

    pub(crate) fn pay(&mut self, index: usize, amount: i64) {
        self.credits[index] += amount;
    }

    /// Which debts and claims the members have, for a new order of them.
    pub(crate) fn take_credits(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.credits)
    }

    pub(crate) fn set_credits(&mut self, credits: Vec<i64>) {
        self.credits = credits;
    }

    #[inline]
    pub(crate) fn headroom(&self, index: usize, family: usize, need: Need, now: f64) -> Headroom {
        let gauges = self.limits.get(family).and_then(|column| column.get(index));
        gauges.map_or_else(Headroom::default, |gauges| gauges.headroom(need, now))
    }
}

impl Row {
    /// How fast it answers in this way.
    #[inline]
    pub(crate) const fn pace(&self, delivery: Delivery) -> &Pace {
        match delivery {
            Delivery::Streamed => &self.paces[0],
            Delivery::Whole | Delivery::Counted => &self.paces[1],
        }
    }
}
