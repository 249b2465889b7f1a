//! Parts of one upload on their way to its provider.

use super::UploadError;
use super::buffer::PartBuffer;
use super::shares::Share;
use crate::base::spans;
use crate::base::steps::{self, Step};
use model::ObjectKey;
use model::error::StoreError;
use model::ports::{BlobStore, Part, Publish, UploadId};
use serde::{Deserialize, Serialize};
use std::error::Error as StdError;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Parts of one upload sent at the same time.
pub(super) const IN_FLIGHT: usize = 3;

/// What an unfinished upload has at its provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AtProvider {
    /// The store's name for it.
    pub(super) id: String,
    pub(super) parts: Vec<Part>,
    /// SHA-256 of the whole recording, once all of it has come: from then on it may be stored without anybody knowing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) whole: Option<String>,
}

impl AtProvider {
    /// The same with the first so many parts.
    pub(super) fn up_to(&self, parts: usize) -> Self {
        let parts = self.parts.iter().take(parts).cloned().collect();
        Self { id: self.id.clone(), parts, whole: self.whole.clone() }
    }
}

/// A multipart upload in progress.
pub(super) struct Multipart {
    store: Arc<dyn BlobStore>,
    share: Arc<Share>,
    key: ObjectKey,
    id: UploadId,
    next: u32,
    in_flight: JoinSet<Result<Part, UploadError>>,
    parts: Vec<Part>,
    /// Whether its parts are somebody else's to free: of an upload that goes on in another request.
    outlives: bool,
}

impl Multipart {
    pub(super) async fn begin(
        store: Arc<dyn BlobStore>,
        share: Arc<Share>,
        key: ObjectKey,
    ) -> Result<Self, StoreError> {
        let id = store.begin(&key).await?;
        steps::reached(Step::UploadBegun);
        Ok(Self::of(store, share, key, AtProvider { id: id.0, parts: Vec::new(), whole: None }))
    }

    /// Goes on with parts that are at the provider.
    pub(super) fn of(store: Arc<dyn BlobStore>, share: Arc<Share>, key: ObjectKey, begun: AtProvider) -> Self {
        let AtProvider { id, parts, .. } = begun;
        let next = u32::try_from(parts.len()).unwrap_or(u32::MAX).saturating_add(1);
        let in_flight = JoinSet::new();
        Self { store, share, key, id: UploadId(id), next, in_flight, parts, outlives: false }
    }

    /// From here on its parts outlive it, whatever becomes of it.
    pub(super) fn outliving(self) -> Self {
        Self { outlives: true, ..self }
    }

    /// How many parts were sent, or are on their way.
    pub(super) fn sent(&self) -> usize {
        self.next as usize - 1
    }

    /// What has arrived at the provider without a gap.
    pub(super) fn arrived(&self) -> AtProvider {
        let mut parts = self.parts.clone();
        parts.sort_by_key(|part| part.number);
        let whole = parts.iter().zip(1..).take_while(|(part, number)| part.number == *number).count();
        parts.truncate(whole);
        AtProvider { id: self.id.0.clone(), parts, whole: None }
    }

    /// Sends a part; waits while enough are in flight.
    pub(super) async fn send(&mut self, part: PartBuffer) -> Result<(), UploadError> {
        while self.in_flight.len() >= IN_FLIGHT {
            self.settle_one().await?;
        }
        let (store, share) = (self.store.clone(), self.share.clone());
        let (key, id, number) = (self.key.clone(), self.id.clone(), self.next);
        self.next += 1;
        self.in_flight.spawn(spans::within(spans::sending_part(number), async move {
            let held = part.load(&share).await?;
            let part = store.put_part(&key, &id, number, held.bytes.clone()).await?;
            steps::reached(Step::UploadPartSent);
            Ok(part)
        }));
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

    /// Waits for what is in flight, whatever comes of it.
    pub(super) async fn settle(&mut self) {
        while let Some(settled) = self.in_flight.join_next().await {
            if let Ok(Ok(part)) = settled {
                self.parts.push(part);
            }
        }
    }

    /// Abandons the upload; returns whether the provider has freed what nobody needs.
    pub(super) async fn abort(mut self) -> bool {
        self.in_flight.shutdown().await;
        if self.outlives {
            return true;
        }
        let aborted = self.store.abort(&self.key, &self.id).await;
        if let Err(error) = &aborted {
            tracing::warn!(error = error as &dyn StdError, "an unfinished multipart upload is left for housekeeping");
        }
        aborted.is_ok()
    }
}
