//! A caller's scope as values of a WHERE clause.

use gateway_auth::Scope;
use uuid::Uuid;

use crate::types::StoredId;

/// Whose rows are meant, and whether everybody's are: `owner = $1 OR $2`, one statement for both.
pub(crate) fn owner(scope: Scope) -> (StoredId, bool) {
    match scope {
        Scope::Everyone => (StoredId(Uuid::nil()), true),
        Scope::Only(user) => (user.into(), false),
    }
}
