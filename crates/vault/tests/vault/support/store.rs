//! A store in memory that fails on demand.

use super::within;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::key::RESERVED_PREFIX;
use model::ports::{BlobStore, Found, Part, Publish, UploadId};
use model::probe::ProbeReport;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Small, so that a few KiB already go out in parts.
pub(crate) const PART: usize = 4 * 1024;

/// Where a place says which one it is.
const MARK: &str = ".vault-place/id";

/// What a store does wrong next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Refuses every request.
    Down,
    /// Has no room for objects or parts.
    Full,
    /// Stores the object, then reports a failure: an answer that got lost.
    LosesAnswer,
    /// Stores the object, and answers when it is told to by `let_go`.
    HoldsAnswer,
    /// Stores the object and never answers; the next restart kills whoever waits for it.
    Hangs,
    /// Panics when it is to store an object: a bug.
    Panics,
    /// Does not answer when it is to delete, nor delete: it may do so at any time later.
    NeverDeletes,
    /// Refuses to delete anything, with a reason.
    KeepsForever,
    /// Begins to delete, and goes on when it is told to by `let_go`.
    HoldsDelete,
    /// Stores different bytes of the same length, and reports `Unconfirmed`.
    Lies,
    /// The same, and deletes nothing.
    LiesForGood,
    /// Never answers when it is to be set up.
    NeverReady,
}

/// Key and parts of an unfinished upload.
type Unfinished = (String, BTreeMap<u32, Bytes>);

/// Objects in memory.
#[derive(Default)]
pub(crate) struct MemoryStore {
    pub(crate) objects: Mutex<BTreeMap<String, Bytes>>,
    pub(crate) uploads: Mutex<HashMap<String, Unfinished>>,
    /// How often it was made ready for its first recording, or tried to be.
    pub(crate) set_ups: AtomicUsize,
    /// How many there were: no id is given twice.
    begun: AtomicUsize,
    pub(crate) fault: Mutex<Option<Fault>>,
    put_started: Notify,
    /// What else happens when the next object is to be stored.
    pub(crate) at_put: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    delete_started: Notify,
    pub(crate) let_go: Notify,
    /// Objects that are there and cannot be read, as on a disk with bad sectors.
    pub(crate) unreadable: Mutex<BTreeSet<String>>,
    /// Keys at which every call fails, as at a file that cannot be read; the others are well.
    pub(crate) unwell: Mutex<BTreeSet<String>>,
    /// Whether it does not tell how large an object is that is read.
    pub(crate) is_terse: AtomicBool,
    /// Whether it signs URLs itself.
    pub(crate) signs: AtomicBool,
    /// How often somebody asked whether an object is there.
    pub(crate) heads: AtomicUsize,
    /// How often somebody asked for an object.
    pub(crate) gets: AtomicUsize,
    /// What else happens when the next object is read.
    pub(crate) at_get: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    killed: Notify,
}

impl MemoryStore {
    /// Kills whoever waits for an answer that hangs.
    pub(crate) fn kill(&self) {
        self.killed.notify_waiters();
    }

    /// Waits until an object is about to be stored.
    pub(crate) async fn put_begins(&self) {
        within("an object is about to be stored", self.put_started.notified()).await;
    }

    /// Waits until an object is about to be deleted, of a store that holds that up.
    pub(crate) async fn delete_begins(&self) {
        within("an object is about to be deleted", self.delete_started.notified()).await;
    }

    pub(crate) fn set(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock().unwrap() = fault.into();
    }

    /// How many uploads in parts were begun.
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// What is there but the vault's own.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().filter(|key| !key.starts_with(RESERVED_PREFIX)).cloned().collect()
    }

    /// Which place it says that it is.
    pub(crate) fn mark(&self) -> Option<Bytes> {
        self.objects.lock().unwrap().get(MARK).cloned()
    }

    pub(crate) fn set_mark(&self, mark: Option<Bytes>) {
        let mut objects = self.objects.lock().unwrap();
        match mark {
            Some(mark) => objects.insert(MARK.into(), mark),
            None => objects.remove(MARK),
        };
    }

    /// As a folder whose disk is not mounted: nothing can be stored where nothing was made ready.
    fn check_set_up(&self) -> Result<(), StoreError> {
        match self.set_ups.load(Ordering::Relaxed) {
            0 => Err(StoreError::new(StoreErrorKind::Unavailable, "The store was never set up.")),
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        match *self.fault.lock().unwrap() {
            Some(Fault::Down) => Err(StoreError::new(StoreErrorKind::Unavailable, "The store is down.")),
            _ => Ok(()),
        }
    }

    fn check_at(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.check()?;
        if self.unwell.lock().unwrap().contains(key.as_str()) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "The file system reports an error."));
        }
        Ok(())
    }

    async fn make_visible(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        publish: Publish,
        parts: Option<&UploadId>,
    ) -> Result<(), StoreError> {
        if key.as_str() != MARK {
            self.put_started.notify_one();
            if let Some(happens) = self.at_put.lock().unwrap().take() {
                happens();
            }
        }
        self.check_set_up()?;
        let fault = *self.fault.lock().unwrap();
        assert_ne!(fault, Some(Fault::Panics), "a bug");
        if fault == Some(Fault::Full) {
            return Err(StoreError::new(StoreErrorKind::Full, "No room left."));
        }
        self.check()?;
        let lies = matches!(fault, Some(Fault::Lies | Fault::LiesForGood)) && key.as_str() != MARK;
        let bytes = if lies { bytes.iter().map(|byte| !byte).collect() } else { bytes };
        {
            let mut objects = self.objects.lock().unwrap();
            if publish == Publish::New && objects.contains_key(key.as_str()) {
                return Err(StoreError::new(StoreErrorKind::Taken, "Something lies there already."));
            }
            objects.insert(key.to_string(), bytes);
            if let Some(parts) = parts {
                // They are the object now, whatever is answered.
                self.uploads.lock().unwrap().remove(&parts.0);
            }
        }
        match fault {
            _ if lies => Err(StoreError::new(StoreErrorKind::Unconfirmed, "It tells of another checksum.")),
            Some(Fault::Hangs) => {
                self.killed.notified().await;
                std::panic::resume_unwind(Box::new("killed"))
            }
            Some(Fault::HoldsAnswer) => {
                self.let_go.notified().await;
                Ok(())
            }
            Some(Fault::LosesAnswer) => Err(StoreError::new(StoreErrorKind::Unavailable, "The connection broke.")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl BlobStore for MemoryStore {
    async fn probe(&self) -> ProbeReport {
        let mut report = ProbeReport::default();
        report.step("write", Ok(())).unwrap();
        report
    }

    async fn set_up(&self) -> Result<(), StoreError> {
        self.set_ups.fetch_add(1, Ordering::Relaxed);
        if *self.fault.lock().unwrap() == Some(Fault::NeverReady) {
            std::future::pending::<()>().await;
        }
        self.check()
    }

    fn part_size(&self) -> usize {
        PART
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes, publish: Publish) -> Result<(), StoreError> {
        self.make_visible(key, bytes, publish, None).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        self.heads.fetch_add(1, Ordering::Relaxed);
        self.check_at(key)?;
        Ok(self.objects.lock().unwrap().get(key.as_str()).map(|b| b.len() as u64))
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Found, StoreError> {
        let happens = self.at_get.lock().unwrap().take();
        happens.into_iter().for_each(|happens| happens());
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.check_at(key)?;
        if self.unreadable.lock().unwrap().contains(key.as_str()) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "It cannot be read."));
        }
        let found = self.objects.lock().unwrap().get(key.as_str()).cloned();
        let bytes = found.ok_or_else(|| StoreError::new(StoreErrorKind::NotFound, "not there"))?;
        let size = Some(bytes.len() as u64).filter(|_| !self.is_terse.load(Ordering::Relaxed));
        let bytes = match range {
            Some(range) if range.start >= bytes.len() as u64 => {
                return Err(StoreError::new(StoreErrorKind::Range, "It is shorter."));
            }
            Some(range) => bytes.slice(range.start as usize..bytes.len().min(range.end as usize)),
            None => bytes,
        };
        Ok(Found { size, bytes: stream::iter([Ok(bytes)]).boxed() })
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.check_at(key)?;
        if *self.fault.lock().unwrap() == Some(Fault::LiesForGood) {
            return Err(StoreError::new(StoreErrorKind::Denied, "Nothing is deleted here."));
        }
        if *self.fault.lock().unwrap() == Some(Fault::KeepsForever) {
            return Err(StoreError::new(StoreErrorKind::Denied, "It is kept as evidence until 2030."));
        }
        if *self.fault.lock().unwrap() == Some(Fault::NeverDeletes) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "There was no answer in time."));
        }
        let held = *self.fault.lock().unwrap() == Some(Fault::HoldsDelete);
        if held {
            self.delete_started.notify_one();
            self.let_go.notified().await;
        }
        self.objects.lock().unwrap().remove(key.as_str());
        Ok(())
    }

    async fn sign(&self, key: &ObjectKey, expires_in: Duration) -> Result<Option<String>, StoreError> {
        self.check()?;
        let signs = self.signs.load(Ordering::Relaxed);
        Ok(signs.then(|| format!("https://store.example/{key}?expires={}", expires_in.as_secs())))
    }

    async fn begin(&self, key: &ObjectKey) -> Result<UploadId, StoreError> {
        self.check_set_up()?;
        self.check()?;
        let id = format!("upload-{}", self.begun.fetch_add(1, Ordering::Relaxed));
        self.uploads.lock().unwrap().insert(id.clone(), (key.to_string(), BTreeMap::new()));
        Ok(UploadId(id))
    }

    async fn put_part(&self, _: &ObjectKey, upload: &UploadId, number: u32, bytes: Bytes) -> Result<Part, StoreError> {
        self.check()?;
        if *self.fault.lock().unwrap() == Some(Fault::Full) {
            return Err(StoreError::new(StoreErrorKind::Full, "No room left."));
        }
        let size = bytes.len() as u64;
        let mut uploads = self.uploads.lock().unwrap();
        uploads.get_mut(&upload.0).ok_or_else(unknown_upload)?.1.insert(number, bytes);
        Ok(Part { number, size, tag: String::new() })
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        publish: Publish,
    ) -> Result<(), StoreError> {
        let bytes = {
            let uploads = self.uploads.lock().unwrap();
            let held = &uploads.get(&upload.0).ok_or_else(unknown_upload)?.1;
            assert!(parts.iter().map(|p| p.number).eq(1..=parts.len() as u32), "parts in order without gaps");
            parts.iter().flat_map(|p| held[&p.number].clone()).collect::<Bytes>()
        };
        self.make_visible(key, bytes, publish, Some(upload)).await
    }

    async fn abort(&self, _: &ObjectKey, upload: &UploadId) -> Result<(), StoreError> {
        self.check()?;
        self.uploads.lock().unwrap().remove(&upload.0);
        Ok(())
    }

    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.check()?;
        self.uploads.lock().unwrap().retain(|_, (of, _)| of != key.as_str());
        Ok(())
    }
}

fn unknown_upload() -> StoreError {
    StoreError::new(StoreErrorKind::Interrupted, "There is no such upload.")
}
