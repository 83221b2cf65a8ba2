use std::error::Error;

use diesel::result::{DatabaseErrorKind, Error as QueryError};

type Source = Box<dyn Error + Send + Sync>;

/// Why an operation of the store did not happen.
///
/// What is not there is no error: it is `Ok(None)` or `Ok(false)`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else has the value of a field that must be unique.
    #[error("{what} is taken")]
    Taken {
        /// The field: `username` or `email`.
        what: &'static str,
    },
    /// The change would leave nobody who can administer the gateway.
    #[error("the last active admin must stay one")]
    LastAdmin,
    /// The account's requests go elsewhere than when the change was judged.
    #[error("the account was changed meanwhile")]
    Moved,
    /// The report would have more rows than anybody can read; a coarser bucket or a shorter range has fewer.
    #[error("the report would have more than {most} rows")]
    TooManyRows {
        /// Rows that a report may have.
        most: usize,
    },
    /// The database does not answer, or not in time; later it may.
    #[error("the database is away")]
    Unavailable(#[source] Source),
    /// The database refused, or holds what this version cannot read.
    #[error("the database refused")]
    Other(#[source] Source),
}

impl StoreError {
    pub(crate) fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    pub(crate) fn other(source: impl Into<Source>) -> Self {
        Self::Other(source.into())
    }
}

impl From<QueryError> for StoreError {
    fn from(error: QueryError) -> Self {
        if let QueryError::DatabaseError(kind, information) = &error {
            let message = information.message();
            if matches!(kind, DatabaseErrorKind::UniqueViolation) {
                // PostgreSQL names the index apart, SQLite within the message.
                let index = information.constraint_name().unwrap_or(message);
                if let Some(what) = unique_field(index) {
                    return Self::Taken { what };
                }
            }
            if is_away(kind, message) {
                return Self::unavailable(error);
            }
        }
        match error {
            QueryError::BrokenTransactionManager | QueryError::AlreadyInTransaction => {
                Self::unavailable(error)
            }
            other => Self::other(other),
        }
    }
}

fn unique_field(index: &str) -> Option<&'static str> {
    [
        ("users_username_unique", "username"),
        ("users_email_unique", "email"),
    ]
    .into_iter()
    .find_map(|(name, what)| index.contains(name).then_some(what))
}

/// Whether the same statement may succeed later: the connection broke, time ran out, or another transaction was in
/// the way. Neither database's driver passes the code on, so the message decides.
fn is_away(kind: &DatabaseErrorKind, message: &str) -> bool {
    const PASSING: [&str; 11] = [
        "database is locked",
        "database table is locked",
        "disk I/O error",
        "database or disk is full",
        "canceling statement due to",
        "terminating connection",
        "the database system is",
        "deadlock detected",
        "could not extend file",
        "too many clients",
        "remaining connection slots",
    ];
    match kind {
        DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::SerializationFailure
        | DatabaseErrorKind::ReadOnlyTransaction => true,
        _ => PASSING.iter().any(|passing| message.contains(passing)),
    }
}

/// Why the store could not be opened: what is wrong and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{problem}; {remedy}")]
pub struct OpenError {
    problem: String,
    remedy: String,
    #[source]
    source: Option<Source>,
}

impl OpenError {
    pub(crate) fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            remedy: remedy.into(),
            source: None,
        }
    }

    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What is wrong, for the person who runs the gateway; never holds a password.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

#[cfg(test)]
mod tests {
    use diesel::result::{DatabaseErrorKind, Error as QueryError};

    use super::StoreError;

    #[test]
    fn what_another_transaction_caused_passes_and_what_the_row_caused_does_not() {
        let is_away = |kind, message: &str| {
            let error = QueryError::DatabaseError(kind, Box::new(message.to_owned()));
            matches!(StoreError::from(error), StoreError::Unavailable(_))
        };
        for (kind, message) in [
            (DatabaseErrorKind::Unknown, "deadlock detected"),
            (
                DatabaseErrorKind::SerializationFailure,
                "could not serialize access due to concurrent update",
            ),
            (
                DatabaseErrorKind::Unknown,
                "canceling statement due to lock timeout",
            ),
            (DatabaseErrorKind::Unknown, "database is locked"),
        ] {
            assert!(is_away(kind, message), "{message}");
        }
        for (kind, message) in [
            (
                DatabaseErrorKind::CheckViolation,
                "new row for relation \"attempts\" violates check constraint \"attempts_check\"",
            ),
            (
                DatabaseErrorKind::CheckViolation,
                "CHECK constraint failed: input_tokens >= 0",
            ),
            (
                DatabaseErrorKind::NotNullViolation,
                "NOT NULL constraint failed: attempts.model",
            ),
            (DatabaseErrorKind::Unknown, "bigint out of range"),
        ] {
            assert!(!is_away(kind, message), "{message}");
        }
    }
}
