//! `llm-gateway db …`: looking after a database without serving.

mod rollups;

use std::sync::Arc;

use gateway_domain::SystemClock;
use gateway_store::admin::{self, MigrationState};
use gateway_store::{Store, StoreSettings};

use crate::Result;
use crate::cli::DatabaseCommand;
use crate::config::without_password;
use crate::master_keys::HASH_KEY;

/// # Errors
///
/// What is wrong with the database, and what to do about it.
pub(crate) async fn run(command: DatabaseCommand, settings: &StoreSettings) -> Result<()> {
    match command {
        DatabaseCommand::Check => check(settings).await,
        DatabaseCommand::Migrate => {
            applied(&admin::migrate(settings).await?);
            Ok(())
        }
        DatabaseCommand::Rollback { yes } => {
            if !yes {
                keep_secrets(settings).await?;
            }
            match admin::rollback(settings).await? {
                Some(migration) => println!("undone   {migration}"),
                None => println!("There is nothing to undo."),
            }
            Ok(())
        }
        DatabaseCommand::Status => status(settings).await,
        DatabaseCommand::Rollups(task) if task.rebuild => rollups::rebuild(settings).await,
        DatabaseCommand::Rollups(_) => rollups::check(settings).await,
        DatabaseCommand::Reset { yes: false } => Err(format!(
            "this deletes every user, key, account and usage record in {}: say --yes to do it",
            without_password(&settings.url)
        )
        .into()),
        DatabaseCommand::Reset { yes: true } => {
            applied(&admin::reset(settings).await?);
            println!("{} is empty and up to date.", without_password(&settings.url));
            Ok(())
        }
    }
}

/// Keeps a migration from being undone that holds what nobody has a second time.
///
/// # Errors
///
/// If the last one does.
async fn keep_secrets(settings: &StoreSettings) -> Result<()> {
    let migrations = admin::status(settings).await?;
    let last = migrations
        .iter()
        .rev()
        .find(|migration| migration.state == MigrationState::Applied);
    if !last.is_some_and(|last| last.name.ends_with("_instance_secrets")) {
        return Ok(());
    }
    let store = Store::open_to_read(settings, Arc::new(SystemClock::new())).await?;
    let is_kept = store.instance_secret(HASH_KEY).await?.is_some();
    store.close().await;
    if is_kept {
        return Err("this deletes the key that API keys are hashed with: once the master key has been changed, none of them \
                    would work any more. Say --yes to do it"
            .into());
    }
    Ok(())
}

/// # Errors
///
/// Everything that keeps the database from being used.
pub(crate) async fn expect_usable(settings: &StoreSettings) -> Result<()> {
    let problems = admin::check(settings).await;
    if problems.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| crate::in_one_line(problem))
        .collect();
    Err(lines.join("\n").into())
}

async fn check(settings: &StoreSettings) -> Result<()> {
    expect_usable(settings).await?;
    println!(
        "{} can be used, and its tables are up to date.",
        without_password(&settings.url)
    );
    Ok(())
}

async fn status(settings: &StoreSettings) -> Result<()> {
    for migration in admin::status(settings).await? {
        let state = match migration.state {
            MigrationState::Applied => "applied",
            MigrationState::Pending => "pending",
            MigrationState::Unknown => "unknown",
        };
        println!("{state}  {}", migration.name);
    }
    Ok(())
}

fn applied(migrations: &[String]) {
    if migrations.is_empty() {
        println!("The tables are up to date.");
    }
    for migration in migrations {
        println!("applied  {migration}");
    }
}
