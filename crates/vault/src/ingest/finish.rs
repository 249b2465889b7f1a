//! From a body that arrived whole to the committed row.

use super::commit::{Fresh, commit};
use super::locks::Turn;
use super::receive::{Arrived, Received};
use super::{Ingest, Intent, Outcome, Stored, Target, UploadError, forget};
use crate::entity::recording;
use model::ObjectKey;
use model::error::StoreError;
use model::ports::BlobStore;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::error::Error as StdError;

impl Ingest {
    pub(super) async fn finish(
        &self,
        target: Target,
        mut intent: Intent,
        received: Received,
    ) -> Result<Stored, UploadError> {
        let (turn, existing) = match self.turn(target.provider.id, &target.key).await {
            Ok(turn) => turn,
            Err(error) => {
                received.bytes.discard().await;
                intent.withdraw().await;
                return Err(error.into());
            }
        };
        if let Some(row) = &existing {
            let same = row.sha256 == received.content.sha256;
            let mine = row.account_id == target.draft.account_id;
            if same || !mine {
                received.bytes.discard().await;
                intent.withdraw().await;
                let size = received.content.size;
                return if mine {
                    Ok(Stored { id: row.id, key: target.key, size, outcome: Outcome::Identical })
                } else {
                    Err(UploadError::NotYours)
                };
            }
        }
        let intent_id = match intent.written().await {
            Ok(id) => id,
            Err(error) => {
                received.bytes.discard().await;
                return Err(error);
            }
        };
        let store = &target.provider.store;
        if let Err(error) = publish(store.as_ref(), &target.key, received.bytes).await {
            // The provider may have stored it all the same. A new key is cleared; a replaced one is
            // compared with its row by housekeeping. Nobody waits for that, but the key does.
            let (this, replaces) = (self.clone(), existing.is_some());
            tokio::spawn(async move {
                let _turn = turn;
                this.clear(&target, intent_id, replaces).await;
            });
            return Err(error.into());
        }
        let outcome = if existing.is_some() { Outcome::Replaced } else { Outcome::New };
        let fresh = Fresh {
            intent_id,
            replaces: existing.map(|row| row.id),
            provider_id: target.provider.id,
            provider_name: target.provider.name.clone(),
            key: target.key.clone(),
            draft: target.draft,
            content: received.content,
        };
        let (size, integrations) = (fresh.content.size, fresh.draft.integrations.clone());
        let id = self.db.write(move |tx| Box::pin(commit(tx, fresh))).await?;
        drop(turn);
        self.wakeups.wake(&integrations);
        Ok(Stored { id, key: target.key, size, outcome })
    }

    /// Waits for a turn at a key, then looks what is there.
    async fn turn(&self, provider_id: i64, key: &ObjectKey) -> crate::Result<(Turn, Option<recording::Model>)> {
        let turn = self.locks.lock(provider_id, key).await?;
        let existing = self.existing(provider_id, key).await?;
        Ok((turn, existing))
    }

    pub(super) async fn existing(&self, provider_id: i64, key: &ObjectKey) -> crate::Result<Option<recording::Model>> {
        let found = recording::Entity::find()
            .filter(recording::Column::ProviderId.eq(provider_id))
            .filter(recording::Column::Key.eq(key.as_str()));
        Ok(found.one(self.db.read()).await?)
    }

    async fn clear(&self, target: &Target, intent_id: i64, replaces: bool) {
        if replaces {
            return;
        }
        match target.provider.store.delete(&target.key).await {
            Ok(()) => forget(&self.db, intent_id).await,
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, key = %target.key, "a failed upload is left for housekeeping");
            }
        }
    }
}

async fn publish(store: &dyn BlobStore, key: &ObjectKey, bytes: Arrived) -> Result<(), StoreError> {
    match bytes {
        Arrived::Whole(held) => store.put(key, held.bytes.clone()).await,
        Arrived::Parts(multipart) => {
            let completed = multipart.complete().await;
            if completed.is_err() {
                multipart.abort().await;
            }
            completed
        }
    }
}
