//! A compressed archive that is the same for the same files, to the byte.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use gateway_domain::Timestamp;
use tar::{Builder, EntryType, Header};

use crate::Result;

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// From the archive's own folder on.
    path: String,
    content: Vec<u8>,
    is_program: bool,
}

impl Entry {
    pub(super) fn program(path: &str, file: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            content: fs::read(file)?,
            is_program: true,
        })
    }

    pub(super) fn text(path: &str, text: String) -> Self {
        Self {
            path: path.to_owned(),
            content: text.into_bytes(),
            is_program: false,
        }
    }

    /// A file, or all that are in a folder and not hidden, under the path that they have in `root`.
    pub(super) fn documents(root: &Path, path: &str) -> Result<Vec<Self>> {
        let place = root.join(path);
        if place.is_file() {
            return Ok(vec![Self {
                path: path.to_owned(),
                content: fs::read(place)?,
                is_program: false,
            }]);
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(&place).map_err(|error| format!("{path} cannot be read: {error}"))? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with('.') {
                entries.extend(Self::documents(root, &format!("{path}/{name}"))?);
            }
        }
        Ok(entries)
    }
}

/// Packs the entries into a folder of the archive, in the order of their paths; all are as old as `at` and nobody's.
pub(super) fn pack(to: impl Write, folder: &str, mut entries: Vec<Entry>, at: Timestamp) -> Result<()> {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    // Its header has neither a name nor a time.
    let mut archive = Builder::new(GzEncoder::new(to, Compression::best()));
    for entry in entries {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(entry.content.len().try_into()?);
        header.set_mode(if entry.is_program { 0o755 } else { 0o644 });
        header.set_mtime(at.as_seconds().try_into()?);
        header.set_uid(0);
        header.set_gid(0);
        let path = format!("{folder}/{}", entry.path);
        archive.append_data(&mut header, path, entry.content.as_slice())?;
    }
    archive.into_inner()?.finish()?.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    const AT: Timestamp = Timestamp::from_seconds(1_795_740_000);

    fn packed(entries: Vec<Entry>) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack(&mut bytes, "server-1", entries, AT).unwrap();
        bytes
    }

    fn entries() -> Vec<Entry> {
        let mut program = Entry::text("server", "code".to_owned());
        program.is_program = true;
        vec![program, Entry::text("LICENSE", "yes".to_owned())]
    }

    #[test]
    fn the_same_files_give_the_same_bytes_in_whatever_order_they_come() {
        let mut turned = entries();
        turned.reverse();
        assert_eq!(packed(entries()), packed(turned));
    }

    #[test]
    fn files_have_modes_and_one_time_and_lie_in_one_folder() {
        let bytes = packed(entries());
        let mut archive = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), 1_795_740_000);
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            let path = entry.path().unwrap().display().to_string();
            found.push((path, header.mode().unwrap(), text));
        }
        assert_eq!(
            found,
            [
                ("server-1/LICENSE".to_owned(), 0o644, "yes".to_owned()),
                ("server-1/server".to_owned(), 0o755, "code".to_owned()),
            ]
        );
    }

    #[test]
    fn folders_are_packed_with_all_that_is_not_hidden() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("docs/decisions")).unwrap();
        for file in ["docs/a.md", "docs/.a.md.swp", "docs/decisions/1.md", "other.md"] {
            fs::write(root.path().join(file), file).unwrap();
        }
        let mut paths: Vec<String> = Entry::documents(root.path(), "docs")
            .unwrap()
            .into_iter()
            .map(|entry| entry.path)
            .collect();
        paths.sort();
        assert_eq!(paths, ["docs/a.md", "docs/decisions/1.md"]);
        assert!(Entry::documents(root.path(), "missing").is_err());
    }
}
