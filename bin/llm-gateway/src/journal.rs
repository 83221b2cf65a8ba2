use std::path::{Path, PathBuf};

use gateway_ledger::{Journal, JournalSettings, OpenError};

use crate::Result;

/// How many gateways may share one data folder.
const MOST: u32 = 64;

/// Opens the first journal under `data_dir` that no other gateway has open: `journal`, else `journal-2` and so on.
///
/// Whichever a gateway left behind is so found by the next that starts.
pub(crate) fn open(data_dir: &Path, settings: &JournalSettings) -> Result<Journal> {
    for number in 1..=MOST {
        match Journal::open(&folder(data_dir, number), settings.clone()) {
            Ok(journal) => return Ok(journal),
            Err(OpenError::InUse { .. }) => {}
            Err(error @ OpenError::Io { .. }) => {
                let why = std::error::Error::source(&error)
                    .map(ToString::to_string)
                    .unwrap_or_default();
                return Err(format!("{error}: {why}; the folder of server.data_dir must be writable").into());
            }
        }
    }
    Err(format!(
        "{MOST} gateways use {} already: give this one a server.data_dir of its own",
        data_dir.display()
    )
    .into())
}

/// Where the first, second, … gateway has its journal.
pub(crate) fn folder(data_dir: &Path, number: u32) -> PathBuf {
    match number {
        1 => data_dir.join("journal"),
        _ => data_dir.join(format!("journal-{number}")),
    }
}
