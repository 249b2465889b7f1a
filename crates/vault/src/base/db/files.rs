//! Whether the database's files are still those that were opened.
//!
//! SQLite goes on writing to files that were removed, or replaced by others, while it has them open. What is committed there is
//! gone with the process, and no statement fails.

use crate::base::db::location::log_of;
use crate::base::db::location::sqlite_file;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What a file is, whatever its name: device and inode.
type Identity = (u64, u64);

/// The database and its write-ahead log.
pub(super) struct Files {
    database: PathBuf,
    opened: Option<(Identity, Option<Identity>)>,
}

impl Files {
    /// `None` for a database that has none.
    pub(super) fn of(url: &str) -> Option<Self> {
        Some(Self { database: sqlite_file(url)?, opened: None })
    }

    /// Looks whether they are what they were when this was first asked. The first commit has made both.
    pub(super) fn are_those_that_were_opened(&mut self) -> bool {
        let found = (identity(&self.database), identity(&log_of(&self.database)));
        match (self.opened, found) {
            // Without a log from the beginning there is none: some file systems cannot have it.
            (Some((database, log)), found) => found.0 == Some(database) && (log.is_none() || found.1 == log),
            (None, (Some(database), log)) => {
                self.opened = Some((database, log));
                true
            }
            (None, (None, _)) => false,
        }
    }

    /// Where what the vault still holds of a database that was taken away is put.
    pub(super) fn rescued(&self, now_ms: i64) -> PathBuf {
        let mut name = self.database.clone().into_os_string();
        name.push(format!(".rescued-{now_ms}"));
        name.into()
    }
}

fn identity(file: &Path) -> Option<Identity> {
    fs::metadata(file).ok().map(|found| (found.dev(), found.ino()))
}
