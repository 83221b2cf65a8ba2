use std::collections::BTreeMap;

use diesel::prelude::*;
use gateway_domain::Timestamp;
use gateway_metering::{Outcome, Sketch};

use crate::cells::{RollupRow, Used};
use crate::marks::{Marks, Tried};
use crate::schema::{attempts, requests};
use crate::store::query;
use crate::types::{StoredId, StoredTime, count};
use crate::usage::Bucket;
use crate::{Store, StoreError};

/// What was found when the roll-ups were compared with the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RollupCheck {
    /// Cells that were compared, of hours and of days.
    pub cells: u64,
    /// Those that do not hold what the rows add up to.
    pub wrong: u64,
    /// From when on they were compared: rows from before are deleted, or may be; `None` if that is from the beginning.
    pub rows_from: Option<Timestamp>,
}

/// A number of a roll-up that is not what the rows add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupDifference {
    /// When the hour or day begins.
    pub starts_at: Timestamp,
    /// How long it is.
    pub bucket: Bucket,
    /// What is added up, in words, such as `requests by key`.
    pub kind: &'static str,
    /// Whose usage of what, in words and ids.
    pub about: String,
    /// The column.
    pub column: &'static str,
    /// What the roll-up says; of durations, how many there are.
    pub stored: i64,
    /// What the rows say.
    pub expected: i64,
}

impl Store {
    /// Compares every roll-up with the rows, hour by hour, and tells `report` each number that is wrong.
    ///
    /// Each hour is seen at one moment, so that recording may go on. Days are compared with their hours.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn check_rollups(
        &self,
        mut report: impl FnMut(RollupDifference),
    ) -> Result<RollupCheck, StoreError> {
        let rows_from = query!(self, read, rollups::rows_from())?;
        let mut found = RollupCheck {
            rows_from,
            ..RollupCheck::default()
        };
        let mut walk = Walk::from(rows_from);
        while let Some(step) = walk.next(self).await? {
            let (stored, expected) = match step {
                Step::Hour(hour) => query!(self, report, rollups::both_of_hour(hour))?,
                Step::Day(day) => query!(self, report, rollups::both_of_day(day))?,
            };
            compare(&stored, &expected, &mut found, &mut report);
        }
        Ok(found)
    }

    /// Puts what the rows say in the place of every roll-up, and returns how many there are.
    ///
    /// Roll-ups of time whose rows are deleted stay as they are. Recording goes on between the hours.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer: what was done until then stays, and the next call
    /// begins again.
    pub async fn rebuild_rollups(&self) -> Result<u64, StoreError> {
        let rows_from = query!(self, read, rollups::rows_from())?;
        let mut walk = Walk::from(rows_from);
        while let Some(step) = walk.next(self).await? {
            if let Step::Hour(hour) = step {
                while query!(self, batch, rollups::mark(hour))? > 0 {}
            }
        }
        let (mut walk, mut cells) = (Walk::from(rows_from), 0);
        while let Some(step) = walk.next(self).await? {
            cells += match step {
                Step::Hour(hour) => query!(self, batch, rollups::rebuild_hour(hour))?,
                Step::Day(day) => query!(self, batch, rollups::rebuild_day(day))?,
            } as u64;
        }
        query!(self, write, rollups::set_built())?;
        Ok(cells)
    }

    /// Whether there are roll-ups of what was recorded before there were any.
    pub(crate) async fn has_rollups(&self) -> Result<bool, StoreError> {
        query!(self, read, rollups::is_built())
    }

    /// Builds the roll-ups of what was recorded before there were any.
    pub(crate) async fn build_rollups(&self) -> Result<(), StoreError> {
        if self.has_rollups().await? {
            return Ok(());
        }
        tracing::info!("adding up the usage that was recorded so far; this is done once");
        let cells = self.rebuild_rollups().await?;
        tracing::info!(cells, "the usage recorded so far is added up");
        Ok(())
    }
}

/// Goes through the hours of which there are rows or roll-ups, and after the hours of each day through the day.
struct Walk {
    /// The next hour is this one or later.
    from: Timestamp,
    /// The day of the last hour.
    day: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Hour(Timestamp),
    Day(Timestamp),
}

impl Walk {
    fn from(rows_from: Option<Timestamp>) -> Self {
        Self {
            from: rows_from.unwrap_or(Timestamp::from_micros(i64::MIN)),
            day: None,
        }
    }

    async fn next(&mut self, store: &Store) -> Result<Option<Step>, StoreError> {
        let from = self.from;
        let hour = query!(store, report, rollups::next_hour(from))?;
        let day = hour.map(|hour| Bucket::Day.start(hour));
        if let Some(before) = self.day.filter(|before| day != Some(*before)) {
            self.day = None;
            return Ok(Some(Step::Day(before)));
        }
        self.day = day;
        self.from = hour.map_or(self.from, |hour| hour + Bucket::Hour.width());
        Ok(hour.map(Step::Hour))
    }
}

fn compare(
    stored: &[RollupRow],
    expected: &[RollupRow],
    found: &mut RollupCheck,
    report: &mut impl FnMut(RollupDifference),
) {
    let mut pairs: BTreeMap<StoredId, (Option<&RollupRow>, Option<&RollupRow>)> = BTreeMap::new();
    for cell in stored {
        pairs.entry(cell.id).or_default().0 = Some(cell);
    }
    for cell in expected {
        pairs.entry(cell.id).or_default().1 = Some(cell);
    }
    for (stored, expected) in pairs.into_values() {
        let differences = differences(stored, expected);
        found.cells += 1;
        found.wrong += u64::from(!differences.is_empty());
        differences.into_iter().for_each(&mut *report);
    }
}

fn differences(stored: Option<&RollupRow>, expected: Option<&RollupRow>) -> Vec<RollupDifference> {
    let Some(cell) = stored.or(expected) else {
        return Vec::new();
    };
    let (here, there) = (stored.map(columns), expected.map(columns));
    let pairs = columns(cell).into_iter().enumerate().map(|(place, column)| {
        let number = |side: &Option<Vec<Column>>| side.as_ref().map(|columns| columns[place].clone());
        (column.name, number(&here), number(&there))
    });
    let shown = |column: Option<Column>| column.map_or(0, |column| column.count);
    let different = pairs.filter(|(_, stored, expected)| stored != expected);
    let different = different.map(|(column, stored, expected)| RollupDifference {
        starts_at: cell.starts_at.into(),
        bucket: cell.span().bucket(),
        kind: cell.cube().map_or("unknown", |cube| cube.as_str()),
        about: cell.about(),
        column,
        stored: shown(stored),
        expected: shown(expected),
    });
    different.collect()
}

/// A column of a cell as it is compared.
#[derive(Debug, Clone, PartialEq)]
struct Column {
    name: &'static str,
    /// Of durations, how many there are.
    count: i64,
    /// Of durations; `None` if the bytes are none.
    durations: Option<Sketch>,
}

fn columns(cell: &RollupRow) -> Vec<Column> {
    let counts = cell.counts().map(|(name, count)| Column {
        name,
        count,
        durations: None,
    });
    let durations = [("latencies", &cell.latencies), ("ttfts", &cell.ttfts)].map(|(name, bytes)| {
        let durations = Sketch::decode(bytes).ok();
        let counted = durations.as_ref().map(Sketch::count);
        Column {
            name,
            count: counted.map_or(-1, count),
            durations,
        }
    });
    counts.into_iter().chain(durations).collect()
}

pub(crate) fn has_failed(status: &str) -> bool {
    [Outcome::Error, Outcome::Interrupted]
        .iter()
        .any(|outcome| outcome.as_str() == status)
}

/// What decides on the marks of a stored attempt.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = attempts, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct UnmarkedAttempt {
    pub(crate) id: StoredId,
    pub(crate) request_id: StoredId,
    account_id: StoredId,
    provider: String,
    status: String,
    input_tokens: i64,
    cache_read_tokens: i64,
    cache_write_5m_tokens: i64,
    cache_write_1h_tokens: i64,
    output_tokens: i64,
    web_searches: i64,
    cost_nanos: Option<i64>,
}

impl UnmarkedAttempt {
    pub(crate) fn tried(&self) -> Tried<'_> {
        let used = [
            self.input_tokens,
            self.cache_read_tokens,
            self.cache_write_5m_tokens,
            self.cache_write_1h_tokens,
            self.output_tokens,
            self.web_searches,
        ];
        Tried {
            account: self.account_id,
            provider: &self.provider,
            failed: has_failed(&self.status),
            used: used.iter().any(|count| *count > 0),
            has_cost: self.cost_nanos.is_some(),
        }
    }
}

/// What is added up of a stored request.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = requests, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct UsedRequest {
    pub(crate) id: StoredId,
    pub(crate) started_at: StoredTime,
    user_id: StoredId,
    key_id: StoredId,
    model: String,
    marks: Option<i16>,
    input_tokens: i64,
    cache_read_tokens: i64,
    cache_write_5m_tokens: i64,
    cache_write_1h_tokens: i64,
    output_tokens: i64,
    reasoning_tokens: i64,
    cost_nanos: Option<i64>,
    latency_us: i64,
    ttft_us: Option<i64>,
}

impl From<UsedRequest> for Used {
    fn from(row: UsedRequest) -> Self {
        Self {
            started_at: row.started_at.into(),
            user_id: row.user_id,
            key_id: row.key_id,
            account_id: None,
            provider: None,
            model: row.model,
            marks: Marks::from_stored(row.marks.unwrap_or(0)),
            tokens: [
                row.input_tokens,
                row.cache_read_tokens,
                row.cache_write_5m_tokens,
                row.cache_write_1h_tokens,
                row.output_tokens,
                row.reasoning_tokens,
            ],
            cost_nanos: row.cost_nanos,
            latency_us: row.latency_us,
            ttft_us: row.ttft_us,
        }
    }
}

/// What is added up of a stored attempt.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = attempts, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct UsedAttempt {
    pub(crate) id: StoredId,
    pub(crate) started_at: StoredTime,
    user_id: StoredId,
    key_id: StoredId,
    account_id: StoredId,
    provider: String,
    model: String,
    marks: Option<i16>,
    input_tokens: i64,
    cache_read_tokens: i64,
    cache_write_5m_tokens: i64,
    cache_write_1h_tokens: i64,
    output_tokens: i64,
    reasoning_tokens: i64,
    cost_nanos: Option<i64>,
    latency_us: i64,
    ttft_us: Option<i64>,
}

impl From<UsedAttempt> for Used {
    fn from(row: UsedAttempt) -> Self {
        Self {
            started_at: row.started_at.into(),
            user_id: row.user_id,
            key_id: row.key_id,
            account_id: Some(row.account_id),
            provider: Some(row.provider),
            model: row.model,
            marks: Marks::from_stored(row.marks.unwrap_or(0)),
            tokens: [
                row.input_tokens,
                row.cache_read_tokens,
                row.cache_write_5m_tokens,
                row.cache_write_1h_tokens,
                row.output_tokens,
                row.reasoning_tokens,
            ],
            cost_nanos: row.cost_nanos,
            latency_us: row.latency_us,
            ttft_us: row.ttft_us,
        }
    }
}
