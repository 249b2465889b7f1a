//! Stores that fail at one of the vault's calls: before anything was done, or after, losing only the answer.

use async_trait::async_trait;
use bytes::Bytes;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore, Found, Part, Publish, UploadId};
use model::probe::ProbeReport;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// No answer, and nothing was done.
    Refused,
    /// No answer, but it was done.
    AnswerLost,
    /// No room; calls that need none succeed.
    Full,
}

/// Which calls fail, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorePlan {
    /// How they fail.
    pub mishap: Mishap,
    /// The first one to fail, counted from 1 over all stores.
    pub nth: u64,
    /// Whether all later ones fail too, until [`StoreFaults::heal`].
    pub lasting: bool,
}

impl fmt::Display for StorePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {}", self.mishap, if self.lasting { "from" } else { "at" }, self.nth)
    }
}

/// What has happened since the plan was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreReport {
    /// Calls made.
    pub asked: u64,
    /// The first call that failed.
    pub failed: Option<&'static str>,
}

/// The faults of all stores of a world.
#[derive(Debug, Default)]
pub struct StoreFaults(Mutex<(Option<StorePlan>, StoreReport)>);

impl StoreFaults {
    /// Starts counting calls and failing them by this plan.
    pub fn arm(&self, plan: StorePlan) {
        *self.state() = (Some(plan), StoreReport::default());
    }

    /// Ends the plan; reports what happened.
    pub fn heal(&self) -> StoreReport {
        std::mem::take(&mut *self.state()).1
    }

    /// Whether anything has failed since the plan was made.
    pub fn struck(&self) -> bool {
        self.state().1.failed.is_some()
    }

    fn strike(&self, call: &'static str, takes_room: bool) -> Option<Mishap> {
        let mut state = self.state();
        let (Some(plan), report) = &mut *state else { return None };
        report.asked += 1;
        let due = if plan.lasting { report.asked >= plan.nth } else { report.asked == plan.nth };
        if !due || (plan.mishap == Mishap::Full && !takes_room) {
            return None;
        }
        report.failed.get_or_insert(call);
        Some(plan.mishap)
    }

    fn state(&self) -> MutexGuard<'_, (Option<StorePlan>, StoreReport)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store that fails by plan.
pub(crate) struct Flaky {
    pub(crate) store: Arc<dyn BlobStore>,
    pub(crate) faults: Arc<StoreFaults>,
}

impl Flaky {
    async fn call<T>(
        &self,
        name: &'static str,
        takes_room: bool,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let silent = || StoreError::new(StoreErrorKind::Unavailable, "The store does not answer.");
        match self.faults.strike(name, takes_room) {
            None => work.await,
            Some(Mishap::Refused) => Err(silent()),
            Some(Mishap::AnswerLost) => work.await.and_then(|_| Err(silent())),
            Some(Mishap::Full) => Err(StoreError::new(StoreErrorKind::Full, "The store is full.")),
        }
    }
}

#[async_trait]
impl BlobStore for Flaky {
    async fn probe(&self) -> ProbeReport {
        self.store.probe().await
    }

    async fn set_up(&self) -> Result<(), StoreError> {
        self.store.set_up().await
    }

    async fn device(&self) -> Option<u64> {
        self.store.device().await
    }

    fn part_size(&self) -> usize {
        self.store.part_size()
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes, publish: Publish) -> Result<(), StoreError> {
        self.call("put", true, self.store.put(key, bytes, publish)).await
    }

    async fn put_hashed(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        sha256: &str,
        publish: Publish,
    ) -> Result<(), StoreError> {
        self.call("put", true, self.store.put_hashed(key, bytes, sha256, publish)).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        self.call("head", false, self.store.head(key)).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Found, StoreError> {
        self.call("get", false, self.store.get(key, range)).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.call("delete", false, self.store.delete(key)).await
    }

    async fn sign(&self, key: &ObjectKey, expires_in: Duration) -> Result<Option<String>, StoreError> {
        self.store.sign(key, expires_in).await
    }

    async fn begin(&self, key: &ObjectKey) -> Result<UploadId, StoreError> {
        self.call("begin", true, self.store.begin(key)).await
    }

    async fn put_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        bytes: Bytes,
    ) -> Result<Part, StoreError> {
        self.call("put part", true, self.store.put_part(key, upload, number, bytes)).await
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        publish: Publish,
    ) -> Result<(), StoreError> {
        self.call("complete", true, self.store.complete(key, upload, parts, publish)).await
    }

    async fn abort(&self, key: &ObjectKey, upload: &UploadId) -> Result<(), StoreError> {
        self.call("abort", false, self.store.abort(key, upload)).await
    }

    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.call("abort all", false, self.store.abort_all(key)).await
    }
}
