//! Making copies at secondary providers, when the outbox asks for them.

use crate::base::db::Db;
use crate::base::entity::{copy, recording};
use crate::base::steps::{self, Step};
use crate::base::{Result, VaultError};
use crate::connections::{Connections, OpenStore, Version};
use crate::objects::KeyLocks;
use crate::objects::transfer::{self, Expected};
use crate::objects::{Landing, Objects, removals};
use crate::outbox::dispatcher::CopyMaker;
use crate::recordings::{RecordingRef, copies};
use async_trait::async_trait;
use model::error::{SinkError, SinkErrorKind, StoreError, StoreErrorKind};
use model::ports::Publish;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};
use std::sync::Arc;

/// Makes copies.
#[derive(Clone)]
pub(crate) struct Copies {
    db: Db,
    connections: Connections,
    locks: Arc<KeyLocks>,
    objects: Objects,
}

#[async_trait]
impl CopyMaker for Copies {
    async fn make(&self, recording_id: i64, provider_id: i64) -> std::result::Result<(), SinkError> {
        let this = self.clone();
        transfer::to_its_end(async move { this.make_now(recording_id, provider_id).await }).await
    }
}

impl Copies {
    pub(crate) fn new(db: Db, connections: Connections, locks: Arc<KeyLocks>, objects: Objects) -> Self {
        Self { db, connections, locks, objects }
    }

    async fn make_now(&self, recording_id: i64, provider_id: i64) -> std::result::Result<(), SinkError> {
        let Some(found) = self.found(recording_id).await.map_err(sink_error)? else { return Ok(()) };
        if found.provider_id == provider_id {
            return Ok(());
        }
        let _turn = self.locks.lock(provider_id, &found.key).await.map_err(sink_error)?;
        // It may have been replaced, moved or deleted meanwhile.
        let Some(found) = self.found(recording_id).await.map_err(sink_error)? else { return Ok(()) };
        if found.provider_id == provider_id {
            return Ok(());
        }
        let source = self.connections.store(found.provider_id).await.map_err(sink_error)?;
        let target = self.connections.store(provider_id).await.map_err(sink_error)?;
        self.check_apart(&found, &source, &target).await?;
        if self.exists(&found, provider_id).await.map_err(sink_error)? {
            return Ok(());
        }
        if self.locks.is_running(provider_id, &found.key).await.map_err(sink_error)? {
            return Err(SinkError::down(format!("{} is being uploaded to this provider right now.", found.key)));
        }
        if self.is_taken(&found, provider_id).await.map_err(sink_error)? {
            return Err(self.taken(&found, provider_id).await.map_err(sink_error)?);
        }
        let content = Expected { key: &found.key, size: found.size, sha256: &found.sha256 };
        let landing = self.objects.landing(&target, &content).await.map_err(|e| target_error(&target, e))?;
        let announced = removals::reserve(&self.db, provider_id, &found.key).await.map_err(sink_error)?;
        steps::reached(Step::CopyAnnounced);
        if let Landing::Free(publish) = landing {
            self.send(&found, &source, &target, publish, announced).await?;
        }
        steps::reached(Step::CopyStored);
        self.record_copy(&found, target.version(), announced).await.map_err(sink_error)?;
        steps::reached(Step::CopyNoted);
        Ok(())
    }

    /// Sends the bytes.
    async fn send(
        &self,
        found: &RecordingRef,
        source: &OpenStore,
        target: &OpenStore,
        publish: Publish,
        announced: i64,
    ) -> std::result::Result<(), SinkError> {
        let content = Expected { key: &found.key, size: found.size, sha256: &found.sha256 };
        let body = source.store.get(&found.key, None).await.map_err(|e| store_error(&source.name, e))?.bytes;
        match self.objects.land(target, &content, body, publish, announced).await {
            Ok(()) => Ok(()),
            Err(VaultError::Store(error)) => {
                self.connections.tell_unconfirmed(&target.name, &found.key, &error).await;
                let passing = copies::is_being_replaced(&self.db, found, &error).await.map_err(sink_error)?;
                Err(if passing { replaced(error) } else { store_error(&target.name, error) })
            }
            Err(error) => Err(sink_error(error)),
        }
    }

    async fn found(&self, recording_id: i64) -> Result<Option<RecordingRef>> {
        let row = recording::Entity::find_by_id(recording_id).one(self.db.read()).await?;
        row.map(|row| self.db.damaged_rows().or_error(RecordingRef::try_from(row))).transpose()
    }

    /// The target must be another place than the recording's and its other copies': there it would be the same object.
    async fn check_apart(
        &self,
        found: &RecordingRef,
        source: &OpenStore,
        target: &OpenStore,
    ) -> std::result::Result<(), SinkError> {
        let copied = copies::providers(&self.db, found.id).await.map_err(sink_error)?;
        let mut others = vec![source.clone()];
        for id in copied.into_iter().filter(|id| *id != target.id) {
            others.push(self.connections.store(id).await.map_err(sink_error)?);
        }
        for other in others {
            self.connections.check_apart_cached(&other, target).await.map_err(|e| target_error(target, e))?;
        }
        Ok(())
    }

    async fn exists(&self, found: &RecordingRef, provider_id: i64) -> Result<bool> {
        Ok(copy::Entity::find_by_id((found.id, provider_id)).one(self.db.read()).await?.is_some())
    }

    /// Something is at the target already: another recording, or this one, if a copy or move that was cut off has just
    /// been recorded after all.
    async fn taken(&self, found: &RecordingRef, provider_id: i64) -> Result<SinkError> {
        let moved = self.found(found.id).await?.is_none_or(|now| now.provider_id == provider_id);
        if moved || self.exists(found, provider_id).await? {
            return Ok(SinkError::down("The recording came to this provider otherwise meanwhile."));
        }
        Ok(SinkError::refused(format!("Another recording named {} lies at this provider already.", found.key)))
    }

    /// Whether something is at the key there.
    async fn is_taken(&self, found: &RecordingRef, provider_id: i64) -> Result<bool> {
        self.objects.is_taken(provider_id, &found.key).await
    }

    /// Records a copy, unless its recording was replaced, moved or deleted meanwhile.
    async fn record_copy(&self, found: &RecordingRef, target: Version, announced: i64) -> Result<()> {
        let (id, key, sha256) = (found.id, found.key.to_string(), found.sha256.clone());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    target.check_current(tx).await?;
                    let current = copies::lock_recording(tx, id).await?;
                    let provider_id = target.provider_id();
                    if current.is_none_or(|row| row.sha256 != sha256 || row.provider_id == provider_id) {
                        // The announced object is deleted, as after a crash.
                        return Ok(());
                    }
                    let row = copy::ActiveModel {
                        recording_id: Set(id),
                        provider_id: Set(provider_id),
                        key: Set(key),
                        copied_at: Set(tx.now_ms()),
                    };
                    let again = OnConflict::columns([copy::Column::RecordingId, copy::Column::ProviderId])
                        .update_column(copy::Column::CopiedAt)
                        .to_owned();
                    copy::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
                    removals::forget(tx, announced).await?;
                    Ok(())
                })
            })
            .await
    }
}

fn target_error(target: &OpenStore, error: VaultError) -> SinkError {
    match error {
        VaultError::Conflict(why) => SinkError::refused(why),
        VaultError::Store(error) => store_error(&target.name, error),
        error => sink_error(error),
    }
}

fn replaced(error: StoreError) -> SinkError {
    SinkError::down("It is being replaced by another upload right now.").caused_by(error)
}

/// A problem with one recording sets its copy aside; a provider in trouble keeps all of them waiting.
fn store_error(provider: &str, error: StoreError) -> SinkError {
    SinkError::new(kind_of(error.kind), format!("{provider}: {}", error.message)).caused_by(error)
}

fn kind_of(trouble: StoreErrorKind) -> SinkErrorKind {
    match trouble {
        StoreErrorKind::NotFound
        | StoreErrorKind::Range
        | StoreErrorKind::Corrupt
        | StoreErrorKind::Taken
        | StoreErrorKind::Clash
        | StoreErrorKind::Name => SinkErrorKind::Refused,
        StoreErrorKind::Unavailable
        | StoreErrorKind::Denied
        | StoreErrorKind::Full
        | StoreErrorKind::Interrupted
        | StoreErrorKind::Unconfirmed => SinkErrorKind::Down,
    }
}

fn sink_error(error: VaultError) -> SinkError {
    if let VaultError::Damaged(damage) = error {
        return SinkError::refused(damage.to_string());
    }
    SinkError::down("The vault could not look up the recording or its providers.").caused_by(error)
}
