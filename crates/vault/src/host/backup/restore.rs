//! Putting a backup in place of the database.
//!
//! A database is up to three files, and no file system renames three at once. Old and new ones must never be mixed:
//! SQLite would replay the old log over the new database. So a note lies beside them from the first rename to the last.
//! While it is there no vault starts; another restore continues from it.

use super::check::{self, Counts};
use super::file::{Part, failed, sync_folder_of};
use super::{BackupError, database_of};
use crate::base::db::location::{beside, folder_of, sqlite_file};
use crate::host::data_folder::{Lock, give_to_owner_of_folder};
use crate::host::home::Home;
use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use time::macros::format_description;

/// The note; it holds the name of the folder for the old files.
const NOTE: &str = "restore.unfinished";
/// Suffixes of a SQLite database's files.
const FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// A restored backup.
#[derive(Debug)]
pub struct Restored {
    /// Where it is now.
    pub database: PathBuf,
    /// Its contents.
    pub counts: Counts,
    /// Where the old files are, if there were any.
    pub aside: Option<PathBuf>,
}

/// Puts a backup in place of the database, whose files are kept in a folder beside it.
///
/// # Errors
/// Every error but `File` leaves the vault's files as they were. After `File` a note may lie beside them; then no vault
/// starts until a restore has completed.
pub async fn restore(home: &Home, from: &Path, now_ms: i64) -> Result<Restored, BackupError> {
    let database = database_of(home)?;
    // Creating it would hide that this is another vault's configuration, or none.
    if let Some(folder) = [&home.data_dir, &folder_of(&database)].into_iter().find(|folder| !folder.is_dir()) {
        return Err(BackupError::NoFolder(std::path::absolute(folder).unwrap_or_else(|_| folder.clone())));
    }
    check::begins_like_a_database(from)?;
    if fs::canonicalize(from).is_ok_and(|from| from == database) {
        return Err(BackupError::Itself(database));
    }
    for log in [beside(from, "-wal"), beside(from, "-journal")] {
        if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            return Err(BackupError::HasLog { file: from.to_owned(), log });
        }
    }
    let _lock = Lock::take(&home.data_dir, &home.database_url)?;
    // What is checked is what is put in place, whatever happens to the original meanwhile.
    let part = Part::new(beside(&database, ".restoring"))?;
    fs::copy(from, part.path()).map_err(failed("copy", from))?;
    restrict(part.path())?;
    part.sync()?;
    let counts = check::check(part.path(), home).await.map_err(|e| e.of(from))?;
    let aside = exchange(&database, part.path(), now_ms)?;
    Ok(Restored { database, counts, aside })
}

/// The note of an interrupted restore.
pub(crate) fn unfinished(database_url: &str) -> Option<PathBuf> {
    let note = folder_of(&sqlite_file(database_url)?).join(NOTE);
    note.exists().then_some(note)
}

/// Makes it readable by its owner, the vault's user, only: `fs::copy` keeps the original's permissions.
fn restrict(file: &Path) -> Result<(), BackupError> {
    use std::os::unix::fs::PermissionsExt as _;
    let restricted = fs::set_permissions(file, fs::Permissions::from_mode(0o600));
    restricted.and_then(|()| give_to_owner_of_folder(file)).map_err(failed("write", file))
}

fn exchange(database: &Path, new: &Path, now_ms: i64) -> Result<Option<PathBuf>, BackupError> {
    let folder = folder_of(database);
    let note = folder.join(NOTE);
    let begun = fs::read_to_string(&note).ok().filter(|name| !name.is_empty()).map(|name| folder.join(name));
    let old: Vec<PathBuf> = FILES.iter().map(|end| beside(database, end)).filter(|f| f.exists()).collect();
    let aside = match begun {
        Some(aside) => Some(aside),
        None if old.is_empty() => None,
        None => Some(folder.join(name_at(now_ms))),
    };
    if let Some(aside) = &aside {
        write_note(&note, aside)?;
        DirBuilder::new().recursive(true).mode(0o700).create(aside).map_err(failed("make", aside))?;
        give_to_owner_of_folder(aside).map_err(failed("make", aside))?;
        for file in old {
            put_aside(&file, aside)?;
        }
    }
    fs::rename(new, database).map_err(failed("make", database))?;
    sync_folder_of(database)?;
    if note.exists() {
        fs::remove_file(&note).map_err(failed("remove", &note))?;
        sync_folder_of(&note)?;
    }
    Ok(aside)
}

fn write_note(note: &Path, aside: &Path) -> Result<(), BackupError> {
    let name = aside.file_name().unwrap_or_default();
    let written = File::create(note).and_then(|mut file| {
        file.write_all(name.as_encoded_bytes())?;
        file.sync_all()
    });
    written.map_err(failed("write", note))?;
    sync_folder_of(note)
}

fn put_aside(file: &Path, aside: &Path) -> Result<(), BackupError> {
    let to = aside.join(file.file_name().unwrap_or_default());
    // If it is there already, a restore was interrupted after that, and this file belongs to that restore.
    let done = if to.exists() { fs::remove_file(file) } else { fs::rename(file, &to) };
    done.map_err(failed("move aside", file))?;
    sync_folder_of(&to)?;
    sync_folder_of(file)
}

fn name_at(now_ms: i64) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]-[subsecond digits:3]Z");
    let now = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now_ms) * 1_000_000);
    let now = now.ok().and_then(|now| now.format(format).ok());
    format!("before-restore-{}", now.unwrap_or_else(|| now_ms.to_string()))
}
