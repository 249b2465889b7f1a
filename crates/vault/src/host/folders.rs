//! What a start makes on disk before it opens the database: the spool, the reserve, the file of a new database.

use crate::base::db::location::{folder_of, sqlite_file};
use crate::host::reserve::Reserve;
use crate::host::start_error::StartError;
use rustix::fs::{Access, access};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What a vault needs beside its database.
pub(crate) struct Folders {
    /// Where parts of uploads wait that found no memory.
    pub(crate) spool: PathBuf,
    /// Beside an SQLite database only.
    pub(crate) reserve: Option<Reserve>,
}

impl Folders {
    /// # Errors
    /// [`StartError::DataDir`].
    pub(crate) fn make(database_url: &str, data_dir: &Path) -> Result<Self, StartError> {
        let unusable = |path: &Path| {
            let path = path.display().to_string();
            move |source| StartError::DataDir { path, source }
        };
        let spool = data_dir.join("spool");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&spool).map_err(unusable(&spool))?;
        // Uploads find out otherwise, when there are so many that parts of them wait there.
        access(&spool, Access::WRITE_OK | Access::EXEC_OK).map_err(|e| unusable(&spool)(e.into()))?;
        let database = sqlite_file(database_url);
        if let Some(file) = &database {
            make_private(file).map_err(unusable(&folder_of(file)))?;
        }
        let folder = database.map(|file| folder_of(&file));
        let reserve = folder.map(|folder| Reserve::open(&folder).map_err(unusable(&folder))).transpose()?;
        Ok(Self { spool, reserve })
    }
}

/// Makes the file of a new database: SQLite would let everybody read it. What SQLite puts beside it has the same
/// permissions.
fn make_private(file: &Path) -> io::Result<()> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
