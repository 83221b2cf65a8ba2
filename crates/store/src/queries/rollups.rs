use std::ops::Range;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use gateway_domain::Timestamp;

use super::{Conn, lock_rollups, wait_longer, write_rows};
use crate::StoreError;
use crate::cells::{Cells, Cube, RollupRow, Used, first_id};
use crate::marks::{self, Marks};
use crate::pieces::Span;
use crate::rollups::{UnmarkedAttempt, UsedAttempt, UsedRequest};
use crate::schema::{attempts, requests, usage_rollup_state, usage_rollups};
use crate::types::{StoredId, StoredTime};
use crate::usage::Bucket;

/// How many cells are looked up by one statement, and how many rows are read by one.
const AT_ONCE: usize = 500;
const ROWS_AT_ONCE: i64 = 5_000;

/// Adds `cells` to those that are stored, within the caller's transaction.
pub(crate) async fn add(conn: &mut Conn, mut cells: Cells) -> Result<(), StoreError> {
    lock_rollups(conn).await?;
    let ids = cells.ids();
    for ids in ids.chunks(AT_ONCE) {
        let stored = usage_rollups::table
            .filter(usage_rollups::id.eq_any(ids))
            .select(RollupRow::as_select())
            .load(conn)
            .await?;
        for cell in &stored {
            cells.add_stored(cell);
        }
    }
    write_rows!(conn, cells.into_rows()?)?;
    Ok(())
}

/// From when on there are rows; `None` if none was deleted.
pub(crate) async fn rows_from(conn: &mut Conn) -> Result<Option<Timestamp>, StoreError> {
    let state = usage_rollup_state::table.select(usage_rollup_state::rows_from);
    let rows_from: Option<StoredTime> = state.get_result(conn).await?;
    Ok(rows_from.map(Timestamp::from))
}

/// Whether rows of the hour or day at `start` are deleted, or may soon be.
async fn is_deleted(conn: &mut Conn, start: Timestamp) -> Result<bool, StoreError> {
    Ok(rows_from(conn).await?.is_some_and(|rows_from| start < rows_from))
}

/// Whether the roll-ups hold everything that was recorded before there were any.
pub(crate) async fn is_built(conn: &mut Conn) -> Result<bool, StoreError> {
    let state = usage_rollup_state::table.select(usage_rollup_state::is_built);
    Ok(state.get_result(conn).await?)
}

pub(crate) async fn set_built(conn: &mut Conn) -> Result<(), StoreError> {
    diesel::update(usage_rollup_state::table)
        .set(usage_rollup_state::is_built.eq(true))
        .execute(conn)
        .await?;
    Ok(())
}

/// The first hour that begins at `from` or later and of which there are rows or cells.
pub(crate) async fn next_hour(conn: &mut Conn, from: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let requested: Option<StoredTime> = requests::table
        .filter(requests::started_at.ge(StoredTime(from)))
        .order((requests::started_at, requests::id))
        .select(requests::started_at)
        .first(conn)
        .await
        .optional()?;
    let attempted: Option<StoredTime> = attempts::table
        .filter(attempts::started_at.ge(StoredTime(from)))
        .order((attempts::started_at, attempts::id))
        .select(attempts::started_at)
        .first(conn)
        .await
        .optional()?;
    let mut times: Vec<Timestamp> = [requested, attempted]
        .into_iter()
        .flatten()
        .map(Timestamp::from)
        .collect();
    for cube in Cube::ALL {
        for span in Span::ALL {
            let from = span.next_start(from);
            let (first, end) = ids(cube, span, from..Timestamp::from_micros(i64::MAX));
            let cell: Option<StoredTime> = usage_rollups::table
                .filter(usage_rollups::id.ge(first).and(usage_rollups::id.lt(end)))
                .order(usage_rollups::id)
                .select(usage_rollups::starts_at)
                .first(conn)
                .await
                .optional()?;
            times.extend(cell.map(Timestamp::from));
        }
    }
    Ok(times.into_iter().map(|time| Bucket::Hour.start(time)).min())
}

/// Marks the rows of requests that began in the hour at `hour` and were written before there were marks.
pub(crate) async fn mark(conn: &mut Conn, hour: Timestamp) -> Result<usize, StoreError> {
    write_tx!(conn, {
        wait_longer(conn).await?;
        lock_rollups(conn).await?;
        let unmarked = requests::table
            .filter(requests::started_at.ge(StoredTime(hour)))
            .filter(requests::started_at.lt(StoredTime(hour + Bucket::Hour.width())))
            .filter(requests::marks.is_null())
            .order((requests::started_at, requests::id))
            .select((requests::id, requests::status))
            .limit(AT_ONCE as i64)
            .load::<(StoredId, String)>(conn)
            .await?;
        let ids: Vec<StoredId> = unmarked.iter().map(|(id, _)| *id).collect();
        let tried = attempts::table
            .filter(attempts::request_id.eq_any(&ids))
            .order((attempts::request_id, attempts::number))
            .select(UnmarkedAttempt::as_select())
            .load(conn)
            .await?;
        for (id, status) in &unmarked {
            let own: Vec<_> = tried.iter().filter(|attempt| attempt.request_id == *id).collect();
            let tries: Vec<_> = own.iter().map(|attempt| attempt.tried()).collect();
            for (attempt, marks) in own.iter().zip(marks::of_attempts(&tries)) {
                diesel::update(attempts::table.find(attempt.id))
                    .set(attempts::marks.eq(Some(marks.as_stored())))
                    .execute(conn)
                    .await?;
            }
            let marks: Marks = marks::of_request(crate::rollups::has_failed(status), &tries);
            diesel::update(requests::table.find(*id))
                .set(requests::marks.eq(Some(marks.as_stored())))
                .execute(conn)
                .await?;
        }
        Ok(unmarked.len())
    })
}

/// Puts what the rows say in the place of the cells of the hour at `hour`, and returns how many there are: none, and
/// nothing is changed, if the rows are deleted.
pub(crate) async fn rebuild_hour(conn: &mut Conn, hour: Timestamp) -> Result<usize, StoreError> {
    write_tx!(conn, {
        wait_longer(conn).await?;
        lock_rollups(conn).await?;
        if is_deleted(conn, hour).await? {
            return Ok(0);
        }
        let cells = cells_of_hour(conn, hour).await?;
        replace(conn, Span::Hour, hour, cells).await
    })
}

/// Puts what its hours say in the place of the cells of the day at `day`, and returns how many there are: none, and
/// nothing is changed, if the rows are deleted.
pub(crate) async fn rebuild_day(conn: &mut Conn, day: Timestamp) -> Result<usize, StoreError> {
    write_tx!(conn, {
        wait_longer(conn).await?;
        lock_rollups(conn).await?;
        if is_deleted(conn, day).await? {
            return Ok(0);
        }
        let cells = cells_of_day(conn, day).await?;
        replace(conn, Span::Day, day, cells).await
    })
}

/// The cells of the hour at `hour`: those that are stored, and those that the rows make; none if the rows are deleted.
pub(crate) async fn both_of_hour(
    conn: &mut Conn,
    hour: Timestamp,
) -> Result<(Vec<RollupRow>, Vec<RollupRow>), StoreError> {
    read_tx!(conn, {
        if is_deleted(conn, hour).await? {
            return Ok((Vec::new(), Vec::new()));
        }
        let stored = stored(conn, Span::Hour, hour..hour + Bucket::Hour.width()).await?;
        Ok((stored, cells_of_hour(conn, hour).await?.into_rows()?))
    })
}

/// The cells of the day at `day`: those that are stored, and those that its hours make; none if the rows are deleted.
pub(crate) async fn both_of_day(
    conn: &mut Conn,
    day: Timestamp,
) -> Result<(Vec<RollupRow>, Vec<RollupRow>), StoreError> {
    read_tx!(conn, {
        if is_deleted(conn, day).await? {
            return Ok((Vec::new(), Vec::new()));
        }
        let stored = stored(conn, Span::Day, day..day + Bucket::Day.width()).await?;
        Ok((stored, cells_of_day(conn, day).await?.into_rows()?))
    })
}

async fn replace(conn: &mut Conn, span: Span, start: Timestamp, cells: Cells) -> Result<usize, StoreError> {
    for cube in Cube::ALL {
        let (first, end) = ids(cube, span, start..start + span.bucket().width());
        diesel::delete(usage_rollups::table)
            .filter(usage_rollups::id.ge(first).and(usage_rollups::id.lt(end)))
            .execute(conn)
            .await?;
    }
    Ok(write_rows!(conn, cells.into_rows()?)?.len())
}

fn ids(cube: Cube, span: Span, times: Range<Timestamp>) -> (StoredId, StoredId) {
    (first_id(cube, span, times.start), first_id(cube, span, times.end))
}

/// The stored cells that begin within `times`, in the order of their ids.
async fn stored(conn: &mut Conn, span: Span, times: Range<Timestamp>) -> Result<Vec<RollupRow>, StoreError> {
    let mut cells = Vec::new();
    for cube in Cube::ALL {
        let (first, end) = ids(cube, span, times.clone());
        cells.extend(
            usage_rollups::table
                .filter(usage_rollups::id.ge(first).and(usage_rollups::id.lt(end)))
                .order(usage_rollups::id)
                .select(RollupRow::as_select())
                .load(conn)
                .await?,
        );
    }
    Ok(cells)
}

async fn cells_of_day(conn: &mut Conn, day: Timestamp) -> Result<Cells, StoreError> {
    let mut cells = Cells::default();
    for hour in stored(conn, Span::Hour, day..day + Bucket::Day.width()).await? {
        cells.add_to_day(&hour);
    }
    Ok(cells)
}

/// Reads the rows piece by piece, so that what is in memory is the cells.
async fn cells_of_hour(conn: &mut Conn, hour: Timestamp) -> Result<Cells, StoreError> {
    let mut cells = Cells::default();
    let end = StoredTime(hour + Bucket::Hour.width());
    let mut after = (StoredTime(hour), StoredId(uuid::Uuid::nil()));
    loop {
        let (at, id) = after;
        let rows = requests::table
            .filter(requests::started_at.ge(at).and(requests::started_at.lt(end)))
            .filter(requests::started_at.gt(at).or(requests::id.gt(id)))
            .order((requests::started_at, requests::id))
            .limit(ROWS_AT_ONCE)
            .select(UsedRequest::as_select())
            .load(conn)
            .await?;
        let Some(last) = rows.last() else { break };
        after = (last.started_at, last.id);
        for row in rows {
            cells.add_to_hours(&Used::from(row));
        }
    }
    let mut after = (StoredTime(hour), StoredId(uuid::Uuid::nil()));
    loop {
        let (at, id) = after;
        let rows = attempts::table
            .filter(attempts::started_at.ge(at).and(attempts::started_at.lt(end)))
            .filter(attempts::started_at.gt(at).or(attempts::id.gt(id)))
            .order((attempts::started_at, attempts::id))
            .limit(ROWS_AT_ONCE)
            .select(UsedAttempt::as_select())
            .load(conn)
            .await?;
        let Some(last) = rows.last() else { break };
        after = (last.started_at, last.id);
        for row in rows {
            cells.add_to_hours(&Used::from(row));
        }
    }
    Ok(cells)
}
