//! Programs of others that some commands need, each in one version, installed among what is built.

use std::env;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::workspace::{cargo, target_folder, variable};

pub(crate) const CARGO_AUDIT: Tool = Tool {
    name: "cargo-audit",
    version: "0.22.2",
};

pub(crate) const CARGO_AUDITABLE: Tool = Tool {
    name: "cargo-auditable",
    version: "0.7.7",
};

pub(crate) const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

/// A program that cargo can install: its package has its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    name: &'static str,
    /// The one to install. Whoever has another on the path is taken to know why.
    version: &'static str,
}

impl Tool {
    /// The program on the path, else our own, which is built when it is not there yet.
    pub(crate) fn find_or_install(self) -> Result<PathBuf> {
        let path = variable("PATH").unwrap_or_default();
        if let Some(program) = self.find(env::split_paths(&path)) {
            return Ok(program);
        }
        let root = target_folder().join("tools").join(self.folder());
        let folder = root.join("bin");
        if let Some(program) = self.find([folder.clone()]) {
            return Ok(program);
        }
        eprintln!(
            "{} is not installed: building {} in {}, once",
            self.name,
            self.version,
            root.display()
        );
        self.install(&root)?;
        self.find([folder]).ok_or_else(|| self.remedy().into())
    }

    fn find(self, folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
        folders
            .into_iter()
            .map(|folder| folder.join(self.name))
            .find(|program| program.is_file())
    }

    fn install(self, root: &Path) -> Result<()> {
        let mut command = cargo();
        // They work for seconds, so that quickly built is better than quick.
        command
            .args(["install", "--quiet", "--locked", "--debug", "--root"])
            .arg(root)
            .args([self.name, "--version", self.version]);
        if command.status()?.success() {
            Ok(())
        } else {
            Err(self.remedy().into())
        }
    }

    /// A version of its own: a newer one is installed beside it and never mistaken for it.
    fn folder(self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    fn remedy(self) -> String {
        format!(
            "{name} cannot be installed: it is built from the package registry, once. \
             Where that cannot be reached, put {name} on the PATH",
            name = self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_tool_is_looked_for_in_one_folder_after_the_other() {
        let root = tempfile::tempdir().unwrap();
        let folders = ["a", "b", "c"].map(|name| root.path().join(name));
        for folder in &folders[1..] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("cargo-deny"), "").unwrap();
        }
        assert_eq!(
            CARGO_DENY.find(folders.clone()),
            Some(folders[1].join("cargo-deny"))
        );
        assert_eq!(CARGO_AUDIT.find(folders), None);
    }

    #[test]
    fn another_version_has_another_folder() {
        let newer = Tool {
            version: "99.0.0",
            ..CARGO_DENY
        };
        assert_ne!(newer.folder(), CARGO_DENY.folder());
    }
}
