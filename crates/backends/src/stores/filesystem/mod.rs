//! Recordings in a folder: an object is the file `root/<key>`.
//!
//! A new object is written to `root/.vault-staging`, synced, and renamed into place; then its folder is synced. Until
//! the rename nobody sees it; once its folder is synced it survives a crash.

mod error;
mod folders;
mod names;
mod operation;
mod probe;
mod publish;
mod reading;
mod staging;
#[cfg(test)]
mod tests;
mod uploads;

use crate::stores::receipt;
use async_trait::async_trait;
use bytes::Bytes;
use error::in_words;
use folders::Folders;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore, Found, Ground, Part, Publish, UploadId};
use model::probe::ProbeReport;
use model::providers::Filesystem;
use names::Habits;
use operation::Operation;
use staging::Staging;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use uploads::Uploads;

/// Small enough that a slow upload reaches the disk bit by bit, large enough for efficient writes.
const PART_SIZE: usize = 512 * 1024;
/// How long the file system may take for one operation.
const PATIENCE: Duration = Duration::from_secs(60);
/// Operations on one folder at a time, each in its own thread: a folder that hangs must leave threads for the others.
pub(crate) const MAX_RUNNING: usize = 256;
const HANGS: &str = "The folder does not answer; a network drive may be gone.";
/// How often a folder that others keep removing is created again.
const ATTEMPTS: usize = 16;

/// A folder on this machine.
#[derive(Debug, Clone)]
pub(crate) struct FilesystemStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    folders: Folders,
    staging: Staging,
    uploads: Uploads,
    running: Arc<Semaphore>,
    /// How many are reading.
    readers: Arc<AtomicU64>,
    device: OnceLock<u64>,
    habits: OnceLock<Habits>,
}

impl FilesystemStore {
    pub(crate) fn new(settings: &Filesystem) -> Self {
        let given = PathBuf::from(&settings.path);
        // Fails only without a current directory; then every operation will say so.
        let root = std::path::absolute(&given).unwrap_or(given);
        Self(Arc::new(Inner {
            folders: Folders::new(root.clone()),
            staging: Staging::new(&root),
            uploads: Uploads::default(),
            running: Arc::new(Semaphore::new(MAX_RUNNING)),
            readers: Arc::default(),
            device: OnceLock::new(),
            habits: OnceLock::new(),
            root,
        }))
    }

    /// Runs blocking work in a thread of its own.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &Operation) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        // A folder on a dead network mount hangs for ever; its callers must not.
        let running = self.0.running.clone().try_acquire_owned().map_err(|_| hangs())?;
        self.run(running, work).await
    }

    /// The same for someone who is already reading, for whom waiting is better than failing.
    async fn blocking_in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &Operation) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match timeout(PATIENCE, self.0.running.clone().acquire_owned()).await {
            Ok(Ok(running)) => self.run(running, work).await,
            _ => Err(hangs()),
        }
    }

    /// If the operation is given up, here or by the caller, it has no effect afterwards: see [`wanted`].
    async fn run<T: Send + 'static>(
        &self,
        running: OwnedSemaphorePermit,
        work: impl FnOnce(&Inner, &Operation) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = self.0.clone();
        let (_waiting, wanted) = operation::operation();
        let work = tokio::task::spawn_blocking(move || {
            let _running = running;
            // It may have waited too long for a thread already.
            wanted.check()?;
            work(&inner, &wanted)
        });
        match timeout(PATIENCE, work).await {
            Ok(Ok(done)) => done,
            Ok(Err(e)) => Err(StoreError::caused(StoreErrorKind::Unavailable, "The vault is shutting down.", e)),
            Err(_) => Err(hangs()),
        }
    }
}

impl Inner {
    /// The file of an object.
    fn path(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(key.as_str())
    }

    fn put(&self, key: &ObjectKey, bytes: &[u8], publish: Publish, wanted: &Operation) -> Result<(), StoreError> {
        let (mut file, staged) = self.staging.create(key)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| in_words("stored", e));
        let written = written.and_then(|()| confirm(&file, bytes.len() as u64));
        let published = written.and_then(|()| self.publish(&staged, key, publish, wanted));
        if published.is_err()
            && let Err(error) = self.staging.remove(&staged)
        {
            tracing::warn!(%error, path = %staged.display(), "a staging file is left behind");
        }
        published
    }

    fn delete(&self, key: &ObjectKey, wanted: &Operation) -> Result<(), StoreError> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.root);
        if !self.folders.exists_inside(folder)? {
            return self.staging.check_set_up();
        }
        if self.is_anothers(key)? {
            return Ok(());
        }
        wanted.check()?;
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            // A folder of that name is not an object.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
                ) =>
            {
                self.staging.check_set_up()?;
            }
            Err(e) => return Err(in_words("deleted", e)),
        }
        // Even if it was gone already: that deletion may not have been synced, and nobody deletes it again if it comes
        // back.
        make_durable(folder).map_err(|e| in_words("deleted", e))?;
        self.folders.remove_empty(folder);
        Ok(())
    }
}

/// Makes a folder's changed entries durable.
fn make_durable(folder: &Path) -> io::Result<()> {
    match folders::sync(folder) {
        // Removed meanwhile, because its last object was deleted: nothing is left to sync.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        synced => synced,
    }
}

/// The folder hangs.
fn hangs() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, HANGS)
}

/// Compares a file's length with what was written, before it becomes an object.
fn confirm(file: &File, length: u64) -> Result<(), StoreError> {
    let found = file.metadata().map_err(|e| in_words("stored", e))?.len();
    Ok(receipt::same_length(length, Some(found))?)
}

#[async_trait]
impl BlobStore for FilesystemStore {
    async fn probe(&self) -> ProbeReport {
        probe::run(self.clone()).await
    }

    async fn device(&self) -> Option<u64> {
        if let Some(device) = self.0.device.get() {
            return Some(*device);
        }
        let asked = self.blocking(|store, _| store.root.metadata().map_err(|e| in_words("looked at", e))).await;
        let device = asked.ok()?.dev();
        Some(*self.0.device.get_or_init(|| device))
    }

    async fn ground(&self) -> Result<Option<Ground>, StoreError> {
        let looked = self.blocking(|store, _| match store.root.metadata() {
            Ok(found) => Ok(found),
            // Which says what a folder that is not there may mean.
            Err(e) => Err(store.staging.check_set_up().err().unwrap_or_else(|| in_words("looked at", e))),
        });
        let found = looked.await?;
        Ok(Some(Ground { device: found.dev(), inode: found.ino(), born: found.created().ok() }))
    }

    async fn set_up(&self) -> Result<(), StoreError> {
        self.blocking(|store, _| store.staging.set_up(&store.folders).map_err(|e| in_words("stored", e))).await
    }

    fn part_size(&self) -> usize {
        PART_SIZE
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes, publish: Publish) -> Result<(), StoreError> {
        let key = key.clone();
        self.blocking(move |store, wanted| store.put(&key, &bytes, publish, wanted)).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        let key = key.clone();
        self.blocking(move |store, _| {
            let found = store.open(&key)?.map(|(_, length)| length);
            Ok(if found.is_some() && store.is_anothers(&key)? { None } else { found })
        })
        .await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Found, StoreError> {
        let key = key.clone();
        let (file, size, range) = self.blocking(move |store, _| store.open_range(&key, range)).await?;
        Ok(Found { size: Some(size), bytes: reading::stream(self.clone(), file, range) })
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.blocking(move |store, wanted| store.delete(&key, wanted)).await
    }

    async fn sign(&self, _key: &ObjectKey, _expires_in: Duration) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    async fn begin(&self, key: &ObjectKey) -> Result<UploadId, StoreError> {
        let key = key.clone();
        self.blocking(move |store, _| store.begin(&key)).await
    }

    async fn put_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        bytes: Bytes,
    ) -> Result<Part, StoreError> {
        let (key, upload) = (key.clone(), upload.clone());
        self.blocking(move |store, _| store.put_part(&key, &upload, number, &bytes)).await
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        publish: Publish,
    ) -> Result<(), StoreError> {
        let (key, upload, parts) = (key.clone(), upload.clone(), parts.to_vec());
        self.blocking(move |store, wanted| store.complete(&key, &upload, &parts, publish, wanted)).await
    }

    async fn abort(&self, key: &ObjectKey, upload: &UploadId) -> Result<(), StoreError> {
        let (key, upload) = (key.clone(), upload.clone());
        self.blocking(move |store, wanted| store.abort(&key, &upload, wanted)).await
    }

    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.blocking(move |store, wanted| store.abort_all(&key, wanted)).await
    }
}
