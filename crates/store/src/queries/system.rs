use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Conn;
use crate::schema::{api_keys, revisions, upstream_accounts, users};
use crate::{Counts, Revisions, StoreError};

pub(crate) async fn ping(conn: &mut Conn) -> Result<(), StoreError> {
    diesel::select(1_i32.into_sql::<diesel::sql_types::Integer>())
        .get_result::<i32>(conn)
        .await?;
    Ok(())
}

pub(crate) async fn counts(conn: &mut Conn) -> Result<Counts, StoreError> {
    Ok(Counts {
        users: users::table.select(count_star()).get_result(conn).await?,
        keys: api_keys::table.select(count_star()).get_result(conn).await?,
        accounts: upstream_accounts::table
            .select(count_star())
            .get_result(conn)
            .await?,
    })
}

pub(crate) async fn revisions(conn: &mut Conn) -> Result<Revisions, StoreError> {
    let rows = revisions::table
        .select((revisions::kind, revisions::revision))
        .load::<(String, i64)>(conn)
        .await?;
    let of = |kind: Kind| {
        rows.iter()
            .find(|(name, _)| name == kind.as_str())
            .map_or(0, |(_, revision)| *revision)
    };
    Ok(Revisions {
        keys: of(Kind::Keys),
        accounts: of(Kind::Accounts),
        prices: of(Kind::Prices),
    })
}

/// What a revision counts the changes of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Accounts,
    Keys,
    Prices,
    /// Not watched: it counts the entries of the audit log.
    Audit,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Keys => "keys",
            Self::Prices => "prices",
            Self::Audit => "audit",
        }
    }
}

/// Counts a change of `kind` and, since the row stays locked until the transaction ends, keeps every other change of
/// that kind out until then. Transactions that change several kinds bump them in alphabetical order.
pub(crate) async fn bump(conn: &mut Conn, kind: Kind) -> Result<(), StoreError> {
    diesel::update(revisions::table.filter(revisions::kind.eq(kind.as_str())))
        .set(revisions::revision.eq(revisions::revision + 1))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn revision(conn: &mut Conn, kind: Kind) -> Result<i64, StoreError> {
    Ok(revisions::table
        .filter(revisions::kind.eq(kind.as_str()))
        .select(revisions::revision)
        .get_result(conn)
        .await?)
}
