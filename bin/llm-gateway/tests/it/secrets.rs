use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::folder::Folder;
use crate::server::Server;

const GOOD: &str = "qL3vX8sT0yWmZ5rC2nUa7KdFhJ9eBgP4";

#[test]
fn development_generates_private_secrets_and_keeps_them() {
    let folder = Folder::new();
    Server::start(&folder, &[]).stop();
    let mode = |name: &str| fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777;
    let read = |name: &str| fs::read_to_string(folder.path(name)).unwrap();
    assert_eq!(mode("data/secrets"), 0o700);
    assert_eq!(mode("data/secrets/jwt-secret"), 0o600);
    assert_eq!(mode("data/secrets/master-key"), 0o600);
    let first = [read("data/secrets/jwt-secret"), read("data/secrets/master-key")];
    assert_ne!(first[0], first[1]);

    Server::start(&folder, &[]).stop();
    assert_eq!(
        [read("data/secrets/jwt-secret"), read("data/secrets/master-key")],
        first
    );
}

#[test]
fn looking_at_the_configuration_generates_nothing() {
    let folder = Folder::new();
    folder.run(&["config"], &[]).success();
    assert!(!folder.path("data").exists());
}

#[test]
fn production_does_not_start_without_secrets() {
    let folder = Folder::new();
    for (variables, start) in [
        (vec![], "JWT_SECRET is not set"),
        (vec![("JWT_SECRET", GOOD)], "GATEWAY_MASTER_KEY is not set"),
        (
            vec![("JWT_SECRET", "short")],
            "JWT_SECRET (environment variable JWT_SECRET) has 5 bytes",
        ),
        (
            vec![("JWT_SECRET", "change-me-change-me-change-me-change-me")],
            "JWT_SECRET (environment variable JWT_SECRET) looks like a sample",
        ),
        (
            vec![
                ("JWT_SECRET", GOOD),
                (
                    "GATEWAY_MASTER_KEY",
                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=",
                ),
            ],
            "GATEWAY_MASTER_KEY (environment variable GATEWAY_MASTER_KEY) looks like a sample",
        ),
    ] {
        let error = folder.run(&["--profile", "production"], &variables).error();
        assert!(error.starts_with(start), "{error}");
        assert!(!folder.path("data").exists(), "{start}");
    }
}

#[test]
fn production_ignores_what_development_generated() {
    let folder = Folder::new();
    Server::start(&folder, &[]).stop();
    let error = folder.run(&["--profile", "production"], &[]).error();
    assert!(error.starts_with("JWT_SECRET is not set"), "{error}");
}

#[test]
fn a_secret_may_come_from_a_file_that_nobody_else_can_read() {
    let folder = Folder::new();
    let file = folder.write("jwt", &format!("{GOOD}\n"));
    let variable = [("GATEWAY__SECRETS__JWT_SECRET_FILE", file.to_str().unwrap())];
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = folder.run(&["config"], &variable).error();
    assert!(
        error.contains("can be read by others (mode 644): chmod 600"),
        "{error}"
    );

    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let printed = folder.run(&["config"], &variable).success();
    let line = printed
        .lines()
        .find(|line| line.starts_with("jwt_secret ="))
        .unwrap();
    assert!(line.ends_with(&format!("# {}", file.display())), "{line}");

    let both = [variable[0], ("JWT_SECRET", GOOD)];
    let error = folder.run(&["config"], &both).error();
    assert!(
        error.starts_with("auth.jwt_secret and secrets.jwt_secret_file are both set"),
        "{error}"
    );
}
