use std::cmp::Reverse;
use std::collections::BTreeMap;

use gateway_domain::Timestamp;

use crate::store::query;
use crate::usage::{Bucket, Group, GroupBy, Totals, UsageFilter};
use crate::{Store, StoreError};

/// Usage added up by group and as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Each group with its sums: days in their order, everything else dearest first. At most 1000.
    pub groups: Vec<(Group, Totals)>,
    /// The sums of everything, whether or not its group is listed.
    pub totals: Totals,
}

/// One step of a time series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// When the step begins.
    pub time: Timestamp,
    /// Which line it belongs to; `None` if the series is not grouped.
    pub group: Option<Group>,
    /// What was used in it.
    pub totals: Totals,
}

/// Rows of a report, as the database adds them up.
pub(crate) struct ReportRow {
    pub(crate) time: Option<Timestamp>,
    pub(crate) group: Option<Group>,
    pub(crate) totals: Totals,
}

/// The most groups that a summary lists. Models are named by clients, who can think of any number.
pub(crate) const MOST_GROUPS: usize = 1000;

/// The most points that a time series has.
pub(crate) const MOST_POINTS: usize = 50_000;

impl Store {
    /// What was used, added up; `group_by: None` makes no groups.
    ///
    /// Where rows are deleted, the hours in which the range begins and ends count whole.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer or needs longer than reports may.
    pub async fn summary(
        &self,
        filter: UsageFilter,
        group_by: Option<GroupBy>,
    ) -> Result<Summary, StoreError> {
        let now = self.now();
        let (mut groups, totals) = query!(self, report, reports::summary(filter, group_by, now))?;
        if group_by == Some(GroupBy::Day) {
            groups.sort_by(|one, other| one.group.cmp(&other.group));
        } else {
            let size = |totals: &Totals| (totals.cost.unwrap_or_default(), totals.requests);
            groups.sort_by_key(|row| (Reverse(size(&row.totals)), row.group.clone()));
        }
        Ok(Summary {
            groups: groups
                .into_iter()
                .filter_map(|row| Some((row.group?, row.totals)))
                .collect(),
            totals,
        })
    }

    /// What was used, step by step from the one that holds `filter.from`, with zeros where there was nothing; the
    /// steps of each group follow each other in time.
    ///
    /// Without a group there is always one line; with one, a line for each group that was used at all. Where rows are
    /// deleted, an hour's usage stands at its first minute, or at the first of the series.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooManyRows`] if there would be more than 50,000 points; [`StoreError::Unavailable`] if the
    /// database does not answer or needs longer than reports may.
    pub async fn timeseries(
        &self,
        filter: UsageFilter,
        bucket: Bucket,
        group_by: Option<GroupBy>,
    ) -> Result<Vec<Point>, StoreError> {
        let (from, to) = (filter.from, filter.to);
        if steps(bucket, from, to) > MOST_POINTS as u64 {
            return Err(StoreError::TooManyRows { most: MOST_POINTS });
        }
        let now = self.now();
        let rows = query!(self, report, reports::timeseries(filter, bucket, group_by, now))?;
        fill_gaps(rows, bucket, from, to, group_by)
    }
}

/// Steps from the one that holds `from` to the last before `to`.
fn steps(bucket: Bucket, from: Timestamp, to: Timestamp) -> u64 {
    if to <= from {
        return 0;
    }
    let micros = to.since(bucket.start(from)).as_micros();
    u64::try_from(micros.div_ceil(bucket.width().as_micros())).unwrap_or(u64::MAX)
}

fn fill_gaps(
    rows: Vec<ReportRow>,
    bucket: Bucket,
    from: Timestamp,
    to: Timestamp,
    group_by: Option<GroupBy>,
) -> Result<Vec<Point>, StoreError> {
    let mut lines: BTreeMap<Option<Group>, BTreeMap<Timestamp, Totals>> = BTreeMap::new();
    if group_by.is_none() {
        lines.insert(None, BTreeMap::new());
    }
    let first = bucket.start(from);
    for row in rows {
        if let Some(time) = row.time {
            // An hour whose rows are deleted may begin before the first minute, in which there are then no rows.
            let time = time.max(first);
            lines.entry(row.group).or_default().insert(time, row.totals);
        }
    }
    let steps = steps(bucket, from, to);
    if steps.saturating_mul(lines.len() as u64) > MOST_POINTS as u64 {
        return Err(StoreError::TooManyRows { most: MOST_POINTS });
    }
    let mut points = Vec::new();
    for (group, line) in lines {
        let mut time = first;
        for _ in 0..steps {
            let totals = line.get(&time).copied().unwrap_or_default();
            points.push(Point {
                time,
                group: group.clone(),
                totals,
            });
            time = time + bucket.width();
        }
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use gateway_domain::Timestamp;

    use super::{ReportRow, fill_gaps, steps};
    use crate::StoreError;
    use crate::usage::{Bucket, Group, GroupBy, Totals};

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap_or_default()
    }

    fn row(at: &str, group: Option<Group>) -> ReportRow {
        ReportRow {
            time: Some(time(at)),
            group,
            totals: Totals {
                requests: 1,
                ..Totals::default()
            },
        }
    }

    #[test]
    fn the_first_step_holds_the_first_moment_and_the_last_one_ends_after_the_last() {
        let count = |from, to| steps(Bucket::Hour, time(from), time(to));
        assert_eq!(count("2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"), 2);
        assert_eq!(count("2026-01-01T00:30:00Z", "2026-01-01T02:00:00.000001Z"), 3);
        assert_eq!(count("2026-01-01T00:30:00Z", "2026-01-01T00:30:00Z"), 0);
        assert_eq!(count("2026-01-01T02:00:00Z", "2026-01-01T00:00:00Z"), 0);
    }

    #[test]
    fn every_line_has_every_step() {
        let (from, to) = (time("2026-01-01T00:10:00Z"), time("2026-01-01T03:00:00Z"));
        let model = |name: &str| Some(Group::Model(name.to_owned()));
        let rows = vec![
            row("2026-01-01T01:00:00Z", model("b")),
            row("2026-01-01T02:00:00Z", model("a")),
        ];
        let points = fill_gaps(rows, Bucket::Hour, from, to, Some(GroupBy::Model)).unwrap_or_default();
        let seen: Vec<_> = points
            .iter()
            .map(|point| (point.group.clone(), point.time.to_string(), point.totals.requests))
            .collect();
        assert_eq!(
            seen,
            [
                (model("a"), "2026-01-01T00:00:00Z".to_owned(), 0),
                (model("a"), "2026-01-01T01:00:00Z".to_owned(), 0),
                (model("a"), "2026-01-01T02:00:00Z".to_owned(), 1),
                (model("b"), "2026-01-01T00:00:00Z".to_owned(), 0),
                (model("b"), "2026-01-01T01:00:00Z".to_owned(), 1),
                (model("b"), "2026-01-01T02:00:00Z".to_owned(), 0),
            ]
        );
    }

    #[test]
    fn nothing_used_is_a_line_of_zeros_or_no_line() {
        let (from, to) = (time("2026-01-01T00:00:00Z"), time("2026-01-03T00:00:00Z"));
        let plain = fill_gaps(Vec::new(), Bucket::Day, from, to, None).unwrap_or_default();
        assert_eq!(plain.len(), 2);
        let grouped = fill_gaps(Vec::new(), Bucket::Day, from, to, Some(GroupBy::Model));
        assert_eq!(grouped.unwrap_or_default(), []);
    }

    #[test]
    fn a_series_that_nobody_can_read_is_refused() {
        let (from, to) = (time("2026-01-01T00:00:00Z"), time("2027-01-01T00:00:00Z"));
        let refused = fill_gaps(Vec::new(), Bucket::Minute, from, to, None);
        assert!(matches!(refused, Err(StoreError::TooManyRows { .. })));
    }
}
