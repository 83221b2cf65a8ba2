use std::error::Error;

use async_trait::async_trait;
use gateway_metering::RequestRecord;

/// Where finished requests are kept.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Keeps all of `batch`, or none of it.
    ///
    /// It must be idempotent by the records' ids: what was kept may be written again, when its answer was lost.
    ///
    /// # Errors
    ///
    /// [`SinkError`] says whether to come back with the same batch or with parts of it.
    async fn write(&self, batch: Vec<RequestRecord>) -> Result<(), SinkError>;
}

/// Why a batch was not kept.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Nothing is wrong with the batch; the same one may be kept later.
    #[error("the sink is away")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// A record in the batch can never be kept; the others may be.
    #[error("the sink refuses the batch")]
    Rejected(#[source] Box<dyn Error + Send + Sync>),
}
