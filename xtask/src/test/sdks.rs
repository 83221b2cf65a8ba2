//! The official SDKs of the providers, which the tests are clients with, in virtual environments of Python.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use rustix::process::Signal;

use super::debian::Debian;
use crate::Result;
use crate::interrupt::Interrupt;
use crate::process::{Process, TICK};
use crate::workspace::{root, target_folder, variable};

/// One file for each environment, which has its name.
const REQUIREMENTS: &str = "bin/llm-gateway/tests/sdks/requirements";

/// Written last into a folder: what the environment in it was made of.
const MARK: &str = "made-of";

/// Makes those environments that are missing or were made of something else, and says in which folder they are.
///
/// They stay there, among what was built: the next run finds them.
pub(super) fn prepare(interrupt: &Interrupt) -> Result<PathBuf> {
    let python = find_or_install()?;
    let folder = target_folder().join("sdks");
    fs::create_dir_all(&folder)?;
    let _lock = lock(&folder.join("lock"), interrupt)?;
    for (name, requirements) in requirements(&root().join(REQUIREMENTS))? {
        let environment = Environment {
            folder: folder.join(&name),
            requirements,
        };
        if environment.is_ready(&python) {
            continue;
        }
        eprintln!("Python: installing the SDKs of {name}.txt, once");
        environment
            .make(&python, interrupt)
            .map_err(|error| format!("the SDKs of {} cannot be installed: {error}", environment.shown()))?;
    }
    Ok(folder)
}

/// An interpreter that can make virtual environments.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Python {
    program: PathBuf,
    version: String,
}

/// A virtual environment, made or not.
#[derive(Debug)]
struct Environment {
    folder: PathBuf,
    /// The file that names the packages and their versions.
    requirements: PathBuf,
}

impl Environment {
    fn is_ready(&self, python: &Python) -> bool {
        let wanted = self.made_of(python).ok();
        wanted.is_some() && fs::read_to_string(self.folder.join(MARK)).ok() == wanted
    }

    fn make(&self, python: &Python, interrupt: &Interrupt) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        let mut venv = Command::new(&python.program);
        venv.args(["-I", "-m", "venv"]).arg(&self.folder);
        run("python3 -m venv", &mut venv, interrupt)?;
        let mut pip = Command::new(self.folder.join("bin/python"));
        pip.args(["-I", "-m", "pip", "install", "--quiet", "--no-input"])
            .arg("--disable-pip-version-check")
            .arg("--requirement")
            .arg(&self.requirements);
        run("pip", &mut pip, interrupt)?;
        Ok(fs::write(self.folder.join(MARK), self.made_of(python)?)?)
    }

    fn made_of(&self, python: &Python) -> Result<String> {
        let requirements = fs::read_to_string(&self.requirements)?;
        Ok(format!(
            "# {} {}\n{requirements}",
            python.program.display(),
            python.version
        ))
    }

    /// Where its requirements are, for the person at the terminal.
    fn shown(&self) -> String {
        let path = self.requirements.strip_prefix(root());
        path.unwrap_or(&self.requirements).display().to_string()
    }
}

fn run(name: &'static str, command: &mut Command, interrupt: &Interrupt) -> Result<()> {
    let status = Process::start(name, command, Signal::TERM)?.wait(interrupt)?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{name} failed").into())
    }
}

/// Two runs at once must not make the same environment.
fn lock(path: &Path, interrupt: &Interrupt) -> Result<File> {
    let file = File::create(path)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) => {}
        }
        interrupt.check()?;
        thread::sleep(TICK);
    }
}

/// The names of the environments, and what each is made of.
fn requirements(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let (Some(name), Some("txt")) = (
            path.file_stem().and_then(|name| name.to_str()),
            path.extension().and_then(|extension| extension.to_str()),
        ) {
            found.push((name.to_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found)
}

const REMEDY: &str = "the tests need Python 3.11 or later with its module venv.\n  \
    Debian, Ubuntu: sudo apt-get install python3 python3-venv\n  \
    Fedora:         sudo dnf install python3\n  \
    macOS:          brew install python3\n\
    or set TEST_PYTHON_SDKS to a folder with the environments that cargo xtask test makes";

fn find_or_install() -> Result<Python> {
    if let Some(python) = find() {
        return Ok(python);
    }
    let Some(debian) = Debian::here()? else {
        return Err(REMEDY.into());
    };
    eprintln!("Python 3.11 or its module venv is not installed: installing Debian's package");
    debian.install(&["python3", "python3-venv"])?;
    find().ok_or_else(|| REMEDY.into())
}

/// The system's own first: what stands before it on the path is often a stand-in that starts others.
fn find() -> Option<Python> {
    let path = variable("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join("python3"));
    [PathBuf::from("/usr/bin/python3")]
        .into_iter()
        .chain(on_path)
        .filter(|program| program.is_file())
        .find_map(look_at)
}

/// Debian keeps `ensurepip`, without which there is no pip in an environment, in the package of venv.
const QUESTION: &str =
    "import ensurepip, sys, venv; print(*sys.version.split()); sys.exit(sys.version_info < (3, 11))";

fn look_at(program: PathBuf) -> Option<Python> {
    let output = Command::new(&program)
        .args(["-I", "-c", QUESTION])
        .output()
        .ok()?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(Python { program, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_made_again_when_its_requirements_or_its_python_change() {
        let root = tempfile::tempdir().unwrap();
        let environment = Environment {
            folder: root.path().join("sdk"),
            requirements: root.path().join("sdk.txt"),
        };
        let python = Python {
            program: "/usr/bin/python3".into(),
            version: "3.11.2".to_owned(),
        };
        fs::create_dir(&environment.folder).unwrap();
        assert!(!environment.is_ready(&python));

        fs::write(&environment.requirements, "sdk==1.0.0\n").unwrap();
        assert!(!environment.is_ready(&python));
        fs::write(
            environment.folder.join(MARK),
            environment.made_of(&python).unwrap(),
        )
        .unwrap();
        assert!(environment.is_ready(&python));

        let newer = Python {
            version: "3.13.0".to_owned(),
            ..python.clone()
        };
        assert!(!environment.is_ready(&newer));
        fs::write(&environment.requirements, "sdk==1.0.1\n").unwrap();
        assert!(!environment.is_ready(&python));
    }

    #[test]
    fn every_list_of_requirements_is_an_environment() {
        let root = tempfile::tempdir().unwrap();
        for name in ["b-2.txt", "a.1.txt", "notes.md"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        let names: Vec<String> = requirements(root.path())
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["a.1", "b-2"]);
    }

    #[test]
    fn what_is_no_python_is_passed_over() {
        assert_eq!(look_at("/bin/false".into()), None);
        assert_eq!(look_at("/nowhere/python3".into()), None);
    }

    #[test]
    fn only_one_run_at_a_time_makes_environments() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let interrupt = Interrupt::listen().unwrap();
        let held = lock(&path, &interrupt).unwrap();
        let other = File::create(&path).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
        // Not at once: a process that another test has just started may hold it until it runs its own program.
        lock(&path, &interrupt).unwrap();
    }
}
