//! Keeps room for the database on a volume that fills up.
//!
//! A full volume must not stop anyone from making room: deleting, retention, signing in and starting all write a
//! little. So uploads are refused while there is still some room, and a reserve file holds a bit more: it is removed
//! when other programs have taken the rest, and created again when there is room.

use crate::host::notices::{Notice, Notices};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// The notice's code.
const CODE: &str = "disk-full";
/// Name of the reserve file, beside the database.
pub(crate) const FILE: &str = "reserve";
/// How often the volume is checked.
const EVERY: Duration = Duration::from_secs(1);
/// The part of the volume kept free of uploads: a 64th, within these bounds (in bytes).
const SHARE: u64 = 64;
const LEAST: u64 = 2 * 1024 * 1024;
const MOST: u64 = 64 * 1024 * 1024;
/// What a start needs, in bytes: SQLite's index of its log, and a few pages.
pub(crate) const START_NEEDS: u64 = 512 * 1024;

/// Watches the volume of a SQLite database; cheap to clone.
#[derive(Clone)]
pub(crate) struct Reserve(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    /// Bytes free when the volume was last checked.
    left: AtomicU64,
    /// Below this many bytes uploads are refused.
    low: u64,
    device: u64,
    /// Only one at a time creates or removes the file.
    tending: Mutex<()>,
    /// Why the file could not be created last time, so that it is logged once.
    trouble: Mutex<Option<String>>,
}

/// A volume is too full for uploads.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "The volume of {folder} is full: {left_kib} KiB are left, {needed_kib} KiB are needed. Make room there, or give the vault a larger one."
)]
pub struct NoRoom {
    /// The folder of the database.
    pub folder: String,
    /// KiB free.
    pub left_kib: u64,
    /// KiB needed.
    pub needed_kib: u64,
}

impl Reserve {
    /// Checks the volume of an existing folder; removes the reserve file if the start needs its room.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let volume = statvfs(folder)?;
        let low = (volume.f_blocks.saturating_mul(volume.f_frsize) / SHARE).clamp(LEAST, MOST);
        let inner = Inner {
            folder: folder.to_owned(),
            left: AtomicU64::new(0),
            low,
            device: fs::metadata(folder)?.dev(),
            tending: Mutex::default(),
            trouble: Mutex::default(),
        };
        let reserve = Self(Arc::new(inner));
        if reserve.0.look()? < reserve.0.critical() {
            reserve.0.remove()?;
        }
        Ok(reserve)
    }

    /// Whether an upload may begin: `bytes` as announced, `device` if its provider is a local folder.
    pub(crate) async fn admit(&self, bytes: Option<u64>, device: Option<u64>) -> Result<(), NoRoom> {
        let same_volume = device == Some(self.0.device);
        let needed = self.0.low + bytes.filter(|_| same_volume).unwrap_or(0);
        if self.0.left.load(Ordering::Relaxed) >= needed {
            return Ok(());
        }
        // There may be room again.
        self.tend().await;
        match self.0.left.load(Ordering::Relaxed) {
            left if left >= needed => Ok(()),
            left => Err(self.0.no_room(left, needed)),
        }
    }

    /// Whether even the room for deleting and signing in is used up.
    pub(crate) fn is_used_up(&self) -> bool {
        self.0.left.load(Ordering::Relaxed) < START_NEEDS && !self.0.file().exists()
    }

    /// What is missing for a start, if it is room.
    pub(crate) fn missing_to_start(&self) -> Option<NoRoom> {
        let left = self.0.look().ok()?;
        (left < START_NEEDS).then(|| self.0.no_room(left, START_NEEDS))
    }

    /// The lack of room, as uploads report it.
    pub(crate) fn missing(&self) -> NoRoom {
        self.0.no_room(self.0.left.load(Ordering::Relaxed), self.0.low)
    }

    /// Checks the volume, and creates or removes the reserve file.
    pub(crate) async fn tend(&self) {
        let inner = self.0.clone();
        if let Ok(tended) = spawn_blocking(move || inner.tend()).await {
            self.0.log(tended.err().map(|error| error.to_string()));
        }
    }

    /// Checks every second until cancelled, and keeps the notice up to date.
    pub(crate) async fn watch(self, notices: Notices, cancel: CancellationToken) {
        let mut told = true;
        let rounds = async {
            loop {
                self.tend().await;
                let left = self.0.left.load(Ordering::Relaxed);
                if left < self.0.low {
                    notices.raise(self.0.notice(left)).await;
                    told = true;
                } else if told {
                    notices.clear(CODE, "").await;
                    told = false;
                }
                tokio::time::sleep(EVERY).await;
            }
        };
        cancel.run_until_cancelled(rounds).await;
    }
}

impl Inner {
    fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Below this the database itself is in danger.
    fn critical(&self) -> u64 {
        self.low / 4
    }

    /// Bytes free for everybody but root.
    fn look(&self) -> io::Result<u64> {
        let volume = statvfs(&self.folder)?;
        let left = volume.f_bavail.saturating_mul(volume.f_frsize);
        self.left.store(left, Ordering::Relaxed);
        Ok(left)
    }

    fn tend(&self) -> io::Result<()> {
        let _one = self.tending.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.look()?;
        let held = fs::metadata(self.file()).map_or(0, |file| file.len());
        let size = self.low / 2;
        if left < self.critical() && held > 0 {
            return self.remove();
        }
        if held < size && left >= self.low + size {
            let file = File::create(self.file())?;
            if let Err(error) = fallocate(&file, FallocateFlags::empty(), 0, size) {
                fs::remove_file(self.file())?;
                return Err(error.into());
            }
            self.look()?;
        }
        Ok(())
    }

    /// Not every file system can reserve room; there the limit for uploads is all there is.
    fn log(&self, error: Option<String>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = error.as_ref().filter(|_| *trouble != error) {
            let folder = self.folder.display();
            tracing::warn!(error, %folder, "no room is held for the database; uploads still end before the volume is full");
        }
        *trouble = error;
    }

    fn remove(&self) -> io::Result<()> {
        match fs::remove_file(self.file()) {
            Ok(()) => tracing::error!(
                folder = %self.folder.display(),
                "the volume is full: the vault gives up its reserve to keep its database writable"
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.look().map(drop)
    }

    fn no_room(&self, left: u64, needed: u64) -> NoRoom {
        NoRoom { folder: self.folder.display().to_string(), left_kib: left / 1024, needed_kib: needed / 1024 }
    }

    fn notice(&self, left: u64) -> Notice {
        // Without the exact number, which would make it a new text every second.
        let text = format!("The volume of {} is full: uploads are refused.", self.folder.display());
        let cure = format!(
            "At least {} MiB must be free, {} are. Enlarge the volume, or move other files away; where recordings lie on it, \
             deleting some or shortening an account's days makes room, too. Uploads go on by themselves then.",
            self.low >> 20,
            left >> 20
        );
        Notice { code: CODE, subject: String::new(), text, cure, dismissible: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_a_file_and_admits_what_leaves_enough() {
        let dir = tempfile::tempdir().expect("temp dir");
        let reserve = Reserve::open(dir.path()).expect("opens");
        reserve.tend().await;
        let file = dir.path().join(FILE);
        assert_eq!(fs::metadata(&file).expect("it is there").len(), reserve.0.low / 2);
        assert_eq!(reserve.admit(None, None).await, Ok(()));
        assert_eq!(reserve.admit(Some(u64::MAX / 2), None).await, Ok(()), "it goes to another volume");
        let refused = reserve.admit(Some(u64::MAX / 2), Some(reserve.0.device)).await.expect_err("it does not fit");
        assert!(refused.to_string().contains(&dir.path().display().to_string()), "{refused}");
        reserve.0.remove().expect("given up");
        assert!(!file.exists());
    }
}
