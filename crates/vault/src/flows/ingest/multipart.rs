//! Parts of one upload on their way to its provider.

use super::UploadError;
use super::buffer::PartBuffer;
use super::shares::Share;
use crate::base::steps::{self, Step};
use model::ObjectKey;
use model::error::StoreError;
use model::ports::{BlobStore, Part, Publish, UploadId};
use std::error::Error as StdError;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Parts of one upload sent at the same time.
pub(super) const IN_FLIGHT: usize = 3;

/// A multipart upload in progress.
pub(super) struct Multipart {
    store: Arc<dyn BlobStore>,
    share: Arc<Share>,
    key: ObjectKey,
    id: UploadId,
    next: u32,
    in_flight: JoinSet<Result<Part, UploadError>>,
    parts: Vec<Part>,
}

impl Multipart {
    pub(super) async fn begin(
        store: Arc<dyn BlobStore>,
        share: Arc<Share>,
        key: ObjectKey,
    ) -> Result<Self, StoreError> {
        let id = store.begin(&key).await?;
        steps::reached(Step::UploadBegun);
        Ok(Self { store, share, key, id, next: 1, in_flight: JoinSet::new(), parts: Vec::new() })
    }

    /// Sends a part; waits while enough are in flight.
    pub(super) async fn send(&mut self, part: PartBuffer) -> Result<(), UploadError> {
        while self.in_flight.len() >= IN_FLIGHT {
            self.settle_one().await?;
        }
        let (store, share) = (self.store.clone(), self.share.clone());
        let (key, id, number) = (self.key.clone(), self.id.clone(), self.next);
        self.next += 1;
        self.in_flight.spawn(async move {
            let held = part.load(&share).await?;
            let part = store.put_part(&key, &id, number, held.bytes.clone()).await?;
            steps::reached(Step::UploadPartSent);
            Ok(part)
        });
        Ok(())
    }

    async fn settle_one(&mut self) -> Result<(), UploadError> {
        match self.in_flight.join_next().await {
            None => Ok(()),
            Some(settled) => {
                self.parts.push(settled.map_err(UploadError::Crashed)??);
                Ok(())
            }
        }
    }

    pub(super) async fn finish(&mut self, last: PartBuffer) -> Result<(), UploadError> {
        self.send(last).await?;
        while !self.in_flight.is_empty() {
            self.settle_one().await?;
        }
        self.parts.sort_by_key(|part| part.number);
        Ok(())
    }

    /// Makes the object visible.
    pub(super) async fn complete(&self, publish: Publish) -> Result<(), StoreError> {
        self.store.complete(&self.key, &self.id, &self.parts, publish).await
    }

    /// Abandons the upload; returns whether the provider has freed it.
    pub(super) async fn abort(mut self) -> bool {
        self.in_flight.shutdown().await;
        let aborted = self.store.abort(&self.key, &self.id).await;
        if let Err(error) = &aborted {
            tracing::warn!(error = error as &dyn StdError, "an unfinished multipart upload is left for housekeeping");
        }
        aborted.is_ok()
    }
}
