//! Sums of files, in the form that `sha256sum -c` reads.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Result;

const FILE: &str = "SHA256SUMS";

/// Writes the sums of all other files of a folder into it, by name.
pub(super) fn write(folder: &Path) -> Result<PathBuf> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| format!("{} is not a name in UTF-8", name.display()))?;
        if entry.file_type()?.is_file() && name != FILE {
            lines.push((name, of(&entry.path())?));
        }
    }
    lines.sort();
    let text: String = lines
        .iter()
        .map(|(name, sum)| format!("{sum}  {name}\n"))
        .collect();
    let file = folder.join(FILE);
    fs::write(&file, text)?;
    Ok(file)
}

/// The SHA-256 of a file, in hex.
pub(super) fn of(file: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(file)?, &mut Writer(&mut hasher))?;
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

struct Writer<'a>(&'a mut Sha256);

impl io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_but_the_list_itself_has_its_sum() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b.tar.gz"), "abc").unwrap();
        fs::write(folder.path().join("a.json"), "").unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        for _ in 0..2 {
            let file = write(folder.path()).unwrap();
            assert_eq!(
                fs::read_to_string(file).unwrap(),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a.json\n\
                 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b.tar.gz\n"
            );
        }
    }
}
