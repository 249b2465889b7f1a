//! Where a SQLite database's files are.

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The file of a SQLite database; `None` where it has none.
pub(crate) fn sqlite_file(url: &str) -> Option<PathBuf> {
    if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=memory") {
        return None;
    }
    let options: SqliteConnectOptions = url.parse().ok()?;
    let file = options.get_filename();
    // Behind a link, the folder that counts is the one it leads to.
    Some(fs::canonicalize(file).unwrap_or_else(|_| file.to_owned()))
}

/// The folder that a file lies in.
pub(crate) fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Where SQLite keeps what was committed and is not in the database yet.
pub(crate) fn log_of(database: &Path) -> PathBuf {
    beside(database, "-wal")
}

/// A file of the same folder whose name has this end.
pub(crate) fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(file.file_name().unwrap_or_default());
    name.push(end);
    file.with_file_name(name)
}
