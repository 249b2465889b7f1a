//! Where a SQLite database's files are.

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The file of a SQLite database; `None` if it has none.
pub(crate) fn sqlite_file(url: &str) -> Option<PathBuf> {
    if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=memory") {
        return None;
    }
    let options: SqliteConnectOptions = url.parse().ok()?;
    let file = options.get_filename();
    // With a symbolic link, the folder that matters is the target's.
    Some(fs::canonicalize(file).unwrap_or_else(|_| file.to_owned()))
}

/// The folder that contains a file.
pub(crate) fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// SQLite's write-ahead log: what is committed but not in the database file yet.
pub(crate) fn log_of(database: &Path) -> PathBuf {
    beside(database, "-wal")
}

/// A file in the same folder, with this suffix.
pub(crate) fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(file.file_name().unwrap_or_default());
    name.push(end);
    file.with_file_name(name)
}
