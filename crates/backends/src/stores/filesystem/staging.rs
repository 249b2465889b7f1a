//! `root/.vault-staging`: files that are not objects yet. Their names start with a hash of the key,
//! so that all of a key's can be found again.

use super::folders::Folders;
use crate::random;
use model::ObjectKey;
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

    /// A new, empty file for an object of this key.
    pub(super) fn create(&self, folders: &Folders, key: &ObjectKey) -> io::Result<(File, PathBuf)> {
        let path = self.folder.join(format!("{}{}", prefix(key), random::hex::<12>()));
        let mut attempt = 0;
        loop {
            folders.ensure(&self.folder)?;
            match File::options().read(true).write(true).create_new(true).open(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound && attempt < super::ATTEMPTS => {
                    attempt += 1;
                    folders.forget(&self.folder);
                }
                opened => return Ok((opened?, path)),
            }
        }
    }

    /// Where a file of this name lies, provided that it is one of this key's.
    pub(super) fn find(&self, key: &ObjectKey, name: &str) -> Option<PathBuf> {
        let ours = name.starts_with(&prefix(key)) && name.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        ours.then(|| self.folder.join(name))
    }

    /// Removes a file that will never become an object; one that is gone is fine.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Removes every file of this key and tells their names.
    pub(super) fn remove_all(&self, key: &ObjectKey) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let prefix = prefix(key);
        let mut removed = Vec::new();
        for entry in entries {
            let entry = entry?;
            if let Some(name) = entry.file_name().to_str().filter(|n| n.starts_with(&prefix)) {
                self.remove(&entry.path())?;
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
