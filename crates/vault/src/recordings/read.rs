//! Reading, from the provider or else from a copy.

use super::{RecordingRef, Recordings, copies};
use crate::base::clock::Clock;
use crate::base::entity::recording;
use crate::base::spans;
use crate::base::{Result, VaultError};
use crate::objects::intent;
use crate::objects::transfer::{self, Expected};
use futures::{StreamExt as _, stream};
use model::error::{StoreError, StoreErrorKind};
use model::ports::ByteStream;
use sea_orm::EntityTrait as _;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// How long a provider with copies elsewhere may take to begin answering; also how long to wait for an upload that is
/// replacing what is read.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a provider that did not answer is tried last.
const DOWN: Duration = Duration::from_secs(15);

/// Providers that recently did not answer, so that readers try a copy first.
pub(super) struct Down {
    clock: Clock,
    /// By provider id: elapsed time until which it counts as down.
    until: Mutex<HashMap<i64, Duration>>,
}

impl Down {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, until: Mutex::default() }
    }

    pub(super) fn contains(&self, provider_id: i64) -> bool {
        self.until(|until| until.get(&provider_id).is_some_and(|until| *until > self.clock.elapsed()))
    }

    fn insert(&self, provider_id: i64) {
        self.until(|until| until.insert(provider_id, self.clock.elapsed() + DOWN));
    }

    fn remove(&self, provider_id: i64) {
        self.until(|until| until.remove(&provider_id));
    }

    fn until<T>(&self, work: impl FnOnce(&mut HashMap<i64, Duration>) -> T) -> T {
        work(&mut self.until.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Recordings {
    /// Reads a recording, or some bytes of it, from its provider or else from a copy.
    ///
    /// # Errors
    /// `Replaced` if `found` is outdated: look it up again.
    pub async fn open(&self, found: &RecordingRef, range: Option<Range<u64>>) -> Result<ByteStream> {
        let opened = self.open_somewhere(found, range.clone()).await;
        // An upload changes the object first and its row after that, so the bytes just opened may belong to either. If
        // the row is settled now, they are the right ones. The `else` branch is boxed: it is rare and its future large.
        if self.is_settled(found).await? { opened } else { Box::pin(self.open_in_turn(found, range)).await }
    }

    /// Whether the row is unchanged and nobody is about to change it.
    async fn is_settled(&self, found: &RecordingRef) -> Result<bool> {
        // In this order: an upload that commits in between shows in its row, if not as an intent.
        let intents = self.objects.intents_at(found.provider_id, &found.key).await?;
        Ok(intents.is_empty() && self.is_current(found).await?)
    }

    async fn is_current(&self, found: &RecordingRef) -> Result<bool> {
        let now = recording::Entity::find_by_id(found.id).one(self.db.read()).await?;
        Ok(now.is_some_and(|now| now.sha256 == found.sha256))
    }

    /// While we have the key's turn, object and row belong together, unless an upload failed half-way and recovery has
    /// not yet found out what is there.
    async fn open_in_turn(&self, found: &RecordingRef, range: Option<Range<u64>>) -> Result<ByteStream> {
        let turn = timeout(PATIENCE, self.locks.lock(found.provider_id, &found.key)).await;
        let _turn = turn.map_err(|_| being_replaced())??;
        if !self.is_current(found).await? {
            return Err(VaultError::Replaced);
        }
        if self.content_is_uncertain(found).await? {
            let provider = self.connections.store(found.provider_id).await?;
            let content = Expected { key: &found.key, size: found.size, sha256: &found.sha256 };
            match transfer::verify(provider.store.as_ref(), &content).await {
                Ok(()) => {}
                Err(error) if error.kind == StoreErrorKind::Corrupt => return Err(being_replaced().into()),
                Err(error) => return self.open_copy(found, range, error).await,
            }
        }
        self.open_somewhere(found, range).await
    }

    /// Whether an upload of this key failed, or its vault was killed, and recovery has not yet found out what is there.
    async fn content_is_uncertain(&self, found: &RecordingRef) -> Result<bool> {
        let mut intents = self.objects.intents_at(found.provider_id, &found.key).await?;
        intents.retain(|intent| !self.objects.settled().contains(intent.id));
        if intents.iter().any(intent::has_failed) {
            return Ok(true);
        }
        let others = self.replicas.others_alive().await?;
        let left = intents.iter().any(|intent| !others.contains(&intent.owner));
        Ok(left && !self.locks.is_running(found.provider_id, &found.key).await?)
    }

    async fn open_somewhere(&self, found: &RecordingRef, range: Option<Range<u64>>) -> Result<ByteStream> {
        let copies = copies::providers(&self.db, found.id).await?;
        if copies.is_empty() {
            return self.open_at(found.provider_id, found, range).await;
        }
        let down = self.down.contains(found.provider_id);
        let mut places = [&[found.provider_id], copies.as_slice()].concat();
        if down {
            places.rotate_left(1);
        }
        self.open_first_of(places, found, range, None).await
    }

    /// Opens a copy, because its own provider cannot be used now.
    async fn open_copy(
        &self,
        found: &RecordingRef,
        range: Option<Range<u64>>,
        failed: StoreError,
    ) -> Result<ByteStream> {
        let copies = copies::providers(&self.db, found.id).await?;
        self.open_first_of(copies, found, range, Some(failed)).await
    }

    async fn open_first_of(
        &self,
        places: Vec<i64>,
        found: &RecordingRef,
        range: Option<Range<u64>>,
        mut failed: Option<StoreError>,
    ) -> Result<ByteStream> {
        for provider_id in places {
            let opened = timeout(PATIENCE, self.open_at(provider_id, found, range.clone())).await;
            let error = match opened {
                Ok(Ok(bytes)) => {
                    self.down.remove(provider_id);
                    return Ok(bytes);
                }
                Ok(Err(VaultError::Store(error))) => error,
                Ok(Err(error)) => return Err(error),
                Err(_) => StoreError::new(StoreErrorKind::Unavailable, "The storage provider does not answer."),
            };
            tracing::warn!(provider_id, error = &error as &dyn std::error::Error, "reading from another place");
            if error.kind == StoreErrorKind::Unavailable {
                self.down.insert(provider_id);
            }
            failed.get_or_insert(error);
        }
        Err(failed.expect("there was at least one place, or a failure before").into())
    }

    async fn open_at(&self, provider_id: i64, found: &RecordingRef, range: Option<Range<u64>>) -> Result<ByteStream> {
        let provider = self.connections.store(provider_id).await?;
        let wanted = range.as_ref().map_or(found.size, |range| range.end.min(found.size).saturating_sub(range.start));
        match spans::within(spans::opening(&provider.name), provider.store.get(&found.key, range)).await {
            Ok(object) if object.size.is_some_and(|size| size != found.size) => Err(other_object(found).into()),
            Ok(object) => Ok(exactly(object.bytes, wanted, found.clone())),
            // The caller asks for nothing beyond what was stored, so this is shorter.
            Err(error) if error.kind == StoreErrorKind::Range => Err(other_object(found).into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Bytes that fail when they are fewer or more than these: then they are another object's.
fn exactly(bytes: ByteStream, wanted: u64, found: RecordingRef) -> ByteStream {
    Box::pin(stream::try_unfold((bytes, wanted), move |(mut bytes, left)| {
        let found = found.clone();
        async move {
            match bytes.next().await {
                None if left == 0 => Ok(None),
                None => Err(other_object(&found)),
                Some(chunk) => {
                    let chunk = chunk?;
                    match left.checked_sub(chunk.len() as u64) {
                        Some(left) => Ok(Some((chunk, (bytes, left)))),
                        None => Err(other_object(&found)),
                    }
                }
            }
        }
    }))
}

/// What lies at a recording's key is not what was stored there.
fn other_object(found: &RecordingRef) -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        format!("What lies at {} is not what was stored: its length is another.", found.key),
    )
}

fn being_replaced() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "The recording is being replaced by another upload right now.")
}
