use std::net::TcpListener;

use crate::folder::Folder;
use crate::server::Server;

#[test]
fn a_new_database_is_migrated_looked_at_rolled_back_and_reset() {
    let folder = Folder::new();
    let error = folder.run(&["db", "check"], &[]).errors();
    assert!(
        error[0].contains("there is no file data/gateway.db; run `llm-gateway db migrate`"),
        "{error:?}"
    );

    let status = folder.run(&["db", "status"], &[]).success();
    assert!(
        !status.is_empty() && status.lines().all(|line| line.starts_with("pending  00")),
        "{status}"
    );

    let migrated = folder.run(&["db", "migrate"], &[]).success();
    assert_eq!(migrated, status.replace("pending", "applied"));
    assert_eq!(folder.run(&["db", "status"], &[]).success(), migrated);
    assert_eq!(
        folder.run(&["db", "migrate"], &[]).success(),
        "The tables are up to date.\n"
    );
    let checked = folder.run(&["db", "check"], &[]).success();
    assert!(
        checked.starts_with("sqlite://data/gateway.db can be used"),
        "{checked}"
    );

    let undone = folder.run(&["db", "rollback"], &[]).success();
    let last = migrated
        .lines()
        .last()
        .unwrap()
        .strip_prefix("applied  ")
        .unwrap();
    assert_eq!(undone, format!("undone   {last}\n"));
    let error = folder.run(&["db", "check"], &[]).error();
    assert!(
        error.starts_with(&format!("migration {last} is not applied; run ")),
        "{error}"
    );

    let reset = folder.run(&["db", "reset", "--yes"], &[]).success();
    assert!(reset.starts_with(&migrated), "{reset}");
}

#[test]
fn roll_ups_are_compared_and_built_anew() {
    let folder = Folder::new();
    let error = folder.run(&["db", "rollups", "--check"], &[]).error();
    assert!(error.contains("there is no file data/gateway.db"), "{error}");
    folder.run(&["db", "migrate"], &[]).success();
    assert_eq!(
        folder.run(&["db", "rollups", "--check"], &[]).success(),
        "0 roll-ups are what the rows add up to.\n"
    );
    assert_eq!(
        folder.run(&["db", "rollups", "--rebuild"], &[]).success(),
        "0 roll-ups are built anew.\n"
    );
}

#[test]
fn a_reset_wants_to_be_confirmed() {
    let folder = Folder::new();
    folder.run(&["db", "migrate"], &[]).success();
    let error = folder.run(&["db", "reset"], &[]).error();
    assert!(error.contains("sqlite://data/gateway.db: say --yes"), "{error}");
    assert_eq!(
        folder.run(&["db", "migrate"], &[]).success(),
        "The tables are up to date.\n"
    );
}

#[test]
fn a_running_server_keeps_its_file_to_itself() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    let error = folder.run(&["db", "reset", "--yes"], &[]).error();
    assert!(
        error.starts_with("another process has the database data/gateway.db; stop the server"),
        "{error}"
    );
    server.stop();
}

#[test]
fn a_database_that_is_away_is_one_line_with_a_remedy() {
    let folder = Folder::new();
    // Bound and never listened on: nobody else gets it, and nobody answers.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://me:hunter2@{free}/gateway");
    for command in [&["serve"][..], &["db", "check"], &["db", "migrate"]] {
        let error = folder
            .run(command, &[("DATABASE_URL", &url), ("PORT", "0")])
            .error();
        assert!(
            error.starts_with(&format!("PostgreSQL does not answer at {free}; start the server")),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_url_that_names_no_database_is_refused() {
    let error = Folder::new()
        .run(&["db", "status"], &[("DATABASE_URL", "mysql://me:hunter2@db/x")])
        .error();
    assert!(
        error.contains("expected sqlite://data/gateway.db or postgres://"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
}
