//! Folders: created when needed, durable before anything relies on them, removed when empty.

use super::error::in_words;
use model::error::{StoreError, StoreErrorKind};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How many folders are remembered.
const REMEMBERED: usize = 4096;

/// The folders below a root.
#[derive(Debug)]
pub(super) struct Folders {
    root: PathBuf,
    /// Folders known to exist durably, so that storing an object need not sync every folder above it. If one is gone,
    /// using it fails with "not found", and it is created again.
    durable: Mutex<HashSet<PathBuf>>,
}

impl Folders {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, durable: Mutex::default() }
    }

    /// Creates a folder and all above it, durably.
    pub(super) fn ensure(&self, folder: &Path) -> io::Result<()> {
        if self.is_known(folder) {
            return Ok(());
        }
        self.make(folder)?;
        self.remember(folder);
        Ok(())
    }

    /// Whether a folder was remembered and not forgotten since.
    pub(super) fn is_known(&self, folder: &Path) -> bool {
        self.durable().contains(folder)
    }

    /// Creates a folder and all above it, durably, without remembering that.
    pub(super) fn make(&self, folder: &Path) -> io::Result<()> {
        let missing = folder.ancestors().take_while(|f| !f.exists()).count();
        make(folder)?;
        // Also those that another upload has just created: it may not have synced them yet.
        let ours = folder.ancestors().take_while(|f| f.starts_with(&self.root) && *f != self.root).count();
        for made in folder.ancestors().take(missing.max(ours)) {
            let parent = made.parent().unwrap_or(made);
            match sync(parent) {
                // Above the root the vault may lack the permissions for this.
                Err(e) if e.kind() == io::ErrorKind::PermissionDenied && !parent.starts_with(&self.root) => {}
                synced => synced?,
            }
        }
        Ok(())
    }

    /// Remembers that a folder is there durably.
    pub(super) fn remember(&self, folder: &Path) {
        let mut durable = self.durable();
        if durable.len() >= REMEMBERED {
            durable.clear();
        }
        durable.insert(folder.to_owned());
    }

    /// Notes that a folder may be gone.
    pub(super) fn forget(&self, folder: &Path) {
        let mut durable = self.durable();
        for gone in folder.ancestors().take_while(|f| f.starts_with(&self.root)) {
            durable.remove(gone);
        }
    }

    /// Removes a folder and those above it that are empty and below the root.
    pub(super) fn remove_empty(&self, folder: &Path) {
        for folder in folder.ancestors().take_while(|f| *f != self.root && f.starts_with(&self.root)) {
            if fs::remove_dir(folder).is_err() {
                return;
            }
            // Only now: if it is created again before this line, it is merely synced once too often.
            self.forget(folder);
        }
    }

    /// Refuses a folder that a symbolic link leads outside the root.
    pub(super) fn check_inside(&self, folder: &Path) -> Result<(), StoreError> {
        let inside = || io::Result::Ok(folder.canonicalize()?.starts_with(self.root.canonicalize()?));
        match inside() {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::new(
                StoreErrorKind::Denied,
                "The recording's folder is a symbolic link that leaves the provider's folder.",
            )),
            // Just removed, or a file by now; using it will show that.
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
            Err(e) => Err(in_words("reached", e)),
        }
    }

    /// Whether the folder is there; refuses as [`check_inside`](Self::check_inside) does.
    pub(super) fn exists_inside(&self, folder: &Path) -> Result<bool, StoreError> {
        match fs::metadata(folder) {
            Ok(found) if found.is_dir() => self.check_inside(folder).map(|()| true),
            Ok(_) => Ok(false),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
            Err(e) => Err(in_words("reached", e)),
        }
    }

    fn durable(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Like `create_dir_all`, but gives up when a folder it relies on is removed meanwhile.
fn make(folder: &Path) -> io::Result<()> {
    let mut attempt = 0;
    loop {
        match fs::create_dir_all(folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && attempt < super::ATTEMPTS => attempt += 1,
            done => return done,
        }
    }
}

/// Makes a folder's entries durable.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(test)]
    super::tests::note_sync(folder);
    match File::open(folder)?.sync_all() {
        // Some network shares do not support it.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}
