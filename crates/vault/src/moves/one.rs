//! One recording's way from its provider to another.

use super::Moves;
use crate::connections::OpenStore;
use crate::copies::{self, announce, remove_later};
use crate::entity::{copy, recording, removal};
use crate::recordings::Found;
use crate::steps::{self, Step};
use crate::transfer::{self, Content};
use crate::{Result, VaultError};
use model::error::{StoreError, StoreErrorKind};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

/// How long the old object stays, for whoever is reading it, in milliseconds.
const LINGERS_MS: i64 = 10 * 60_000;

/// What became of a recording.
pub(super) enum Outcome {
    /// It lies at its new place.
    Moved,
    /// It was deleted or lies elsewhere by now.
    Gone,
}

impl Moves {
    pub(super) async fn move_one(&self, id: i64, from: &OpenStore, to: &OpenStore) -> Result<Outcome> {
        let Some(found) = self.at(id, from.id).await? else { return Ok(Outcome::Gone) };
        // In the order of their ids, so that two moves never wait for each other.
        let (first, second) = (from.id.min(to.id), from.id.max(to.id));
        let _turns = (self.locks.lock(first, &found.key).await?, self.locks.lock(second, &found.key).await?);
        let Some(found) = self.at(id, from.id).await? else { return Ok(Outcome::Gone) };
        let copied = copy::Entity::find_by_id((id, to.id)).one(self.db.read()).await?.is_some();
        if !copied && self.is_taken(&found, to.id).await? {
            return Err(VaultError::Conflict(format!(
                "Another recording named {} lies at {} already; delete one of them.",
                found.key, to.name
            )));
        }
        let content = Content { key: &found.key, size: found.size, sha256: &found.sha256 };
        let intent = if copied { None } else { Some(announce(&self.db, to.id, &found.key).await?) };
        steps::reached(Step::MoveAnnounced);
        if !copied {
            self.connections.set_up(to).await?;
            let body = from.store.get(&found.key, None).await?;
            transfer::store(to.store.as_ref(), &content, body).await?;
            steps::reached(Step::MoveStored);
        }
        transfer::verify(to.store.as_ref(), &content).await?;
        steps::reached(Step::MoveVerified);
        self.commit(&found, to.id, intent).await?;
        steps::reached(Step::MoveCommitted);
        Ok(Outcome::Moved)
    }

    async fn at(&self, id: i64, provider_id: i64) -> Result<Option<Found>> {
        let row = recording::Entity::find_by_id(id).one(self.db.read()).await?;
        row.filter(|row| row.provider_id == provider_id).map(Found::try_from).transpose()
    }

    async fn is_taken(&self, found: &Found, provider_id: i64) -> Result<bool> {
        if self.locks.is_running(provider_id, &found.key) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "It is being uploaded right now.").into());
        }
        let recording = recording::Entity::find()
            .filter(recording::Column::ProviderId.eq(provider_id))
            .filter(recording::Column::Key.eq(found.key.as_str()));
        let copy = copy::Entity::find()
            .filter(copy::Column::ProviderId.eq(provider_id))
            .filter(copy::Column::Key.eq(found.key.as_str()));
        Ok(recording.one(self.db.read()).await?.is_some() || copy.one(self.db.read()).await?.is_some())
    }

    /// Points the recording to its new place; the old object is deleted later.
    async fn commit(&self, found: &Found, to: i64, intent: Option<i64>) -> Result<()> {
        let (id, from, key) = (found.id, found.provider_id, found.key.to_string());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let row = recording::Entity::find_by_id(id).one(tx).await?;
                    let row = row.ok_or(VaultError::NotFound("recording"))?;
                    let mut row = row.into_active_model();
                    row.provider_id = Set(to);
                    row.update(tx).await?;
                    copies::give_way(tx, to, &key).await?;
                    remove_later(tx, from, &key, tx.now_ms() + LINGERS_MS).await?;
                    if let Some(intent) = intent {
                        removal::Entity::delete_by_id(intent).exec(tx).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
