//! Why a backup was not made or not restored.

use crate::base::keys::KeyError;
use crate::host::data_folder::LockError;
use sea_orm::DbErr;
use std::io;
use std::path::{Path, PathBuf};

/// A failed backup or restore. Each is a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the sentences say what each is")]
pub enum BackupError {
    #[error(
        "this vault's database is on a PostgreSQL server: back it up with pg_dump -Fc -d ADDRESS -f FILE, and put that into an \
         empty database with pg_restore --no-owner -d ADDRESS FILE while no vault runs"
    )]
    NotSqlite,
    #[error("there is no database at {}; is this the vault's configuration file?", .0.display())]
    NoDatabase(PathBuf),
    #[error(
        "there is no folder {}; is this the vault's configuration file? On a new machine, make the folder for the vault's user, \
         and put the master key into it first", .0.display()
    )]
    NoFolder(PathBuf),
    #[error("{} exists already; choose another name, or remove it", .0.display())]
    Exists(PathBuf),
    #[error("{} is not a name that a database can have; choose one in UTF-8", .0.display())]
    Name(PathBuf),
    #[error("{} is the vault's own database; name a backup of it", .0.display())]
    Itself(PathBuf),
    #[error("cannot {what} {}: {source}; see that this user may do so, and that there is room", .path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "cannot copy the database {} to {}: {source}; see that the one can be read and the other written, and that there is room",
        .database.display(), .to.display()
    )]
    Copying { database: PathBuf, to: PathBuf, source: DbErr },
    #[error("{} is not an SQLite database; name a file that kerberos-vault backup has made", .0.display())]
    NotADatabase(PathBuf),
    #[error(
        "{} has a log beside it, {}, so it is a copy of a running vault's folder and no backup; put both into a folder of \
         their own as vault.db and vault.db-wal, and make one with kerberos-vault backup and data.dir set to that folder",
        .file.display(), .log.display()
    )]
    HasLog { file: PathBuf, log: PathBuf },
    #[error("{} is damaged ({what}); use another backup", .file.display())]
    Damaged { file: PathBuf, what: String },
    #[error("{} is a database, but not a vault's; name a file that kerberos-vault backup has made", .0.display())]
    NotAVaults(PathBuf),
    #[error("{} is of a newer vault than this one (it has the tables of {newest}); use that one's program", .file.display())]
    Newer { file: PathBuf, newest: String },
    #[error("the secrets in {} need the master key; put it at {} first, or set VAULT_DATA__MASTER_KEY", .file.display(), .key.display())]
    KeyMissing { file: PathBuf, key: PathBuf },
    #[error("{sealed} secrets in {} do not open with this master key; put the key file that belongs to it at {}", .file.display(), .key.display())]
    WrongKey { file: PathBuf, key: PathBuf, sealed: usize },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Folder(#[from] LockError),
}

impl BackupError {
    /// Replaces the file's path with the one the operator gave; it is a copy under another name that was checked.
    pub(super) fn of(mut self, named: &Path) -> Self {
        match &mut self {
            Self::NotADatabase(file)
            | Self::NotAVaults(file)
            | Self::Damaged { file, .. }
            | Self::Newer { file, .. }
            | Self::KeyMissing { file, .. }
            | Self::WrongKey { file, .. } => *file = named.to_owned(),
            _ => {}
        }
        self
    }
}
