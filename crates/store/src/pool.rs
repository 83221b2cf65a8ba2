//! How long to wait for a connection.

use std::time::Duration;

use deadpool::managed::Timeouts;

use crate::StoreSettings;

/// How long a caller waits for a free connection before it hears that the database is away.
pub(crate) const WAIT: Duration = Duration::from_secs(3);

pub(crate) fn timeouts(settings: &StoreSettings) -> Timeouts {
    Timeouts {
        wait: Some(WAIT),
        create: Some(settings.connect_timeout()),
        recycle: Some(WAIT),
    }
}
