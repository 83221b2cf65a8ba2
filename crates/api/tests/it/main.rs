//! The HTTP face over a real socket: SQLite and PostgreSQL behind it, a simulated provider beyond.

#![expect(clippy::unwrap_used, reason = "a test's way to say that it must be so")]

mod account_prices;
mod accounts;
mod alerts;
mod audit;
mod auth;
mod bodies;
mod budgets;
mod client;
mod connections;
mod cors;
mod credentials;
mod database;
mod dialects;
mod errors;
mod exporting;
mod gateway;
mod keys;
mod limits;
mod llm;
mod matrix;
mod operations;
mod prices;
mod reaching;
mod reconcile;
mod routing;
mod strictness;
mod usage;
mod users;

/// Makes two tests of each: on SQLite and on PostgreSQL.
macro_rules! on_both_databases {
    ($(async fn $name:ident($gateway:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn check($gateway: crate::gateway::TestGateway) $body

            #[tokio::test]
            async fn on_sqlite() {
                check(crate::gateway::TestGateway::start(crate::database::Kind::Sqlite).await).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                check(crate::gateway::TestGateway::start(crate::database::Kind::Postgres).await).await;
            }
        }
    )*};
}
pub(crate) use on_both_databases;
