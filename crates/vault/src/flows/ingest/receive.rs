//! From the agent's body to the provider, part by part.

use super::buffer::{HeldPart, PartBuffer};
use super::digest::{Content, Digest};
use super::shares::Share;
use super::{Ingest, Intent, Target, UploadError};
use crate::base::steps::{self, Step};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use model::ObjectKey;
use model::error::StoreError;
use model::ports::{BlobStore, Part, UploadId};
use std::error::Error as StdError;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Parts of one upload sent at the same time.
const IN_FLIGHT: usize = 3;

/// A body that has arrived completely, but is not visible at the provider yet.
pub(super) struct Received {
    pub(super) content: Content,
    pub(super) bytes: Arrived,
}

/// Where the bytes are.
pub(super) enum Arrived {
    /// In memory: few enough for one PUT.
    Whole(HeldPart),
    /// At the provider, as parts.
    Parts(Multipart),
}

impl Received {
    /// Discards bytes and intent. What the provider does not free now, recovery frees by the intent.
    pub(super) async fn give_up(self, intent: Intent) {
        if self.bytes.discard().await {
            intent.withdraw().await;
        }
    }
}

impl Arrived {
    /// Discards the bytes; returns whether none of them are left at the provider.
    pub(super) async fn discard(self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Parts(multipart) => multipart.abort().await,
        }
    }
}

/// A body that did not arrive.
pub(super) struct Failed {
    pub(super) error: UploadError,
    /// Whether nothing of it is left at the provider.
    pub(super) clean: bool,
}

impl Ingest {
    pub(super) async fn receive<S, E>(
        &self,
        target: &Target,
        intent: &mut Intent,
        mut body: S,
    ) -> Result<Received, Failed>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        let mut digest = Digest::default();
        let mut multipart = None;
        let arrived = self.receive_parts(target, intent, &mut body, &mut digest, &mut multipart).await;
        match (arrived, multipart) {
            (Ok(last), None) => {
                let share = self.shares.of(target.provider.id);
                let held = last.hold(&share).await.map_err(|e| Failed { error: e.into(), clean: true })?;
                Ok(Received { content: digest.finish(), bytes: Arrived::Whole(held) })
            }
            (Ok(last), Some(mut multipart)) => match multipart.finish(last).await {
                Ok(()) => Ok(Received { content: digest.finish(), bytes: Arrived::Parts(multipart) }),
                Err(error) => Err(Failed { error, clean: multipart.abort().await }),
            },
            // The provider may have begun an upload although its answer did not arrive.
            (Err(error @ UploadError::Store(_)), None) => Err(Failed { error, clean: false }),
            (Err(error), None) => Err(Failed { error, clean: true }),
            (Err(error), Some(multipart)) => Err(Failed { error, clean: multipart.abort().await }),
        }
    }

    /// Reads the body to its end; returns the last part.
    async fn receive_parts<S, E>(
        &self,
        target: &Target,
        intent: &mut Intent,
        body: &mut S,
        digest: &mut Digest,
        multipart: &mut Option<Multipart>,
    ) -> Result<PartBuffer, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        let store = &target.provider.store;
        let part_size = store.part_size();
        let mut part = self.part(target, 0, part_size);
        while let Some(mut chunk) = self.next(body).await? {
            digest.update(&chunk);
            if digest.size() > self.max_bytes {
                return Err(UploadError::TooLarge { max: self.max_bytes });
            }
            while !chunk.is_empty() {
                if part.len() == part_size {
                    let begun = match multipart {
                        Some(begun) => begun,
                        None => {
                            intent.written().await?;
                            let share = self.shares.of(target.provider.id);
                            // Not while recovery abandons the leftovers of an earlier upload of this key.
                            let _turn = self.locks.lock(target.provider.id, &target.key).await?;
                            multipart.insert(Multipart::begin(store.clone(), share, target.key.clone()).await?)
                        }
                    };
                    self.check_room(target, Some(part_size as u64)).await?;
                    let sent = digest.size() - chunk.len() as u64;
                    let full = std::mem::replace(&mut part, self.part(target, sent, part_size));
                    begun.send(full).await?;
                }
                let fits = chunk.len().min(part_size - part.len());
                part.push(chunk.split_to(fits)).await?;
            }
        }
        match digest.size() {
            0 => Err(UploadError::Empty),
            size if target.content_length.is_some_and(|announced| announced != size) => {
                Err(UploadError::Incomplete("the body is shorter than announced".into()))
            }
            _ => {
                self.check_room(target, Some(part.len() as u64)).await?;
                Ok(part)
            }
        }
    }

    fn part(&self, target: &Target, sent: u64, part_size: usize) -> PartBuffer {
        let left = target
            .content_length
            .map(|all| usize::try_from(all.saturating_sub(sent)).unwrap_or(usize::MAX).min(part_size));
        PartBuffer::new(self.budget.clone(), part_size, left)
    }

    async fn next<S, E>(&self, body: &mut S) -> Result<Option<Bytes>, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        match tokio::time::timeout(self.idle_timeout, body.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
            Ok(Some(Err(error))) => Err(UploadError::Incomplete(Box::new(error))),
            Err(_) => Err(UploadError::Stalled(self.idle_timeout.as_secs())),
        }
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
}

impl Multipart {
    async fn begin(store: Arc<dyn BlobStore>, share: Arc<Share>, key: ObjectKey) -> Result<Self, StoreError> {
        let id = store.begin(&key).await?;
        steps::reached(Step::UploadBegun);
        Ok(Self { store, share, key, id, next: 1, in_flight: JoinSet::new(), parts: Vec::new() })
    }

    /// Sends a part; waits while enough are in flight.
    async fn send(&mut self, part: PartBuffer) -> Result<(), UploadError> {
        while self.in_flight.len() >= IN_FLIGHT {
            self.settle_one().await?;
        }
        let (store, share) = (self.store.clone(), self.share.clone());
        let (key, id, number) = (self.key.clone(), self.id.clone(), self.next);
        self.next += 1;
        self.in_flight.spawn(async move {
            let held = part.hold(&share).await?;
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

    async fn finish(&mut self, last: PartBuffer) -> Result<(), UploadError> {
        self.send(last).await?;
        while !self.in_flight.is_empty() {
            self.settle_one().await?;
        }
        self.parts.sort_by_key(|part| part.number);
        Ok(())
    }

    /// Makes the object visible.
    pub(super) async fn complete(&self) -> Result<(), StoreError> {
        self.store.complete(&self.key, &self.id, &self.parts).await
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
