//! Copying from one store to another: streamed, checked against the stored hash, visible at the end or not at all.

use crate::base::steps::{self, Step};
use crate::connections::stream;
use bytes::{Bytes, BytesMut};
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore, ByteStream, Part, Publish};
use sha2::{Digest as _, Sha256};
use std::error::Error as StdError;

/// What is transferred, and what the result must be.
pub(crate) struct Expected<'a> {
    pub(crate) key: &'a ObjectKey,
    pub(crate) size: u64,
    pub(crate) sha256: &'a str,
}

/// Runs work at a store to its end even if the caller goes away: the store may still be at work on what was asked of it, and
/// nobody else may have the key's turn until it is done.
pub(crate) async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The process is ending.
        Err(_) => std::future::pending().await,
    }
}

/// Stores the bytes of `body`, holding one part in memory. The caller has the key's turn at `store`.
pub(crate) async fn store(
    store: &dyn BlobStore,
    content: &Expected<'_>,
    body: ByteStream,
    publish: Publish,
) -> Result<(), StoreError> {
    let mut parts = Parts { body, part_size: store.part_size(), hash: Sha256::new(), rest: BytesMut::new(), size: 0 };
    if content.size <= store.part_size() as u64 {
        let whole = parts.next().await?.unwrap_or_default();
        parts.next().await?;
        parts.check(content)?;
        return store.put_hashed(content.key, whole, content.sha256, publish).await;
    }
    let upload = store.begin(content.key).await?;
    steps::reached(Step::TransferBegun);
    let sent = async {
        let mut tags: Vec<Part> = Vec::new();
        while let Some(part) = parts.next().await? {
            let number = u32::try_from(tags.len() + 1).unwrap_or(u32::MAX);
            tags.push(store.put_part(content.key, &upload, number, part).await?);
            steps::reached(Step::TransferPartSent);
        }
        parts.check(content)?;
        store.complete(content.key, &upload, &tags, publish).await
    };
    let sent = sent.await;
    if sent.is_err()
        && let Err(error) = store.abort(content.key, &upload).await
    {
        tracing::warn!(error = &error as &dyn StdError, "an unfinished multipart upload stays at the provider");
    }
    sent
}

/// Reads an object back and compares it with `content`.
pub(crate) async fn verify(store: &dyn BlobStore, content: &Expected<'_>) -> Result<(), StoreError> {
    let body = store.get(content.key, None).await?.bytes;
    let mut parts = Parts { body, part_size: store.part_size(), hash: Sha256::new(), rest: BytesMut::new(), size: 0 };
    while parts.next().await?.is_some() {}
    parts.check(content)
}

/// A body cut into parts and hashed on the way.
struct Parts {
    body: ByteStream,
    part_size: usize,
    hash: Sha256,
    rest: BytesMut,
    size: u64,
}

impl Parts {
    /// The next part, full unless it is the last; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        while self.rest.len() < self.part_size {
            let Some(chunk) = stream::next(&mut self.body).await? else { break };
            self.hash.update(&chunk);
            self.size += chunk.len() as u64;
            self.rest.extend_from_slice(&chunk);
        }
        let full = self.rest.len().min(self.part_size);
        Ok((full > 0).then(|| self.rest.split_to(full).freeze()))
    }

    fn check(&self, content: &Expected<'_>) -> Result<(), StoreError> {
        if self.size == content.size && hex::encode(self.hash.clone().finalize()) == content.sha256 {
            return Ok(());
        }
        Err(StoreError::new(
            StoreErrorKind::Corrupt,
            format!(
                "{} is not what was uploaded: its hash differs. Something changed it at its provider.",
                content.key
            ),
        ))
    }
}
