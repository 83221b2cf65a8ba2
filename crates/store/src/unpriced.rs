use gateway_domain::Timestamp;

use crate::history::{RecordedAttempt, Slice, slice};
use crate::recording::AttemptRow;
use crate::store::query;
use crate::usage::Cursor;
use crate::{Store, StoreError};

impl Store {
    /// Attempts from one moment until before another whose usage is known and whose cost is not, oldest first, `limit`
    /// of them from `cursor` on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer or needs longer than reports may.
    pub async fn unpriced_attempts(
        &self,
        from: Timestamp,
        to: Timestamp,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<RecordedAttempt>, StoreError> {
        let rows = query!(
            self,
            report,
            unpriced::attempts(from, to, cursor, i64::from(limit) + 1)
        )?;
        let place = |row: &AttemptRow| Cursor {
            at: row.started_at.into(),
            id: row.id.0,
        };
        slice(rows, limit, place, AttemptRow::into_attempt)
    }
}
