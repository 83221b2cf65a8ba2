use gateway_domain::Timestamp;

use crate::store::query;
use crate::usage::Bucket;
use crate::{Store, StoreError};

impl Store {
    /// Deletes requests and attempts that began before the day of `until`, in UTC, and returns how many requests went.
    ///
    /// The roll-ups stay, and reports on that time are answered from them: to the hour, no longer to the moment. It is
    /// done in small transactions, so that recording goes on between them; cut short, the next call goes on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database does not answer.
    pub async fn delete_usage_before(&self, until: Timestamp) -> Result<u64, StoreError> {
        let until = Bucket::Day.start(until);
        if !query!(self, write, retention::leave_to_rollups(until))? {
            return Ok(0);
        }
        let mut deleted = 0;
        loop {
            match query!(self, batch, retention::delete_requests(until))? {
                0 => return Ok(deleted),
                some => deleted += some as u64,
            }
        }
    }
}
