//! Why a vault does not start: one sentence each, with the cause and what to do, and no secret.

use crate::VaultError;
use crate::data_folder::sqlite_file;
use crate::keys::KeyError;
use crate::reserve::NoRoom;
use std::path::PathBuf;

/// The vault cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No folder for data.
    #[error("cannot make the data folder {path}: {source}; give the vault's user data.dir")]
    DataDir {
        /// Where it should be.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// No master key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database has sealed secrets, and the key that opens them is gone.
    #[error(
        "the master key file {path} is missing, and this database's secrets cannot be opened without it; restore it from a backup"
    )]
    KeyMissing {
        /// Where it should be.
        path: String,
    },
    /// Old and new files are mixed.
    #[error(
        "a restore of the database was cut off ({} says so); run kerberos-vault restore again, with the same backup or another", .0.display()
    )]
    RestoreUnfinished(PathBuf),
    /// Its volume is full.
    #[error(transparent)]
    NoRoom(NoRoom),
    /// Another program's file.
    #[error(
        "{} is not an SQLite database; put a backup in its place with kerberos-vault restore FILE, or another file in database.url", .0.display()
    )]
    NotADatabase(PathBuf),
    /// Its pages contradict each other.
    #[error(
        "the database {} is damaged ({what}); put a backup in its place with kerberos-vault restore FILE, and check the disk", .file.display()
    )]
    DatabaseDamaged {
        /// The database.
        file: PathBuf,
        /// What SQLite found first.
        what: String,
    },
    /// An older program was started.
    #[error(
        "the database was brought up to date by a newer vault; start that one's program, or restore a backup made before the upgrade"
    )]
    DatabaseNewer,
    /// The database does not open or migrate.
    #[error("cannot open the database: {what}; {cure}")]
    Database {
        /// What it, or the way to it, said.
        what: String,
        /// What to do.
        cure: &'static str,
    },
    /// Stored things cannot be used.
    #[error(transparent)]
    Vault(VaultError),
}

impl StartError {
    /// What opening the database of this address answered.
    pub(crate) fn database(error: VaultError, url: &str) -> Self {
        let what = match &error {
            VaultError::Database(cause) | VaultError::CommitUnknown(cause) => cause.to_string(),
            other => other.to_string(),
        };
        // SeaORM's own sentence; it has no kind.
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
        // An address may hold a password.
        Self::Database { what: what.replace(url, "database.url").replace('\n', " "), cure }
    }
}
