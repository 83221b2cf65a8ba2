use crate::folder::Folder;

/// The line of `llm-gateway config` for a key.
#[track_caller]
fn line(printed: &str, section: &str, key: &str) -> String {
    let section = printed
        .split(&format!("\n[{section}]\n"))
        .nth(1)
        .unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let line = section
        .lines()
        .find(|line| line.trim_start_matches("# ").starts_with(&format!("{key} =")));
    let words: Vec<_> = line.unwrap_or_default().split_whitespace().collect();
    words.join(" ")
}

#[test]
fn later_layers_win_and_every_value_says_where_it_came_from() {
    let folder = Folder::new();
    folder.write(
        "config/development.toml",
        "[server]\nport = 1001\nworkers = 3\n[log]\nfilter = 'debug'\n",
    );
    folder.write("extra.toml", "[server]\nport = 1002\n");
    folder.write(".env", "PORT=1003\nHOST=::1\nRUST_LOG=warn\n");

    let printed = folder
        .run(&["config", "--config", "extra.toml"], &[("PORT", "1004")])
        .success();

    assert_eq!(
        line(&printed, "server", "port"),
        "port = 1004 # environment variable PORT"
    );
    assert_eq!(line(&printed, "server", "host"), "host = \"::1\" # HOST in .env");
    assert_eq!(
        line(&printed, "server", "workers"),
        "workers = 3 # config/development.toml"
    );
    assert_eq!(
        line(&printed, "log", "filter"),
        "filter = \"warn\" # RUST_LOG in .env"
    );
    assert_eq!(
        line(&printed, "server", "data_dir"),
        "data_dir = \"data\" # default"
    );
    assert_eq!(
        line(&printed, "users", "admin_password"),
        "# admin_password = # not set"
    );
    assert!(printed.starts_with("# profile development, read: config/development.toml, extra.toml, .env\n"));
}

#[test]
fn only_the_profile_development_lists_this_machine() {
    let folder = Folder::new();
    let shown = |profile: &str| {
        let printed = folder.run(&["config", "--profile", profile], &[]).success();
        line(&printed, "upstream", "allow_private")
    };
    assert_eq!(
        shown("development"),
        "allow_private = [\"loopback\"] # built-in development.toml"
    );
    assert_eq!(shown("production"), "allow_private = [] # default");
}

#[test]
fn what_is_printed_is_toml() {
    let printed = Folder::new().run(&["config"], &[]).success();
    let parsed: toml::Table = printed.parse().unwrap();
    assert_eq!(parsed["server"]["port"].as_integer(), Some(8080));
}

#[test]
fn every_variable_with_a_name_of_its_own_is_understood() {
    let printed = Folder::new()
        .run(
            &["config"],
            &[
                ("ALLOW_DEFAULT_CREDENTIALS", "1"),
                ("DATABASE_URL", "postgres://me:hunter2@db:5432/gateway"),
                ("HOST", "0.0.0.0"),
                ("JWT_EXPIRY", "24h"),
                ("GATEWAY__API__TRUSTED_PROXIES", "10.0.0.0/8, 192.168.1.1/32"),
            ],
        )
        .success();

    assert!(
        line(&printed, "users", "allow_default_credentials").starts_with("allow_default_credentials = true ")
    );
    assert!(line(&printed, "auth", "access_token_seconds").starts_with("access_token_seconds = 86400 "));
    assert!(line(&printed, "store", "url").starts_with("url = \"postgres://me:********@db:5432/gateway\" "));
    assert!(
        line(&printed, "api", "trusted_proxies")
            .starts_with("trusted_proxies = [\"10.0.0.0/8\", \"192.168.1.1/32\"] ")
    );
}

#[test]
fn no_secret_is_printed() {
    let folder = Folder::new();
    let printed = folder
        .run(
            &["config"],
            &[
                ("JWT_SECRET", "hunter2-hunter2-hunter2-hunter2-hunter2"),
                (
                    "GATEWAY_MASTER_KEY",
                    "hunter2hunter2hunter2hunter2hunter2hunter2hu",
                ),
                ("GATEWAY_ADMIN_PASSWORD", "hunter2-hunter2"),
                (
                    "GATEWAY__AUTH__PREVIOUS_JWT_SECRET",
                    "hunter2-hunter2-hunter2-hunter2-hunter2",
                ),
                ("GATEWAY__API__METRICS_TOKEN", "hunter2"),
                ("DATABASE_URL", "postgres://me:hunter2@db/gateway?sslmode=require"),
                ("ALERTS_WEBHOOK_SECRET", "whsec_hunter2"),
                ("ALERTS_WEBHOOK_URL", "https://hooks.example.com/hunter2"),
            ],
        )
        .success();
    assert!(!printed.contains("hunter2"), "{printed}");
    assert_eq!(
        line(&printed, "secrets", "master_key"),
        "master_key = \"********\" # environment variable GATEWAY_MASTER_KEY"
    );
}

#[test]
fn an_unknown_key_is_named_with_where_it_stands() {
    let folder = Folder::new();
    folder.write("extra.toml", "[server]\nprot = 1\n[srever]\nport = 1\n");
    let errors = folder
        .run(
            &["--config", "extra.toml"],
            &[("GATEWAY__AUTH__BCRYPT_COTS", "12"), ("GATEWAY__PORT", "1")],
        )
        .errors();
    let starts = [
        "unknown key auth.bcrypt_cots (environment variable GATEWAY__AUTH__BCRYPT_COTS): [auth] has ",
        "unknown key port (environment variable GATEWAY__PORT): the sections are server, ",
        "unknown key server.prot (extra.toml): [server] has host, port, ",
        "unknown key srever.port (extra.toml): the sections are server, ",
    ];
    assert_eq!(errors.len(), starts.len(), "{errors:?}");
    for (error, start) in errors.iter().zip(starts) {
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn bad_values_are_told_all_at_once_with_what_was_expected() {
    let folder = Folder::new();
    folder.write("extra.toml", "[server]\nport = \"http\"\n");
    let errors = folder
        .run(
            &["config", "--config", "extra.toml"],
            &[
                ("GATEWAY__LOG__FORMAT", "xml"),
                ("GATEWAY__ALERTS__BUDGET_PERCENTS", "50, 0"),
                ("GATEWAY__ALERTS__CHECK_INTERVAL_SECONDS", "0"),
                ("GATEWAY__API__DOCS", "maybe"),
                ("GATEWAY__BALANCING__GROUPS__BATCH__STRATEGY", "random"),
                ("GATEWAY__BALANCING__MAX_WAIT_SECONDS", "9223372036854775807"),
                ("GATEWAY__BALANCING__SECOND_WORTH_USD", "NaN"),
                ("GATEWAY__BALANCING__STRATEGY", "Smart"),
                ("GATEWAY__PROXY__MAX_ATTEMPTS", "0"),
                ("GATEWAY__PROXY__OVERLOAD_PAUSE_MS", "-1"),
                ("GATEWAY__UPSTREAM__ALLOW_PRIVATE", "loopback, 169.254.169.254/32"),
                ("RUST_LOG", "a=b=c"),
            ],
        )
        .errors();
    assert_eq!(
        errors,
        [
            "alerts.budget_percents is [\"50\", \"0\"] (environment variable GATEWAY__ALERTS__BUDGET_PERCENTS): \
             expected different whole percents of 1 to 100",
            "alerts.check_interval_seconds is 0 (environment variable GATEWAY__ALERTS__CHECK_INTERVAL_SECONDS): \
             invalid value: integer `0`, expected a nonzero u64",
            "api.docs is \"maybe\" (environment variable GATEWAY__API__DOCS): expected a boolean",
            "balancing.groups is {batch = {strategy = \"random\"}} \
             (environment variable GATEWAY__BALANCING__GROUPS__BATCH__STRATEGY): \
             there is no strategy \"random\", expected one of smart, round_robin, least_in_flight, peak_ewma",
            "balancing.max_wait_seconds is 9223372036854775807 \
             (environment variable GATEWAY__BALANCING__MAX_WAIT_SECONDS): \
             expected 3155760000 at the most, which is a hundred years",
            "balancing.second_worth_usd is \"NaN\" \
             (environment variable GATEWAY__BALANCING__SECOND_WORTH_USD): expected 0 to 1000",
            "balancing.strategy is \"Smart\" (environment variable GATEWAY__BALANCING__STRATEGY): \
             there is no strategy \"Smart\", expected one of smart, round_robin, least_in_flight, peak_ewma",
            "log.filter is \"a=b=c\" (environment variable RUST_LOG): \
             expected a level or directives, such as info or info,gateway_proxy=debug",
            "log.format is \"xml\" (environment variable GATEWAY__LOG__FORMAT): expected text or json",
            "proxy.max_attempts is 0 (environment variable GATEWAY__PROXY__MAX_ATTEMPTS): \
             invalid value: integer `0`, expected a nonzero u16",
            "proxy.overload_pause_ms is -1 (environment variable GATEWAY__PROXY__OVERLOAD_PAUSE_MS): \
             expected an unsigned 64 bit or less integer",
            "server.port is \"http\" (extra.toml): expected an integer",
            "upstream.allow_private is [\"loopback\", \"169.254.169.254/32\"] \
             (environment variable GATEWAY__UPSTREAM__ALLOW_PRIVATE): \
             link-local and metadata addresses are never reached, and cannot be listed",
        ]
    );
}

#[test]
fn a_bad_value_of_a_secret_is_not_quoted() {
    let folder = Folder::new();
    folder.write("extra.toml", "[auth]\njwt_secret = [\"hunter2\"]\n");
    let error = folder.run(&["config", "--config", "extra.toml"], &[]).error();
    assert_eq!(
        error,
        "auth.jwt_secret is \"********\" (extra.toml): expected a text"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = Folder::new();
    let error = folder.run(&["--config", "absent.toml"], &[]).error();
    assert_eq!(error, "absent.toml: there is no such file");

    folder.write("broken.toml", "[server\n");
    let error = folder.run(&["--config", "broken.toml"], &[]).error();
    assert!(
        error.starts_with("broken.toml: TOML parse error at line 1"),
        "{error}"
    );

    let error = folder.run(&["--profile", "staging"], &[]).error();
    assert!(
        error.starts_with("profile staging needs the file config/staging.toml"),
        "{error}"
    );
    let error = folder.run(&[], &[("GATEWAY_PROFILE", "../staging")]).error();
    assert!(error.starts_with("\"../staging\" is no profile"), "{error}");
}

#[test]
fn help_and_version_are_there() {
    let folder = Folder::new();
    let help = folder.run(&["--help"], &[]).success();
    for word in ["serve", "config", "db", "DATABASE_URL", "GATEWAY__SECTION__KEY"] {
        assert!(help.contains(word), "{word}\n{help}");
    }
    for command in ["serve", "config", "db"] {
        folder.run(&[command, "--help"], &[]).success();
    }
    let version = folder.run(&["--version"], &[]).success();
    assert_eq!(version, format!("llm-gateway {}\n", env!("CARGO_PKG_VERSION")));
}
