//! One object still to be deleted that needs a closer look: its recording was moved away, a transfer may have left parts of
//! it, or something else has its name.

use super::Housekeeping;
use crate::base::entity::{copy, recording, removal, upload};
use crate::base::steps::{self, Step};
use crate::base::{Result, VaultError};
use crate::connections::OpenStore;
use crate::objects::transfer::{self, Expected};
use crate::objects::{Deletion, removals};
use crate::recordings::{RecordingRef, copies};
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::collections::HashSet;
use std::error::Error as StdError;

/// What is left of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    /// The object, and the note that it is to be deleted.
    Object,
}

/// Whether a recording has arrived where it was moved to.
enum Moved {
    /// It is there, or nobody needs it any more.
    There,
    /// It is not there: the old object is the only one.
    Missing(RecordingRef),
    /// Its new provider does not answer.
    Unknown,
}

/// What becomes of the old object of a recording that is missing where it was moved to.
enum OldObject {
    /// It stays: as a copy, or until the next round knows more.
    Stays,
    /// It is not the recording either.
    IsUseless,
}

impl Housekeeping {
    /// Answers whether it is still there: it stays, or whether it may go is not known yet. `down` collects other providers that did not answer when asked for what was moved there, or for their place.
    pub(super) async fn remove_one(
        &self,
        row: &removal::Model,
        key: &ObjectKey,
        down: &mut HashSet<i64>,
    ) -> Result<Left> {
        let _turn = self.objects.locks().lock(row.provider_id, key).await?;
        if removal::Entity::find_by_id(row.id).one(self.db.read()).await?.is_none() {
            // Withdrawn meanwhile.
            return Ok(Left::Nothing);
        }
        let place = self.objects.providers_at(row.provider_id).await?;
        let intent = upload::Entity::find()
            .filter(upload::Column::ProviderId.is_in(place.iter().copied()))
            .filter(upload::Column::Key.eq(key.as_str()));
        if intent.one(self.db.read()).await?.is_some() {
            // Another replica is uploading it again, or recovery has yet to decide about it.
            return Ok(Left::Object);
        }
        match self.moved(row, down).await? {
            Moved::There => {}
            Moved::Unknown => return Ok(Left::Object),
            Moved::Missing(found) => match self.keep_as_copy(row, &found).await? {
                OldObject::Stays => return Ok(Left::Object),
                OldObject::IsUseless => {}
            },
        }
        match self.connections.store(row.provider_id).await {
            Ok(provider) => {
                // A transfer that was cut off has left its parts, even if a later one succeeded.
                self.connections.place(&provider).await?;
                provider.store.abort_all(key).await?;
                if !self.others_answer(row, key, down).await? {
                    return Ok(Left::Object);
                }
            }
            Err(VaultError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        removals::note_begun(&self.db, vec![row.id]).await?;
        if self.objects.delete(row.provider_id, key).await? == Deletion::Gone {
            steps::reached(Step::RemovalDone);
        }
        removals::withdraw(&self.db, row.id).await?;
        Ok(Left::Nothing)
    }

    /// Whether all other providers with something under this key show their places: any of them might be this place.
    async fn others_answer(&self, row: &removal::Model, key: &ObjectKey, down: &mut HashSet<i64>) -> Result<bool> {
        let holders = self.objects.holders(key).await?;
        if holders.contains(&row.provider_id) {
            return Ok(true);
        }
        for id in holders {
            if down.contains(&id) {
                return Ok(false);
            }
            let provider = self.connections.store(id).await?;
            match self.connections.place_now(&provider).await {
                Ok(_) => {}
                Err(VaultError::Store(error)) => {
                    tell_down(&provider, &error);
                    down.insert(id);
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Looks for the moved recording at its new place, right before its old object goes.
    async fn moved(&self, row: &removal::Model, down: &mut HashSet<i64>) -> Result<Moved> {
        let moved = match row.moved_id {
            None => None,
            Some(id) => recording::Entity::find_by_id(id).one(self.db.read()).await?,
        };
        let Some(moved) = moved.filter(|moved| moved.provider_id != row.provider_id) else { return Ok(Moved::There) };
        let found = self.db.damaged_rows().or_error(RecordingRef::try_from(moved))?;
        if down.contains(&found.provider_id) {
            return Ok(Moved::Unknown);
        }
        let provider = self.connections.store(found.provider_id).await?;
        match provider.store.head(&found.key).await {
            Ok(Some(size)) if size == found.size => Ok(Moved::There),
            Ok(_) => Ok(Moved::Missing(found)),
            Err(error) => {
                tell_down(&provider, &error);
                down.insert(found.provider_id);
                Ok(Moved::Unknown)
            }
        }
    }

    /// The moved recording is missing at its new place, so its old object becomes a copy: readers find it, and it goes
    /// when the recording does.
    async fn keep_as_copy(&self, row: &removal::Model, found: &RecordingRef) -> Result<OldObject> {
        let old = self.connections.store(row.provider_id).await?;
        let content = Expected { key: &found.key, size: found.size, sha256: &found.sha256 };
        match transfer::verify(old.store.as_ref(), &content).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind, StoreErrorKind::NotFound | StoreErrorKind::Corrupt) => {
                return Ok(OldObject::IsUseless);
            }
            Err(error) => return Err(VaultError::Store(error)),
        }
        let (removal_id, provider_id, key, found_then) = (row.id, row.provider_id, row.key.clone(), found.clone());
        let kept = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let now = copies::lock_recording(tx, found_then.id).await?;
                    let same = |row: &recording::Model| {
                        (row.provider_id, &row.sha256) == (found_then.provider_id, &found_then.sha256)
                    };
                    if !now.is_some_and(|row| same(&row)) {
                        return Ok(false);
                    }
                    let kept = copy::ActiveModel {
                        recording_id: Set(found_then.id),
                        provider_id: Set(provider_id),
                        key: Set(key),
                        copied_at: Set(tx.now_ms()),
                    };
                    let there = OnConflict::new().do_nothing().to_owned();
                    copy::Entity::insert(kept).on_conflict(there).exec_without_returning(tx).await?;
                    removals::forget(tx, removal_id).await?;
                    Ok(true)
                })
            })
            .await?;
        if kept {
            self.connections.tell_missing(&found.key, found.provider_id, &old).await?;
        }
        Ok(OldObject::Stays)
    }
}

fn tell_down(provider: &OpenStore, error: &StoreError) {
    let error = error as &dyn StdError;
    tracing::warn!(provider = provider.name, error, "objects elsewhere are not deleted before this provider answers");
}
