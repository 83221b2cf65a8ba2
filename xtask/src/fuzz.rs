use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::Result;
use crate::cli::Fuzz;
use crate::interrupt::Interrupt;
use crate::process::Process;
use crate::workspace::{cargo, root};

/// A parser of foreign bytes, and where it is thrown bytes at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    /// The folder of its crate under `crates/`.
    room: String,
    name: String,
}

/// Throws bytes at each target in turn, beginning with its corpus, and fails at the first finding.
pub(crate) fn run(fuzz: &Fuzz) -> Result<()> {
    let mut targets = targets()?;
    let is_none = |wanted: &&String| !targets.iter().any(|target| target.is(wanted));
    if let Some(unknown) = fuzz.targets.iter().find(is_none) {
        let all: Vec<String> = targets.iter().map(Target::path).collect();
        return Err(format!("there is no target {unknown}; there are {}", all.join(", ")).into());
    }
    targets.retain(|target| fuzz.targets.is_empty() || fuzz.targets.iter().any(|wanted| target.is(wanted)));
    if fuzz.list {
        for target in targets {
            println!("{}", target.path());
        }
        return Ok(());
    }
    let installed = Command::new("cargo").args(["fuzz", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        return Err(
            "cargo-fuzz is not installed: cargo install --locked cargo-fuzz (it needs a C++ compiler)".into(),
        );
    }
    let interrupt = Interrupt::listen()?;
    for target in &targets {
        println!("{}", target.path());
        target.run(fuzz.seconds, &interrupt)?;
        if fuzz.keep {
            target.keep(&interrupt)?;
        }
    }
    println!("{} targets, no finding", targets.len());
    Ok(())
}

/// All of them, by their paths.
fn targets() -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for room in fs::read_dir(root().join("crates"))? {
        let room = room?;
        let Ok(files) = fs::read_dir(room.path().join("fuzz/fuzz_targets")) else {
            continue;
        };
        for file in files {
            let file = file?.path();
            targets.push(Target {
                room: room.file_name().to_string_lossy().into_owned(),
                name: file
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
            });
        }
    }
    targets.sort_by_key(Target::path);
    Ok(targets)
}

impl Target {
    /// How it is called on the command line.
    fn path(&self) -> String {
        format!("{}/{}", self.room, self.name)
    }

    fn is(&self, wanted: &str) -> bool {
        wanted == self.room || wanted == self.path()
    }

    fn folder(&self) -> PathBuf {
        root().join("crates").join(&self.room).join("fuzz")
    }

    /// What is kept of it in the repository.
    fn corpus(&self) -> PathBuf {
        self.folder().join("corpus").join(&self.name)
    }

    /// What all runs here have found.
    fn found(&self) -> PathBuf {
        root()
            .join("target/fuzz/corpus")
            .join(&self.room)
            .join(&self.name)
    }

    fn run(&self, seconds: u64, interrupt: &Interrupt) -> Result<()> {
        fs::create_dir_all(self.found())?;
        let mut command = self.command("run")?;
        command.arg(self.found()).arg(self.corpus()).arg("--").args([
            format!("-max_total_time={seconds}"),
            "-timeout=10".to_owned(),
            "-print_final_stats=1".to_owned(),
            "-verbosity=0".to_owned(),
        ]);
        self.wait(command, interrupt)
    }

    /// Adds to the corpus what reaches code that nothing in it does.
    fn keep(&self, interrupt: &Interrupt) -> Result<()> {
        fs::create_dir_all(self.corpus())?;
        let mut command = self.command("run")?;
        command
            .args([self.corpus(), self.found()])
            .args(["--", "-merge=1", "-max_len=1024", "-verbosity=0"]);
        self.wait(command, interrupt)
    }

    /// `cargo fuzz` for this target, with the versions that the workspace is built with.
    fn command(&self, action: &str) -> Result<Command> {
        fs::copy(root().join("Cargo.lock"), self.folder().join("Cargo.lock"))?;
        let mut command = cargo();
        // Safe code has no bounds to overrun: what is looked for are panics, hangs and memory without end.
        command
            .args(["fuzz", action, "--sanitizer", "none", "--fuzz-dir"])
            .arg(self.folder())
            .arg("--target-dir")
            .arg(root().join("target/fuzz"))
            .arg(&self.name);
        Ok(command)
    }

    fn wait(&self, mut command: Command, interrupt: &Interrupt) -> Result<()> {
        let status = Process::start("cargo fuzz", &mut command, Signal::TERM)?.wait(interrupt)?;
        if status.success() {
            Ok(())
        } else {
            let artifacts = self.folder().join("artifacts").join(&self.name);
            Err(format!(
                "{} failed; what broke it is in {}",
                self.path(),
                artifacts.display()
            )
            .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_corpus() {
        let targets = targets().unwrap();
        assert!(targets.iter().any(|target| target.is("protocol/stream")));
        for target in targets {
            let seeds = fs::read_dir(target.corpus()).map_or(0, Iterator::count);
            assert_ne!(seeds, 0, "{} has no corpus", target.path());
        }
    }
}
