//! `llm-gateway db …`: looking after a database without serving.

use gateway_store::StoreSettings;
use gateway_store::admin::{self, MigrationState};

use crate::Result;
use crate::cli::DatabaseCommand;
use crate::config::without_password;

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
        DatabaseCommand::Rollback => {
            match admin::rollback(settings).await? {
                Some(migration) => println!("undone   {migration}"),
                None => println!("There is nothing to undo."),
            }
            Ok(())
        }
        DatabaseCommand::Status => status(settings).await,
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

async fn check(settings: &StoreSettings) -> Result<()> {
    let problems = admin::check(settings).await;
    if problems.is_empty() {
        println!(
            "{} can be used, and its tables are up to date.",
            without_password(&settings.url)
        );
        return Ok(());
    }
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| crate::in_one_line(problem))
        .collect();
    Err(lines.join("\n").into())
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
