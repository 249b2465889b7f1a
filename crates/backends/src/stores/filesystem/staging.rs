//! `root/.vault-staging`: files that are not objects yet. Their names start with a hash of the key, so that a key's
//! files can be found again.
//!
//! The folder also shows that the root is the provider's. It is created once, before the first recording; if it is
//! missing later, the root is another folder, such as the mount point of a disk that is not mounted.

use super::error::{away, in_words};
use super::folders::Folders;
use super::operation::Operation;
use crate::random;
use model::ObjectKey;
use model::error::StoreError;
use model::key::RESERVED_PREFIX;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The staging folder.
#[derive(Debug)]
pub(super) struct Staging {
    folder: PathBuf,
}

impl Staging {
    pub(super) fn new(root: &Path) -> Self {
        Self { folder: root.join(format!("{RESERVED_PREFIX}staging")) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Creates the folder and the root.
    pub(super) fn set_up(&self, folders: &Folders) -> io::Result<()> {
        folders.forget(&self.folder);
        folders.ensure(&self.folder)
    }

    /// Fails if the folder is missing.
    pub(super) fn check_set_up(&self) -> Result<(), StoreError> {
        match fs::metadata(&self.folder) {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(away()),
            Err(e) => Err(in_words("reached", e)),
        }
    }

    /// Creates an empty file for an object of this key.
    pub(super) fn create(&self, key: &ObjectKey) -> Result<(File, PathBuf), StoreError> {
        let path = self.folder.join(format!("{}{}", prefix(key), random::hex::<12>()));
        match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => Ok((file, path)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(away()),
            Err(e) => Err(in_words("stored", e)),
        }
    }

    /// The path of a file, if it is one of this key's.
    pub(super) fn find(&self, key: &ObjectKey, name: &str) -> Option<PathBuf> {
        let ours = name.starts_with(&prefix(key)) && name.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        ours.then(|| self.folder.join(name))
    }

    /// Removes a file that will not become an object; a missing one is fine.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Removes all files of this key and returns their names.
    pub(super) fn remove_all(&self, key: &ObjectKey, wanted: &Operation) -> Result<Vec<String>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(away()),
            Err(e) => return Err(in_words("given up", e)),
        };
        let prefix = prefix(key);
        let mut removed = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| in_words("given up", e))?;
            if let Some(name) = entry.file_name().to_str().filter(|n| n.starts_with(&prefix)) {
                wanted.check()?;
                self.remove(&entry.path()).map_err(|e| in_words("given up", e))?;
                removed.push(name.to_owned());
            }
        }
        Ok(removed)
    }
}

fn prefix(key: &ObjectKey) -> String {
    let hash = Sha256::digest(key.as_str().as_bytes());
    format!("{}-", hex::encode(&hash[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_removed_is_told() {
        let root = tempfile::tempdir().expect("temp dir");
        let (staging, folders) = (Staging::new(root.path()), Folders::new(root.path().to_owned()));
        let key = ObjectKey::parse("a/b.mp4").expect("valid");
        staging.set_up(&folders).expect("sets up");
        let (_, path) = staging.create(&key).expect("creates");
        for _ in 0..2 {
            staging.remove(&path).expect("removing twice is fine");
        }
        // A folder cannot be removed as a file, not even by root.
        fs::create_dir(&path).expect("makes a folder");
        assert!(staging.remove(&path).is_err());
        let (_waiting, wanted) = super::super::operation::operation();
        assert!(staging.remove_all(&key, &wanted).is_err());
    }
}
