//! A PostgreSQL of our own, for as long as the tests run.

use std::env;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::debian::Debian;
use crate::Result;
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::throwaway::{free_port, secret};
use crate::workspace::variable;

/// A server in a temporary folder, on a free port of the loopback address.
///
/// Without fsync: it is as fast as it can be, and what it holds is thrown away.
#[derive(Debug)]
pub(crate) struct Cluster {
    // Ends before the folder goes: fields drop in this order.
    _server: Process,
    _folder: TempDir,
    url: String,
    version: String,
}

impl Cluster {
    pub(crate) fn start(interrupt: &Interrupt) -> Result<Self> {
        let binaries = find_or_install()?;
        let folder = tempfile::Builder::new().prefix("gateway-postgres-").tempdir()?;
        let account = Account::for_server(folder.path())?;
        account.give(folder.path())?;
        let password = secret()?;
        initialise(&binaries, &account, folder.path(), &password)?;
        // The port is free when we look and may be taken when the server does: then another is tried.
        let mut failure = None;
        for _ in 0..3 {
            let port = free_port()?;
            match launch(&binaries, &account, folder.path(), port, interrupt) {
                Ok(server) => {
                    let url = format!("postgres://gateway:{password}@127.0.0.1:{port}/postgres");
                    let version = version(&binaries)?;
                    return Ok(Self {
                        _server: server,
                        _folder: folder,
                        url,
                        version,
                    });
                }
                Err(error) => failure = Some(error),
            }
            interrupt.check()?;
        }
        let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        Err(format!("{}\n{}", failure.expect("three attempts failed"), log.trim_end()).into())
    }

    /// With a name that may create databases.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// As the server names itself.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

/// Who the server runs as: PostgreSQL refuses to be root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Account {
    Ours,
    Other { user: u32, group: u32 },
}

impl Account {
    fn for_server(our_folder: &Path) -> Result<Self> {
        if fs::metadata(our_folder)?.uid() != 0 {
            return Ok(Self::Ours);
        }
        let users = fs::read_to_string("/etc/passwd")?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| find_user(&users, name))
            .ok_or_else(|| {
                "PostgreSQL refuses to run as root, and there is no user postgres or nobody".into()
            })
    }

    fn give(self, path: &Path) -> Result<()> {
        if let Self::Other { user, group } = self {
            chown(path, Some(user), Some(group))?;
        }
        Ok(())
    }

    /// A command in `folder`, since the account may be unable to enter ours.
    fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        if let Self::Other { user, group } = self {
            command.uid(user).gid(group);
        }
        command
    }
}

fn find_user(passwd: &str, name: &str) -> Option<Account> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let user = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    Some(Account::Other { user, group })
}

fn initialise(binaries: &Path, account: &Account, folder: &Path, password: &str) -> Result<()> {
    let pwfile = folder.join("password");
    fs::write(&pwfile, password)?;
    fs::set_permissions(&pwfile, Permissions::from_mode(0o600))?;
    account.give(&pwfile)?;
    let output = account
        .command(&binaries.join("initdb"), folder)
        .args([
            "--pgdata",
            "data",
            "--username",
            "gateway",
            "--pwfile",
            "password",
        ])
        .args([
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--no-sync",
        ])
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "initdb failed\n{}",
        String::from_utf8_lossy(&output.stderr).trim_end()
    )
    .into())
}

fn launch(
    binaries: &Path,
    account: &Account,
    folder: &Path,
    port: u16,
    interrupt: &Interrupt,
) -> Result<Process> {
    let log = File::create(folder.join("log"))?;
    let mut command = account.command(&binaries.join("postgres"), folder);
    command.args(["-D", "data", "-p", &port.to_string()]);
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=200",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
    ] {
        command.args(["-c", setting]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    // SIGINT is PostgreSQL's fast shutdown: it cuts connections and ends.
    let mut server = Process::start("postgres", &mut command, Signal::INT)?;
    let status = folder.join("data/postmaster.pid");
    server.wait_until(Duration::from_secs(60), interrupt, || is_ready(&status))?;
    Ok(server)
}

/// The eighth line of `postmaster.pid` is how the server tells `pg_ctl` that it takes connections.
fn is_ready(status: &Path) -> bool {
    let text = fs::read_to_string(status).unwrap_or_default();
    text.lines().nth(7).is_some_and(|line| line.trim() == "ready")
}

fn version(binaries: &Path) -> Result<String> {
    let output = Command::new(binaries.join("postgres"))
        .arg("--version")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim().replace("postgres (PostgreSQL) ", "version "))
}

fn find_or_install() -> Result<PathBuf> {
    if let Some(binaries) = find() {
        return Ok(binaries);
    }
    install()?;
    find().ok_or_else(|| "PostgreSQL was installed, yet its initdb is nowhere to be found".into())
}

fn find() -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).collect::<Vec<_>>();
    on_path
        .into_iter()
        .chain(packaged(Path::new("/usr/lib/postgresql")))
        .find(|folder| {
            ["initdb", "postgres"]
                .iter()
                .all(|program| folder.join(program).is_file())
        })
}

/// Debian keeps one folder a version and none of them on the path. Newest first.
fn packaged(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, binaries)| binaries).collect()
}

const REMEDY: &str = "the tests need PostgreSQL's server programs (initdb, postgres), version 12 or later.\n  \
    Debian, Ubuntu: sudo apt-get install postgresql\n  \
    Fedora:         sudo dnf install postgresql-server\n  \
    macOS:          brew install postgresql\n\
    or set TEST_DATABASE_URL to a server where the tests may create databases";

fn install() -> Result<()> {
    let Some(debian) = Debian::here()? else {
        return Err(REMEDY.into());
    };
    eprintln!("PostgreSQL is not installed: installing Debian's package");
    debian.install(&["postgresql-common"])?;
    // The package would otherwise make and start a cluster that nobody asked for.
    fs::write(
        "/etc/postgresql-common/createcluster.conf",
        "create_main_cluster = false\n",
    )?;
    debian.install(&["postgresql"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_packaged_version_comes_first() {
        let root = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17", "notes"] {
            fs::create_dir(root.path().join(version)).unwrap();
        }
        let found = packaged(root.path());
        let wanted = ["17/bin", "15/bin", "9/bin"].map(|version| root.path().join(version));
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let passwd = "root:x:0:0::/:/bin/sh\npostgresql:x:7:8::/:/bin/sh\npostgres:x:105:110::/:/bin/sh\n";
        assert_eq!(
            find_user(passwd, "postgres"),
            Some(Account::Other {
                user: 105,
                group: 110
            })
        );
        assert_eq!(find_user(passwd, "nobody"), None);
    }

    #[test]
    fn the_server_is_ready_when_it_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let status = folder.path().join("postmaster.pid");
        assert!(!is_ready(&status));
        fs::write(&status, "1\n/d\n0\n1\n\n127.0.0.1\n  1 2\nstarting\n").unwrap();
        assert!(!is_ready(&status));
        fs::write(&status, "1\n/d\n0\n1\n\n127.0.0.1\n  1 2\nready   \n").unwrap();
        assert!(is_ready(&status));
    }
}
