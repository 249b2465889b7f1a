//! Backup and restore of a SQLite database, run as commands by the operator. Neither serves anything.

mod check;
mod error;
mod file;
mod restore;

pub use check::Counts;
pub use error::BackupError;
pub use restore::{Restored, restore};

pub(crate) use restore::unfinished;

use crate::base::db::location::{beside, log_of, sqlite_file};
use crate::base::db::statement;
use crate::host::home::Home;
use file::Part;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, DbErr};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The command, as messages name it.
pub(crate) const HOW_TO_RESTORE: &str = "kerberos-vault restore FILE (with the --config that the vault has, if any)";

/// A finished, checked backup.
#[derive(Debug)]
pub struct BackedUp {
    /// The database it was made of.
    pub database: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its contents.
    pub counts: Counts,
}

/// Copies the database to a new file, even while a vault uses it. The file gets its name only once it is complete,
/// synced and checked.
///
/// # Errors
/// Nothing is left behind.
pub async fn back_up(home: &Home, to: &Path) -> Result<BackedUp, BackupError> {
    let database = database_of(home)?;
    match fs::metadata(&database) {
        Ok(found) if found.is_file() => {}
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(file::failed("read", &database)(error));
        }
        _ => return Err(BackupError::NoDatabase(database)),
    }
    refuse_existing(to)?;
    let part = Part::new(beside(to, &format!(".unfinished-{}", std::process::id())))?;
    let target = part.path().to_str().ok_or_else(|| BackupError::Name(to.to_owned()))?;
    let copied = async {
        // After a clean stop there is just this file, which can be read even where none can be created.
        let connection = match connect(&database, false).await {
            Err(_) if !log_of(&database).exists() => connect(&database, true).await?,
            connected => connected?,
        };
        connection.execute_raw(statement(DbBackend::Sqlite, "VACUUM INTO $1", [target.into()])).await?;
        connection.close().await
    };
    let failed = |source| BackupError::Copying { database: database.clone(), to: to.to_owned(), source };
    copied.await.map_err(failed)?;
    let bytes = part.sync()?;
    let counts = check::check(part.path(), home).await.map_err(|e| e.of(to))?;
    part.name(to)?;
    Ok(BackedUp { database, bytes, counts })
}

fn refuse_existing(file: &Path) -> Result<(), BackupError> {
    match fs::symlink_metadata(file) {
        Ok(_) => Err(BackupError::Exists(file.to_owned())),
        Err(_) => Ok(()),
    }
}

fn database_of(home: &Home) -> Result<PathBuf, BackupError> {
    sqlite_file(&home.database_url).ok_or(BackupError::NotSqlite)
}

/// `still` is for a file that nobody writes to: then nothing is created beside it.
async fn connect(file: &Path, still: bool) -> Result<DatabaseConnection, DbErr> {
    let file = file.to_owned();
    let mut options = ConnectOptions::new("sqlite:database");
    // Without upkeep, as all our pools, see `common_options` of `base/db`.
    options.max_connections(1).sqlx_logging(false).idle_timeout(None).max_lifetime(None);
    options.map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite.filename(file.clone()).create_if_missing(false).busy_timeout(Duration::from_secs(10));
        sqlite.read_only(still).immutable(still)
    });
    Database::connect(options).await
}
