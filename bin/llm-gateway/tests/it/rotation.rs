use gateway_simulator::Simulator;

use crate::databases;
use crate::folder::Folder;
use crate::load::{Seen, ask};
use crate::server::Server;
use crate::serving::set_up;

const OLD: (&str, &str) = (
    "GATEWAY_MASTER_KEY",
    "3q2-7wAjRMWx9Kf0LpZ8uVh5cTn1yGoDbE6sIaXmQrk",
);
const NEW: (&str, &str) = (
    "GATEWAY_MASTER_KEY",
    "Zk8vQ1xT5nR2wY7bC4mL9pJ6hG3fD0sA-eUiOqWzXyU",
);
const OTHER: &str = "GATEWAY_OTHER_MASTER_KEY";

#[track_caller]
fn serves(server: &Server, key: &str) {
    let answered = ask(&server.address, key, false);
    assert!(
        matches!(answered, Some(Seen::Whole(_))),
        "{answered:?}\n{}",
        server.log()
    );
}

#[test]
fn one_master_key_takes_the_place_of_another_while_the_server_runs() {
    let provider = Simulator::builder().keep(1_000).try_start().unwrap();
    for database in [None, Some(databases::create_on_server())] {
        let folder = Folder::new();
        let with = |keys: &[(&'static str, &'static str)]| -> Vec<(&str, String)> {
            let database = database.iter().map(|url| ("DATABASE_URL", url.clone()));
            keys.iter()
                .map(|(name, key)| (*name, (*key).to_owned()))
                .chain(database)
                .collect()
        };
        let start = |keys: &[(&'static str, &'static str)]| {
            let variables = with(keys);
            let variables: Vec<_> = variables
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            Server::start(&folder, &variables)
        };
        let run = |arguments: &[&str], keys: &[(&'static str, &'static str)]| {
            let variables = with(keys);
            let variables: Vec<_> = variables
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            folder.run(arguments, &variables)
        };
        let rotate = ["secrets", "rotate"];

        let server = start(&[OLD]);
        let key = set_up(&server, &provider);
        serves(&server, &key);
        server.stop();

        // Every instance learns of the new key before one seals with it.
        let server = start(&[OLD, (OTHER, NEW.1)]);
        serves(&server, &key);
        server.stop();
        let server = start(&[NEW, (OTHER, OLD.1)]);
        serves(&server, &key);

        let errors = run(&rotate, &[NEW]).errors();
        assert!(errors[0].starts_with("the credential of account "), "{errors:?}");
        assert!(
            errors[1].starts_with("the key for the api key hash: sealed with master key "),
            "{errors:?}"
        );
        let said = run(&rotate, &[NEW, (OTHER, OLD.1)]).success();
        assert!(
            said.starts_with("2 secrets are sealed anew; all are sealed with the master key "),
            "{said}"
        );
        serves(&server, &key);
        let said = run(&rotate, &[NEW, (OTHER, OLD.1)]).success();
        assert!(said.starts_with("0 secrets are sealed anew; all are"), "{said}");
        let log = server.get_as_admin("/api/audit-log?action=rotate");
        let secrets: Vec<_> = log["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["after"]["secret"].as_str().unwrap())
            .collect();
        assert_eq!(secrets[0], "the key for the api key hash");
        assert!(
            secrets[1].starts_with("the credential of account "),
            "{secrets:?}"
        );
        run(&["audit", "verify"], &[NEW]).success();
        server.stop();

        let server = start(&[NEW]);
        serves(&server, &key);
        server.stop();
        let error = run(&["serve"], &[OLD, ("PORT", "0")]).error();
        assert!(
            error.starts_with("what is sealed in the database does not open (sealed with master key "),
            "{error}"
        );
    }
}

#[test]
fn another_master_key_is_refused_even_where_there_is_no_account_yet() {
    let folder = Folder::new();
    Server::start(&folder, &[OLD]).stop();
    let error = folder.run(&["serve"], &[NEW, ("PORT", "0")]).error();
    assert!(
        error.ends_with("start with the GATEWAY_MASTER_KEY that this database was used with"),
        "{error}"
    );
    let error = folder
        .run(&["serve"], &[NEW, (OTHER, "c2hvcnQh"), ("PORT", "0")])
        .error();
    assert!(
        error.starts_with(
            "GATEWAY_OTHER_MASTER_KEY (environment variable GATEWAY_OTHER_MASTER_KEY) has 8 bytes"
        ),
        "{error}"
    );
}

#[test]
fn a_server_that_does_not_know_the_new_master_key_goes_on_with_what_it_has() {
    let provider = Simulator::builder().keep(1_000).try_start().unwrap();
    let folder = Folder::new();
    let server = Server::start(&folder, &[OLD]);
    let key = set_up(&server, &provider);
    serves(&server, &key);
    let said = folder
        .run(&["secrets", "rotate"], &[NEW, (OTHER, OLD.1)])
        .success();
    assert!(said.starts_with("2 secrets are sealed anew"), "{said}");
    while !server
        .log()
        .contains("does not open: it goes on with what was opened before")
    {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    serves(&server, &key);
    server.stop();
}

#[test]
fn the_first_start_takes_one_master_key() {
    let folder = Folder::new();
    let both = [OLD, (OTHER, NEW.1), ("PORT", "0")];
    let error = folder.run(&["serve"], &both).error();
    assert!(
        error.contains("start once with the GATEWAY_MASTER_KEY that it was used with"),
        "{error}"
    );
    Server::start(&folder, &[OLD]).stop();
    Server::start(&folder, &both[..2]).stop();
}
