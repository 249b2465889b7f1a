//! Why a vault does not start: one sentence each, with the cause and what to do, without secrets.

use crate::base::VaultError;
use crate::base::db::location::sqlite_file;
use crate::base::keys::KeyError;
use crate::host::backup::HOW_TO_RESTORE;
use crate::host::reserve::NoRoom;
use std::path::PathBuf;

/// Why the vault cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A required folder is missing or unusable.
    #[error(
        "cannot use the folder {path}: {source}; make it, and give it to the vault's user, on a volume that it may write to"
    )]
    DataDir {
        /// Path of the folder.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file of the database belongs to another user, or its volume is read-only.
    #[error("cannot use the file {}: {source}; give it to the vault's user, on a volume that it may write to", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// There is no master key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database has sealed secrets, and the key that opens them is gone.
    #[error(
        "the master key file {path} is missing, and this database's secrets cannot be opened without it; restore it from a backup, or \
         give it as VAULT_DATA__MASTER_KEY if it was given so before"
    )]
    KeyMissing {
        /// Path of the key file.
        path: String,
    },
    /// A database that several vaults may use needs a key that all of them are given.
    #[error(
        "there is no master key: vaults may share a PostgreSQL database, so none makes a key of its own; give all the same \
         one as VAULT_DATA__MASTER_KEY, or as the file {}: the one that the database was first used with, or for an empty \
         database one of openssl rand -base64 32",
        .file.display()
    )]
    KeyNotGiven {
        /// Where the key file would be.
        file: PathBuf,
    },
    /// A restore was interrupted, so old and new files may be mixed.
    #[error(
        "a restore of the database was cut off ({} says so); run {HOW_TO_RESTORE} again, with the same backup or another", .0.display()
    )]
    RestoreUnfinished(PathBuf),
    /// Its volume is full.
    #[error(transparent)]
    NoRoom(NoRoom),
    /// The file belongs to another program.
    #[error(
        "{} is not an SQLite database; put a backup in its place with {HOW_TO_RESTORE}, or another file in database.url", .0.display()
    )]
    NotADatabase(PathBuf),
    /// The database is corrupt.
    #[error(
        "the database {} is damaged ({what}); put a backup in its place with {HOW_TO_RESTORE}, and check the disk", .file.display()
    )]
    DatabaseDamaged {
        /// The database file.
        file: PathBuf,
        /// The first problem that SQLite found.
        what: String,
    },
    /// A vault ran here before, and its database is gone.
    #[error(
        "the database {} is missing, but {} of a vault that ran is still there; correct database.url or data.dir, put a backup \
         in its place with {HOW_TO_RESTORE}, or, to begin with an empty vault, move the folder's files away first",
        .file.display(), .sign.display()
    )]
    DatabaseMissing {
        /// Where it should be.
        file: PathBuf,
        /// The file that shows it existed.
        sign: PathBuf,
    },
    /// The program is older than the database.
    #[error(
        "the database was brought up to date by a newer vault; start that one's program, or restore a backup made before the upgrade"
    )]
    DatabaseNewer,
    /// The database cannot be opened or migrated.
    #[error("cannot open the database: {what}; {cure}")]
    Database {
        /// What it, or the connection to it, reported.
        what: String,
        /// What to do.
        cure: &'static str,
    },
    /// Stored data cannot be used.
    #[error(transparent)]
    Vault(VaultError),
}

impl StartError {
    /// Why opening the database at this URL failed.
    pub(crate) fn database(error: VaultError, url: &str) -> Self {
        let what = match &error {
            VaultError::Database(cause) | VaultError::Full(cause) | VaultError::CommitUnknown(cause) => {
                cause.to_string()
            }
            other => other.to_string(),
        };
        // SeaORM's own sentence; there is no error kind for it.
        if what.contains("this migration has been applied but its file is missing") {
            return Self::DatabaseNewer;
        }
        Self::unopened(&what, url)
    }

    /// A database that cannot be reached or opened.
    pub(crate) fn unopened(what: &str, url: &str) -> Self {
        let cure = match sqlite_file(url) {
            Some(_) => "give the vault's user its folder, on a volume that it may write to",
            None => "check that the server runs, and its address, user, password and TLS in database.url",
        };
        // A URL may contain a password.
        Self::Database { what: what.replace(url, "database.url").replace('\n', " "), cure }
    }
}
