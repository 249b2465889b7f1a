//! A store that starts to answer and then goes silent, for tests.

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use model::ObjectKey;
use model::error::StoreError;
use model::ports::{BlobStore, Found, Part, Publish, UploadId};
use model::probe::ProbeReport;
use std::ops::Range;
use std::time::Duration;

/// Has every object, but sends only its first byte.
pub(crate) struct Silent;

#[async_trait]
impl BlobStore for Silent {
    async fn probe(&self) -> ProbeReport {
        ProbeReport::default()
    }

    fn part_size(&self) -> usize {
        1
    }

    async fn put(&self, _: &ObjectKey, _: Bytes, _: Publish) -> Result<(), StoreError> {
        std::future::pending().await
    }

    async fn head(&self, _: &ObjectKey) -> Result<Option<u64>, StoreError> {
        Ok(Some(2))
    }

    async fn get(&self, _: &ObjectKey, _: Option<Range<u64>>) -> Result<Found, StoreError> {
        let bytes = stream::iter([Ok(Bytes::from_static(b"x"))]).chain(stream::pending()).boxed();
        Ok(Found { size: Some(2), bytes })
    }

    async fn delete(&self, _: &ObjectKey) -> Result<(), StoreError> {
        std::future::pending().await
    }

    async fn sign(&self, _: &ObjectKey, _: Duration) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    async fn begin(&self, _: &ObjectKey) -> Result<UploadId, StoreError> {
        std::future::pending().await
    }

    async fn put_part(&self, _: &ObjectKey, _: &UploadId, _: u32, _: Bytes) -> Result<Part, StoreError> {
        std::future::pending().await
    }

    async fn complete(&self, _: &ObjectKey, _: &UploadId, _: &[Part], _: Publish) -> Result<(), StoreError> {
        std::future::pending().await
    }

    async fn abort(&self, _: &ObjectKey, _: &UploadId) -> Result<(), StoreError> {
        std::future::pending().await
    }

    async fn abort_all(&self, _: &ObjectKey) -> Result<(), StoreError> {
        std::future::pending().await
    }
}
