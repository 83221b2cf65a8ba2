use std::fs;

use serde_json::json;

use crate::databases;
use crate::folder::Folder;
use crate::server::Server;

fn make_user(server: &Server, name: &str) {
    let user = json!({
        "username": name,
        "email": format!("{name}@example.org"),
        "password": "Correct-Horse-42-Battery",
        "role": "member",
    });
    let answer = server.post("/api/users", &server.admin_token(), &user);
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// The hash that is the last word of what a verification says.
fn head(said: &str) -> String {
    let hash = said.trim_end().rsplit(' ').next().unwrap();
    hash.trim_end_matches('.').to_owned()
}

#[test]
fn the_audit_log_is_verified_beside_a_running_server() {
    for variables in [vec![], vec![("DATABASE_URL", databases::create_on_server())]] {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let folder = Folder::new();
        let server = Server::start(&folder, &variables);
        make_user(&server, "mallory1");
        let said = folder.run(&["audit", "verify"], &variables).success();
        assert!(said.starts_with("2 entries are as they were written."), "{said}");

        make_user(&server, "mallory2");
        let with_head = ["audit", "verify", "--expect", &head(&said)];
        folder.run(&with_head, &variables).success();
        let foreign = "0".repeat(64);
        let error = folder
            .run(&["audit", "verify", "--expect", &foreign], &variables)
            .error();
        assert!(
            error.starts_with("no entry of the audit log has the expected hash"),
            "{error}"
        );
        server.stop();
    }
}

#[test]
fn what_is_changed_in_the_file_of_the_database_is_found() {
    let folder = Folder::new();
    let said = folder.run(&["audit", "verify"], &[]).error();
    assert!(said.contains("there is no file data/gateway.db"), "{said}");
    folder.run(&["db", "migrate"], &[]).success();
    assert_eq!(
        folder.run(&["audit", "verify"], &[]).success(),
        "The audit log is empty.\n"
    );

    let server = Server::start(&folder, &[]);
    make_user(&server, "mallory1");
    server.stop();
    let file = folder.path("data/gateway.db");
    let mut bytes = fs::read(&file).unwrap();
    let old = b"\"username\":\"mallory1\"";
    let places: Vec<_> = (0..bytes.len() - old.len())
        .filter(|place| bytes[*place..].starts_with(old))
        .collect();
    assert_eq!(places.len(), 1);
    bytes[places[0] + old.len() - 2] = b'2';
    fs::write(&file, bytes).unwrap();
    let error = folder.run(&["audit", "verify"], &[]).error();
    assert_eq!(
        error,
        "entry 2 of the audit log is not to be trusted: it does not say what was written"
    );
}
