//! Building the server so that the same commit, compiler and linker give the same bytes, whoever builds it and where.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gateway_domain::Timestamp;
use serde_json::Value;

use super::SERVER;
use crate::Result;
use crate::gateway::find_executable;
use crate::tools::CARGO_AUDITABLE;
use crate::workspace::{root, target_folder, variable};

/// What a build gave.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) executable: PathBuf,
    /// The ids of all packages that were compiled for it, build scripts and macros among them.
    pub(super) packages: BTreeSet<String>,
}

/// The rustc that cargo uses here.
#[derive(Debug)]
pub(super) struct Compiler {
    /// The target triple of this machine.
    pub(super) host: String,
    /// Of the compiler's own source.
    commit: String,
    sysroot: PathBuf,
}

impl Compiler {
    pub(super) fn here() -> Result<Self> {
        let version = ask_rustc(&["--version", "--verbose"])?;
        let field = |name| {
            find_field(&version, name).ok_or_else(|| format!("rustc --version --verbose names no {name}"))
        };
        Ok(Self {
            host: field("host")?,
            commit: field("commit-hash")?,
            sysroot: ask_rustc(&["--print", "sysroot"])?.trim().into(),
        })
    }
}

fn ask_rustc(arguments: &[&str]) -> Result<String> {
    let rustc = variable("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .current_dir(root())
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot start rustc: {error}"))?;
    Ok(String::from_utf8(output.stdout)?)
}

fn find_field(text: &str, name: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(field, value)| (field == name).then(|| value.to_owned()))
}

/// Builds it from nothing: some packages keep the time of the commit that they were first built for.
///
/// # Errors
///
/// When the build fails, and when the binary names a folder of this machine.
pub(super) fn server(compiler: &Compiler, committed_at: Timestamp) -> Result<Built> {
    let auditable = CARGO_AUDITABLE.find_or_install()?;
    let target = target_folder().join("release-build");
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    let folders = folders(compiler, &target)?;
    let mut command = Command::new(auditable);
    command
        .current_dir(root())
        .args(["auditable", "build", "--locked", "--release"])
        .args(["--package", SERVER, "--bin", SERVER])
        .args(["--message-format", "json-render-diagnostics", "--target-dir"])
        .arg(&target)
        .env("SOURCE_DATE_EPOCH", committed_at.as_seconds().to_string())
        .env("CARGO_ENCODED_RUSTFLAGS", rust_flags(&folders))
        .env("CFLAGS", c_flags(&folders, variable("CFLAGS")));
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the build failed".into());
    }
    let messages = String::from_utf8(output.stdout)?;
    let executable = find_executable(&messages, SERVER).ok_or("cargo built no server")?;
    names_none_of(&folders, &fs::read(&executable)?)?;
    Ok(Built {
        executable,
        packages: compiled(&messages),
    })
}

/// The folders of this machine that compilers put into what they build, and the names that they get there.
///
/// Of two that hold a file, the later one counts.
fn folders(compiler: &Compiler, target: &Path) -> Result<Vec<(PathBuf, String)>> {
    let cargo_home = variable("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cargo")))
        .ok_or("neither CARGO_HOME nor HOME says where cargo keeps its packages")?;
    Ok(vec![
        (root().to_owned(), "/llm-gateway".to_owned()),
        (cargo_home, "/cargo".to_owned()),
        (target.to_owned(), "/target".to_owned()),
        (
            compiler.sysroot.join("lib/rustlib/src/rust"),
            format!("/rustc/{}", compiler.commit),
        ),
    ])
}

/// In cargo's own encoding, which takes blanks in paths.
fn rust_flags(folders: &[(PathBuf, String)]) -> OsString {
    let flags: Vec<OsString> = folders
        .iter()
        .map(|folder| renaming("--remap-path-prefix", folder))
        .collect();
    flags.join("\u{1f}".as_ref())
}

fn c_flags(folders: &[(PathBuf, String)], given: Option<OsString>) -> OsString {
    let flags: Vec<OsString> = given
        .into_iter()
        .chain(folders.iter().map(|folder| renaming("-ffile-prefix-map", folder)))
        .collect();
    flags.join(" ".as_ref())
}

fn renaming(flag: &str, (folder, name): &(PathBuf, String)) -> OsString {
    let mut text = OsString::from(flag);
    for part in ["=".as_ref(), folder.as_os_str(), "=".as_ref(), name.as_ref()] {
        text.push(part);
    }
    text
}

fn names_none_of(folders: &[(PathBuf, String)], binary: &[u8]) -> Result<()> {
    for (folder, _) in folders
        .iter()
        .filter(|(folder, name)| folder.as_os_str() != name.as_str())
    {
        let name = [folder.as_os_str().as_encoded_bytes(), b"/"].concat();
        // A short one may be the end of another that is not this machine's.
        let is_within = |at: usize| {
            at > 0 && (binary[at - 1].is_ascii_alphanumeric() || b"-_.".contains(&binary[at - 1]))
        };
        let mut found = binary
            .windows(name.len())
            .enumerate()
            .filter(|(_, window)| *window == name);
        if found.any(|(at, _)| !is_within(at)) {
            return Err(format!(
                "the binary names {}: built elsewhere it would be another one",
                folder.display()
            )
            .into());
        }
    }
    Ok(())
}

fn compiled(messages: &str) -> BTreeSet<String> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| message["package_id"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_folder() -> Vec<(PathBuf, String)> {
        vec![
            ("/home/a b/gateway".into(), "/llm-gateway".to_owned()),
            ("/home/a b/.cargo".into(), "/cargo".to_owned()),
        ]
    }

    #[test]
    fn folders_get_the_same_names_everywhere() {
        assert_eq!(
            rust_flags(&one_folder()),
            "--remap-path-prefix=/home/a b/gateway=/llm-gateway\u{1f}--remap-path-prefix=/home/a b/.cargo=/cargo"
        );
        assert_eq!(
            c_flags(&one_folder()[1..], Some("-O2".into())),
            "-O2 -ffile-prefix-map=/home/a b/.cargo=/cargo"
        );
    }

    #[test]
    fn a_binary_that_names_a_folder_of_this_machine_is_refused() {
        names_none_of(&one_folder(), b"\0/cargo/registry/bytes/src/lib.rs\0").unwrap();
        let error = names_none_of(&one_folder(), b"\0/home/a b/.cargo/registry\0").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the binary names /home/a b/.cargo: built elsewhere it would be another one"
        );
    }

    #[test]
    fn what_was_compiled_is_read_from_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","package_id":"a#1.0.0"}"#,
            "\n",
            r#"{"reason":"build-script-executed","package_id":"b#1.0.0"}"#,
            "\nnot JSON\n",
            r#"{"reason":"compiler-artifact","package_id":"a#1.0.0"}"#,
        );
        assert_eq!(compiled(messages), BTreeSet::from(["a#1.0.0".to_owned()]));
    }

    #[test]
    fn the_compiler_says_what_it_builds_for() {
        let version = "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n";
        assert_eq!(
            find_field(version, "host").as_deref(),
            Some("x86_64-unknown-linux-gnu")
        );
        assert_eq!(find_field(version, "commit-hash"), None);
    }
}
