//! Debian's packages, which some tests need, where we may install them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use xshell::{Shell, cmd};

use crate::Result;
use crate::workspace::shell;

/// The package manager of a Debian on which we are root.
#[derive(Debug)]
pub(super) struct Debian {
    shell: Shell,
}

impl Debian {
    /// With the newest lists of packages. None on every other machine, and for everybody else.
    pub(super) fn here() -> Result<Option<Self>> {
        let is_root = fs::metadata(tempfile::tempdir()?.path())?.uid() == 0;
        if !is_root || !Path::new("/usr/bin/apt-get").exists() {
            return Ok(None);
        }
        let shell = shell()?;
        shell.set_var("DEBIAN_FRONTEND", "noninteractive");
        cmd!(shell, "apt-get update --quiet").run()?;
        Ok(Some(Self { shell }))
    }

    pub(super) fn install(&self, packages: &[&str]) -> Result<()> {
        let options = ["--quiet", "--yes", "--no-install-recommends"];
        Ok(cmd!(self.shell, "apt-get install {options...} {packages...}").run()?)
    }
}
