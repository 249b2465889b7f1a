//! Files that appear complete or not at all.

use super::BackupError;
use crate::base::db::location::folder_of;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file being written under a temporary name; removed unless it is renamed.
pub(super) struct Part(PathBuf);

impl Part {
    /// Creates it, empty and readable by its owner only.
    pub(super) fn new(path: PathBuf) -> Result<Self, BackupError> {
        let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        made.map_err(failed("write", &path))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Syncs it; returns its size.
    pub(super) fn sync(&self) -> Result<u64, BackupError> {
        let synced = File::open(&self.0).and_then(|file| file.sync_all().and_then(|()| file.metadata()));
        Ok(synced.map_err(failed("write", &self.0))?.len())
    }

    /// Renames it, unless the name has been taken meanwhile.
    pub(super) fn name(self, to: &Path) -> Result<(), BackupError> {
        match renameat_with(CWD, &self.0, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(BackupError::Exists(to.to_owned())),
            // Some network shares only support the plain rename, which replaces.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                super::refuse_existing(to)?;
                fs::rename(&self.0, to).map_err(failed("make", to))?;
            }
            Err(error) => return Err(failed("make", to)(error.into())),
        }
        sync_folder_of(to)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes renames in this file's folder survive a power cut.
pub(super) fn sync_folder_of(file: &Path) -> Result<(), BackupError> {
    let folder = folder_of(file);
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed("write", &folder))
}

pub(super) fn failed(what: &'static str, path: &Path) -> impl Fn(io::Error) -> BackupError + use<> {
    let path = path.to_owned();
    move |source| BackupError::File { what, path: path.clone(), source }
}
