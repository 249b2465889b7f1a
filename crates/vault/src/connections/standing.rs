//! What a provider stands on. While the vault runs, a folder can be exchanged for another: a disk is mounted over it, two
//! folders swap their names. Then nothing is stored, read or deleted until the place has been looked at again.

use async_trait::async_trait;
use bytes::Bytes;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore, Found, Ground, Part, Publish, UploadId};
use model::probe::ProbeReport;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What is known of the ground.
enum Known {
    /// Nobody has looked yet: the first use decides.
    Nothing,
    /// The provider's place was here.
    Ours(Option<Ground>),
    /// It was not, and why.
    Elsewhere(String),
}

/// A store that answers only on the ground where its place was last seen.
pub(crate) struct Standing {
    store: Arc<dyn BlobStore>,
    known: Mutex<Known>,
}

impl Standing {
    pub(super) fn new(store: Arc<dyn BlobStore>) -> Self {
        Self { store, known: Mutex::new(Known::Nothing) }
    }

    /// The store itself, for looking where it leads.
    pub(super) fn wherever_it_is(&self) -> &dyn BlobStore {
        self.store.as_ref()
    }

    /// The place was seen on this ground.
    pub(super) fn is_ours(&self, ground: Option<Ground>) {
        self.set(Known::Ours(ground));
    }

    /// Another place was seen.
    pub(super) fn is_elsewhere(&self, reason: &str) {
        self.set(Known::Elsewhere(reason.to_owned()));
    }

    /// Fails if this is not the ground where the place was last seen.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let ours = match &*self.known.lock().unwrap_or_else(PoisonError::into_inner) {
            Known::Nothing | Known::Ours(None) => return Ok(()),
            Known::Ours(Some(ground)) => *ground,
            Known::Elsewhere(reason) => return Err(StoreError::new(StoreErrorKind::Unavailable, reason.clone())),
        };
        match self.store.ground().await? {
            Some(ground) if ground == ours => Ok(()),
            _ => Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "Another folder or disk has taken the folder's place since the vault last looked.",
            )),
        }
    }

    fn set(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

#[async_trait]
impl BlobStore for Standing {
    async fn probe(&self) -> ProbeReport {
        self.store.probe().await
    }

    async fn set_up(&self) -> Result<(), StoreError> {
        self.store.set_up().await
    }

    async fn device(&self) -> Option<u64> {
        self.store.device().await
    }

    async fn ground(&self) -> Result<Option<Ground>, StoreError> {
        self.store.ground().await
    }

    fn part_size(&self) -> usize {
        self.store.part_size()
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes, publish: Publish) -> Result<(), StoreError> {
        self.check().await?;
        self.store.put(key, bytes, publish).await
    }

    async fn put_hashed(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        sha256: &str,
        publish: Publish,
    ) -> Result<(), StoreError> {
        self.check().await?;
        self.store.put_hashed(key, bytes, sha256, publish).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        self.check().await?;
        self.store.head(key).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Found, StoreError> {
        self.check().await?;
        self.store.get(key, range).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.check().await?;
        self.store.delete(key).await
    }

    async fn sign(&self, key: &ObjectKey, expires_in: Duration) -> Result<Option<String>, StoreError> {
        self.check().await?;
        self.store.sign(key, expires_in).await
    }

    async fn begin(&self, key: &ObjectKey) -> Result<UploadId, StoreError> {
        self.check().await?;
        self.store.begin(key).await
    }

    async fn put_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        bytes: Bytes,
    ) -> Result<Part, StoreError> {
        self.check().await?;
        self.store.put_part(key, upload, number, bytes).await
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        publish: Publish,
    ) -> Result<(), StoreError> {
        self.check().await?;
        self.store.complete(key, upload, parts, publish).await
    }

    async fn abort(&self, key: &ObjectKey, upload: &UploadId) -> Result<(), StoreError> {
        self.check().await?;
        self.store.abort(key, upload).await
    }

    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.check().await?;
        self.store.abort_all(key).await
    }
}
