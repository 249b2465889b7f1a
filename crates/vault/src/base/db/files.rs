//! Whether the database's files are still those that were opened.
//!
//! SQLite keeps writing to open files even after they were removed or replaced. What is committed then is gone when the
//! process ends, and no statement fails.

use crate::base::db::location::log_of;
use crate::base::db::location::sqlite_file;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A file's identity regardless of its name: device and inode.
type Identity = (u64, u64);

/// The database and its write-ahead log.
pub(super) struct Files {
    database: PathBuf,
    opened: Option<(Identity, Option<Identity>)>,
}

impl Files {
    /// `None` for a database without files.
    pub(super) fn of(url: &str) -> Option<Self> {
        Some(Self { database: sqlite_file(url)?, opened: None })
    }

    /// Whether they are the same as at the first call. The first commit has created both by then.
    pub(super) fn are_those_that_were_opened(&mut self) -> bool {
        let found = (identity(&self.database), identity(&log_of(&self.database)));
        match (self.opened, found) {
            // If there was no log at first there will be none: some file systems do not support it.
            (Some((database, log)), found) => found.0 == Some(database) && (log.is_none() || found.1 == log),
            (None, (Some(database), log)) => {
                self.opened = Some((database, log));
                true
            }
            (None, (None, _)) => false,
        }
    }

    /// The file that rescued data is written to.
    pub(super) fn rescued(&self, now_ms: i64) -> PathBuf {
        let mut name = self.database.clone().into_os_string();
        name.push(format!(".rescued-{now_ms}"));
        name.into()
    }
}

fn identity(file: &Path) -> Option<Identity> {
    fs::metadata(file).ok().map(|found| (found.dev(), found.ino()))
}
