//! Copies at secondary providers: made through the outbox, read while the main provider is down.

use crate::connections::{Connections, OpenStore, Version};
use crate::db::{Db, Tx};
use crate::entity::{copy, recording, removal, upload};
use crate::ingest::KeyLocks;
use crate::objects::Objects;
use crate::recordings::Found;
use crate::steps::{self, Step};
use crate::transfer::{self, Content};
use crate::{Result, VaultError};
use model::ObjectKey;
use model::error::{SinkError, SinkErrorKind, StoreError, StoreErrorKind};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect as _};
use std::collections::HashMap;
use std::sync::Arc;

/// Copies that one provider gets at a time; each holds a part in memory.
pub(crate) const CONCURRENCY: usize = 2;

/// Makes copies and finds them.
#[derive(Clone)]
pub(crate) struct Copies {
    db: Db,
    connections: Connections,
    locks: Arc<KeyLocks>,
    objects: Objects,
}

impl Copies {
    pub(crate) fn new(db: Db, connections: Connections, locks: Arc<KeyLocks>, objects: Objects) -> Self {
        Self { db, connections, locks, objects }
    }

    /// Copies a recording to a provider. Nothing happens when it is gone, lies there anyway, or was
    /// copied before.
    pub(crate) async fn make(&self, recording_id: i64, provider_id: i64) -> std::result::Result<(), SinkError> {
        let this = self.clone();
        transfer::to_its_end(async move { this.make_now(recording_id, provider_id).await }).await
    }

    async fn make_now(&self, recording_id: i64, provider_id: i64) -> std::result::Result<(), SinkError> {
        let Some(found) = self.found(recording_id).await.map_err(sink_error)? else { return Ok(()) };
        if found.provider_id == provider_id {
            return Ok(());
        }
        let _turn = self.locks.lock(provider_id, &found.key).await.map_err(sink_error)?;
        // It may have been replaced, moved or deleted while we waited.
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
        let announced = announce(&self.db, provider_id, &found.key).await.map_err(sink_error)?;
        steps::reached(Step::CopyAnnounced);
        let content = Content { key: &found.key, size: found.size, sha256: &found.sha256 };
        let body = source.store.get(&found.key, None).await.map_err(|e| store_error(&source.name, e))?;
        if let Err(error) = transfer::store(target.store.as_ref(), &content, body).await {
            self.connections.tell_unconfirmed(&target.name, &found.key, &error).await;
            let passing = is_being_replaced(&self.db, &found, &error).await.map_err(sink_error)?;
            return Err(if passing { replaced(error) } else { store_error(&target.name, error) });
        }
        steps::reached(Step::CopyStored);
        self.note(&found, target.version(), announced).await.map_err(sink_error)?;
        steps::reached(Step::CopyNoted);
        Ok(())
    }

    /// Providers that have a copy, in the order they got it.
    pub(crate) async fn providers(&self, recording_id: i64) -> Result<Vec<i64>> {
        let rows = copy::Entity::find()
            .filter(copy::Column::RecordingId.eq(recording_id))
            .order_by_asc(copy::Column::CopiedAt)
            .all(self.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| row.provider_id).collect())
    }

    /// The same for several recordings; those without a copy are left out, and copies whose row is damaged.
    pub(crate) async fn of(&self, recording_ids: Vec<i64>) -> Result<HashMap<i64, Vec<i64>>> {
        let rows = copy::Entity::find()
            .filter(copy::Column::RecordingId.is_in(recording_ids))
            .order_by_asc(copy::Column::CopiedAt)
            .all(self.db.read())
            .await?;
        let mut places: HashMap<i64, Vec<i64>> = HashMap::new();
        let sound = |row: copy::Model| row.read_key().map(|_| row);
        for row in self.db.damaged_rows().sound(rows.into_iter().map(sound)) {
            places.entry(row.recording_id).or_default().push(row.provider_id);
        }
        Ok(places)
    }

    async fn found(&self, recording_id: i64) -> Result<Option<Found>> {
        let row = recording::Entity::find_by_id(recording_id).one(self.db.read()).await?;
        row.map(|row| self.db.damaged_rows().told(Found::try_from(row))).transpose()
    }

    /// A copy at the place where the recording lies already, or another copy of it, is none: it would be the same object.
    async fn check_apart(
        &self,
        found: &Found,
        source: &OpenStore,
        target: &OpenStore,
    ) -> std::result::Result<(), SinkError> {
        let copied = self.providers(found.id).await.map_err(sink_error)?;
        let mut others = vec![source.clone()];
        for id in copied.into_iter().filter(|id| *id != target.id) {
            others.push(self.connections.store(id).await.map_err(sink_error)?);
        }
        for other in others {
            self.connections.check_apart_lately(&other, target).await.map_err(|error| match error {
                VaultError::Conflict(why) => SinkError::refused(why),
                VaultError::Store(error) => store_error(&target.name, error),
                error => sink_error(error),
            })?;
        }
        Ok(())
    }

    async fn exists(&self, found: &Found, provider_id: i64) -> Result<bool> {
        Ok(copy::Entity::find_by_id((found.id, provider_id)).one(self.db.read()).await?.is_some())
    }

    /// What lies there is another recording, or this one after all: a copy or move of it that was stopped half-way may have
    /// been written down just now.
    async fn taken(&self, found: &Found, provider_id: i64) -> Result<SinkError> {
        let moved = self.found(found.id).await?.is_none_or(|now| now.provider_id == provider_id);
        if moved || self.exists(found, provider_id).await? {
            return Ok(SinkError::down("The recording came to this provider otherwise meanwhile."));
        }
        Ok(SinkError::refused(format!("Another recording named {} lies at this provider already.", found.key)))
    }

    /// Whether something else lies at the key there.
    async fn is_taken(&self, found: &Found, provider_id: i64) -> Result<bool> {
        self.objects.is_taken(provider_id, &found.key).await
    }

    /// Writes a copy down, unless its recording was replaced, moved or deleted while it was made.
    async fn note(&self, found: &Found, target: Version, announced: i64) -> Result<()> {
        let (id, key, sha256) = (found.id, found.key.to_string(), found.sha256.clone());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    target.check_current(tx).await?;
                    let current = hold(tx, id).await?;
                    let provider_id = target.provider_id();
                    if current.is_none_or(|row| row.sha256 != sha256 || row.provider_id == provider_id) {
                        // What was announced is deleted, as after a crash.
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
                    removal::Entity::delete_by_id(announced).exec(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}

/// A recording that keeps its row as it is until this transaction has ended. Whoever replaces or deletes it waits, and then
/// finds the copies that were noted meanwhile.
pub(crate) async fn hold(tx: &Tx, recording_id: i64) -> Result<Option<recording::Model>> {
    // On SQLite nobody else writes meanwhile.
    Ok(recording::Entity::find_by_id(recording_id).lock_shared().one(tx).await?)
}

/// Notes an object before it is there: what a crash leaves of it, or a failure of the database, is deleted. Whoever has
/// written its row removes the note in the same transaction.
pub(crate) async fn announce(db: &Db, provider_id: i64, key: &ObjectKey) -> Result<i64> {
    let key = key.to_string();
    db.write(move |tx| {
        Box::pin(async move {
            let row = removal::ActiveModel {
                provider_id: Set(provider_id),
                key: Set(key),
                removed_at: Set(tx.now_ms()),
                ..Default::default()
            };
            Ok(removal::Entity::insert(row).exec(tx).await?.last_insert_id)
        })
    })
    .await
}

/// Forgets a recording's copies, in the transaction that deletes or replaces it; their objects are
/// deleted later.
pub(crate) async fn forget(tx: &Tx, recording_id: i64) -> Result<()> {
    let rows = copy::Entity::find().filter(copy::Column::RecordingId.eq(recording_id)).all(tx).await?;
    for row in rows {
        remove_later(tx, row.provider_id, &row.key, tx.now_ms()).await?;
    }
    copy::Entity::delete_many().filter(copy::Column::RecordingId.eq(recording_id)).exec(tx).await?;
    Ok(())
}

/// A recording takes the place where a copy of another one lay; `place` are the providers that lead there.
pub(crate) async fn give_way(tx: &impl ConnectionTrait, place: &[i64], key: &str) -> Result<()> {
    copy::Entity::delete_many()
        .filter(copy::Column::ProviderId.is_in(place.iter().copied()))
        .filter(copy::Column::Key.eq(key))
        .exec(tx)
        .await?;
    Ok(())
}

/// Has housekeeping delete an object, at the given time or later.
pub(crate) async fn remove_later(tx: &impl ConnectionTrait, provider_id: i64, key: &str, when: i64) -> Result<()> {
    let row = removal::ActiveModel {
        provider_id: Set(provider_id),
        key: Set(key.to_owned()),
        removed_at: Set(when),
        ..Default::default()
    };
    removal::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Whether a recording's object is not what its row says because an upload replaces it right now, or was cut off doing so:
/// then it will be.
pub(crate) async fn is_being_replaced(db: &Db, found: &Found, error: &StoreError) -> Result<bool> {
    if error.kind != StoreErrorKind::Corrupt {
        return Ok(false);
    }
    let row = recording::Entity::find_by_id(found.id).one(db.read()).await?;
    if row.is_none_or(|row| row.sha256 != found.sha256) {
        return Ok(true);
    }
    let intent = upload::Entity::find()
        .filter(upload::Column::ProviderId.eq(found.provider_id))
        .filter(upload::Column::Key.eq(found.key.as_str()));
    Ok(intent.one(db.read()).await?.is_some())
}

fn replaced(error: StoreError) -> SinkError {
    SinkError::down("It is being replaced by another upload right now.").caused_by(error)
}

/// What is wrong with one recording sets its copy aside; a provider that does not work keeps all of them waiting.
fn store_error(provider: &str, error: StoreError) -> SinkError {
    SinkError::new(kind_of(error.kind), format!("{provider}: {}", error.message)).caused_by(error)
}

fn kind_of(trouble: StoreErrorKind) -> SinkErrorKind {
    match trouble {
        StoreErrorKind::NotFound | StoreErrorKind::Range | StoreErrorKind::Corrupt => SinkErrorKind::Refused,
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
