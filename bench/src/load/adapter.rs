//! The vault's own adapters to stores, without a vault.

use super::{Client, DIRECTORY};
use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use model::ObjectKey;
use model::ports::{BlobStore, Part, Publish};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Parts in flight, as many as in the vault's uploads.
const IN_FLIGHT: usize = 3;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Stores data from memory: whole up to the size of a part, else in parts.
pub(crate) struct Adapter {
    store: Arc<dyn BlobStore>,
    recording: Bytes,
}

impl Adapter {
    pub(crate) fn new(store: Arc<dyn BlobStore>, recording: Bytes) -> Self {
        Self { store, recording }
    }

    async fn put_parts(&self, key: &ObjectKey) -> Result<()> {
        let (upload, size) = (self.store.begin(key).await?, self.store.part_size());
        let parts = (0..self.recording.len().div_ceil(size)).map(|part| {
            let bytes = self.recording.slice(part * size..self.recording.len().min((part + 1) * size));
            let (number, upload) = (u32::try_from(part + 1), &upload);
            async move { anyhow::Ok(self.store.put_part(key, upload, number?, bytes).await?) }
        });
        let parts: Vec<Part> = stream::iter(parts).buffered(IN_FLIGHT).try_collect().await?;
        Ok(self.store.complete(key, &upload, &parts, Publish::Replace).await?)
    }
}

#[async_trait]
impl Client for Adapter {
    async fn upload(&mut self) -> Result<()> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let key = ObjectKey::parse(&format!("{DIRECTORY}-alone/{number}.mp4"))?;
        if self.recording.len() > self.store.part_size() {
            return self.put_parts(&key).await;
        }
        Ok(self.store.put(&key, self.recording.clone(), Publish::Replace).await?)
    }
}
