//! What a power cut would leave of SQLite's files: what was synced, and nothing that was only written.
//!
//! A failed sync is worse than none: the system forgets that the bytes have yet to reach the disk, and a later
//! successful sync says nothing about them. Here they are lost for good, unless they are written again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Records nothing until [`Platter::begin`].
#[derive(Debug, Default)]
pub struct Platter(Mutex<Option<BTreeMap<PathBuf, Image>>>);

/// One file.
#[derive(Debug)]
struct Image {
    durable: Vec<u8>,
    /// Changes since the last sync.
    written: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { size: usize },
}

impl Platter {
    /// Starts recording for the files in this folder; their present content counts as durable.
    pub fn begin(&self, folder: &Path) -> io::Result<()> {
        let mut images = BTreeMap::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() {
                images.insert(path.clone(), Image { durable: std::fs::read(&path)?, written: Vec::new() });
            }
        }
        *self.images() = Some(images);
        Ok(())
    }

    /// Turns the files in a folder into what a power cut now would leave of them. Other files stay as they are.
    pub fn leave_at(&self, folder: &Path) -> io::Result<()> {
        let images = self.images();
        for (path, image) in images.iter().flatten() {
            std::fs::write(folder.join(path.file_name().unwrap_or_default()), &image.durable)?;
        }
        Ok(())
    }

    pub(crate) fn write(&self, path: &Path, at: usize, bytes: &[u8]) {
        self.change(path, || Change::Write { at, bytes: bytes.to_vec() });
    }

    pub(crate) fn truncate(&self, path: &Path, size: usize) {
        self.change(path, || Change::Truncate { size });
    }

    pub(crate) fn sync(&self, path: &Path, succeeds: bool) {
        if let Some(image) = self.images().as_mut().and_then(|images| images.get_mut(path)) {
            let written = std::mem::take(&mut image.written);
            for change in written.into_iter().filter(|_| succeeds) {
                image.take(change);
            }
        }
    }

    pub(crate) fn delete(&self, path: &Path) {
        if let Some(images) = self.images().as_mut() {
            images.remove(path);
        }
    }

    fn change(&self, path: &Path, change: impl FnOnce() -> Change) {
        if let Some(images) = self.images().as_mut() {
            let empty = || Image { durable: Vec::new(), written: Vec::new() };
            images.entry(path.to_owned()).or_insert_with(empty).written.push(change());
        }
    }

    fn images(&self) -> MutexGuard<'_, Option<BTreeMap<PathBuf, Image>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Image {
    fn take(&mut self, change: Change) {
        match change {
            Change::Truncate { size } => self.durable.resize(size, 0),
            Change::Write { at, bytes } => {
                let end = at + bytes.len();
                if self.durable.len() < end {
                    self.durable.resize(end, 0);
                }
                self.durable[at..end].copy_from_slice(&bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_synced_is_left_and_a_failed_sync_loses_what_it_was_for() {
        let (from, to) = (tempfile::tempdir().expect("temp dir"), tempfile::tempdir().expect("temp dir"));
        let file = from.path().join("f");
        std::fs::write(&file, b"old.").expect("writes");
        let platter = Platter::default();
        platter.write(&file, 0, b"not remembered");
        platter.begin(from.path()).expect("begins");
        let left = || {
            platter.leave_at(to.path()).expect("leaves");
            String::from_utf8(std::fs::read(to.path().join("f")).expect("reads")).expect("text")
        };
        platter.write(&file, 0, b"new");
        assert_eq!(left(), "old.");
        platter.sync(&file, false);
        platter.write(&file, 4, b"more");
        platter.sync(&file, true);
        assert_eq!(left(), "old.more", "the second sync says nothing of what the first one failed for");
        platter.truncate(&file, 2);
        platter.sync(&file, true);
        assert_eq!(left(), "ol");
    }
}
