//! Sums and percentiles over usage.

mod statement;
mod sums;

use std::collections::BTreeMap;

use gateway_auth::Scope;
use gateway_domain::{Nanodollars, Timestamp};

use self::statement::Report;
use super::{Conn, rollups};
use crate::StoreError;
use crate::pieces::{Piece, Range};
use crate::reports::{MOST_GROUPS, MOST_POINTS, ReportRow};
use crate::types::StoredId;
use crate::usage::{Bucket, Group, GroupBy, Source, Totals, UsageFilter};

/// The dearest groups, and the sums of everything.
pub(crate) async fn summary(
    conn: &mut Conn,
    filter: UsageFilter,
    group_by: Option<GroupBy>,
    now: Timestamp,
) -> Result<(Vec<ReportRow>, Totals), StoreError> {
    read_tx!(conn, {
        let source = Source::of(&filter, group_by);
        let pieces = pieces(conn, &filter, now, Bucket::Day).await?;
        let mut groups = Vec::new();
        if group_by.is_some() {
            let report = Report::new(&filter, source, &pieces, None, group_by);
            groups = report.add_up(conn, MOST_GROUPS).await?;
        }
        let totals = Report::new(&filter, source, &pieces, None, None);
        let totals = totals.add_up(conn, 1).await?.into_iter().next();
        Ok((groups, totals.map(|row| row.totals).unwrap_or_default()))
    })
}

/// The sums of each step and group, in no order.
pub(crate) async fn timeseries(
    conn: &mut Conn,
    filter: UsageFilter,
    bucket: Bucket,
    group_by: Option<GroupBy>,
    now: Timestamp,
) -> Result<Vec<ReportRow>, StoreError> {
    read_tx!(conn, {
        let source = Source::of(&filter, group_by);
        let pieces = pieces(conn, &filter, now, bucket).await?;
        let report = Report::new(&filter, source, &pieces, Some(bucket), group_by);
        report.add_up(conn, MOST_POINTS + 1).await
    })
}

/// What each of these keys, users or accounts, by which `by` groups, has cost from a moment on; nothing for those that have
/// no usage.
pub(crate) async fn spent(
    conn: &mut Conn,
    by: GroupBy,
    asked: Vec<StoredId>,
    from: Timestamp,
    now: Timestamp,
) -> Result<BTreeMap<StoredId, Nanodollars>, StoreError> {
    let end = Timestamp::from_micros(i64::MAX);
    let filter = UsageFilter::between(Scope::Everyone, from, end);
    let pieces = pieces(conn, &filter, now, Bucket::Day).await?;
    let (source, column) = match by {
        GroupBy::Account => (Source::Attempts, "account_id"),
        GroupBy::User => (Source::Requests, "user_id"),
        _ => (Source::Requests, "key_id"),
    };
    let most = asked.len();
    let report = Report::new(&filter, source, &pieces, None, Some(by)).only(column, asked);
    let rows = report.add_up(conn, most).await?.into_iter().filter_map(|row| {
        let id = match row.group? {
            Group::Key(id) => id.into(),
            Group::User(id) => id.into(),
            Group::Account(id) => id.into(),
            _ => return None,
        };
        Some((id, row.totals.cost.unwrap_or_default()))
    });
    Ok(rows.collect())
}

/// What the range of `filter` is put together from.
async fn pieces(
    conn: &mut Conn,
    filter: &UsageFilter,
    now: Timestamp,
    finest: Bucket,
) -> Result<Vec<Piece>, StoreError> {
    let range = Range {
        from: filter.from,
        to: filter.to,
        now,
        rows_from: rollups::rows_from(conn).await?,
    };
    Ok(range.pieces(finest))
}
