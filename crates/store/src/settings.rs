use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

use crate::target::without_password;

/// How the store reaches its database.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// Where the database is: `sqlite://data/gateway.db`, `sqlite:///var/lib/gateway.db` for an absolute path, or
    /// `postgres://user:password@host:5432/database?sslmode=verify-full`.
    ///
    /// From `sslmode=require` on the server's certificate and name are verified; `prefer`, which is the default,
    /// only encrypts where the server can.
    pub url: String,
    /// Connections open at once at the most, those for reports among them.
    pub max_connections: NonZeroU32,
    /// Seconds to wait for a new connection.
    pub connect_timeout_seconds: NonZeroU32,
    /// Seconds that one statement may take.
    pub statement_timeout_seconds: NonZeroU32,
    /// Seconds that one statement of a usage report may take.
    pub report_timeout_seconds: NonZeroU32,
    /// Threads of the runtime on which all queries run.
    pub worker_threads: NonZeroU32,
    /// Days after which requests and attempts may be deleted, with [`Store::delete_usage_before`]; zero keeps them for
    /// ever.
    ///
    /// [`Store::delete_usage_before`]: crate::Store::delete_usage_before
    pub keep_usage_days: u32,
    /// Certificates, in PEM, that are trusted beside the public authorities when PostgreSQL presents its own: the
    /// content of libpq's `sslrootcert` file.
    #[serde(skip)]
    pub root_certificates: Option<Vec<u8>>,
}

impl StoreSettings {
    /// The usual settings for the database at `url`.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        seconds(self.connect_timeout_seconds)
    }

    pub(crate) fn statement_timeout(&self) -> Duration {
        seconds(self.statement_timeout_seconds)
    }

    pub(crate) fn report_timeout(&self) -> Duration {
        seconds(self.report_timeout_seconds)
    }

    /// Connections kept for reports, so that slow ones never stand in the way of a sign-in.
    pub(crate) fn report_connections(&self) -> usize {
        (self.max_connections.get() as usize / 4).max(1)
    }

    /// Connections for everything else.
    pub(crate) fn other_connections(&self) -> usize {
        (self.max_connections.get() as usize)
            .saturating_sub(self.report_connections())
            .max(1)
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        let count = |value| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
        Self {
            url: "sqlite://data/gateway.db".to_owned(),
            max_connections: count(10),
            connect_timeout_seconds: count(3),
            statement_timeout_seconds: count(2),
            report_timeout_seconds: count(20),
            worker_threads: count(2),
            keep_usage_days: 0,
            root_certificates: None,
        }
    }
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSettings")
            .field("url", &without_password(&self.url))
            .field("max_connections", &self.max_connections)
            .field("worker_threads", &self.worker_threads)
            .finish_non_exhaustive()
    }
}

fn seconds(count: NonZeroU32) -> Duration {
    Duration::from_secs(u64::from(count.get()))
}
