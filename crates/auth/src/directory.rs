use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::StoredKey;

/// Where API keys are kept: the port of this crate, implemented by a store.
///
/// Every call is one transaction. What is not there is `None` or `false`; an error always means that the store
/// could not be asked.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The API key with this public id and its owner, whether either is active or not.
    async fn key_by_public_id(&self, public_id: &str) -> Result<Option<StoredKey>, DirectoryError>;
}

/// The store could not be asked: it is away, too slow or broken.
#[derive(Clone)]
pub struct DirectoryError(Arc<dyn Error + Send + Sync>);

impl DirectoryError {
    /// What kept the store from answering.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(source.into()))
    }
}

impl fmt::Debug for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the directory of users and keys is away")
    }
}

impl Error for DirectoryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
