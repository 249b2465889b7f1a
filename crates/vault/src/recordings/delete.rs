//! Deleting: first the row, then the object, then a recording's assets in the same way.

use super::{RecordingRef, Recordings, rows};
use crate::base::entity::recording;
use crate::base::steps::{self, Step};
use crate::base::{Permission, Principal, audit};
use crate::base::{Result, VaultError};
use crate::objects::removals;
use crate::objects::transfer::to_its_end;
use sea_orm::EntityTrait as _;

impl Recordings {
    /// Deletes a recording: first its row, then its object. After a crash in between, housekeeping deletes the object.
    pub async fn delete(&self, principal: &Principal, found: &RecordingRef) -> Result<()> {
        principal.may(Permission::Delete { account_id: found.account_id })?;
        self.remove(Some(principal.clone()), found).await
    }

    /// Goes on when the caller goes away: left half-way, the object would be deleted after a new upload of its key.
    async fn remove(&self, audited: Option<Principal>, found: &RecordingRef) -> Result<()> {
        let (this, found) = (self.clone(), found.clone());
        let removed = async move {
            this.remove_now(audited, &found).await?;
            if !found.is_asset {
                this.remove_assets_of(&found).await;
            }
            Ok(())
        };
        to_its_end(Box::pin(removed)).await
    }

    /// If it was moved meanwhile, deletes it at the new place.
    pub(super) async fn remove_now(&self, audited: Option<Principal>, found: &RecordingRef) -> Result<()> {
        let mut found = found.clone();
        loop {
            match self.remove_at_its_place(audited.clone(), &found).await {
                Err(VaultError::NotFound(what)) => {
                    let now = recording::Entity::find_by_id(found.id).one(self.db.read()).await?;
                    let moved = |now: &recording::Model| {
                        now.uploaded_at == found.uploaded_at && now.provider_id != found.provider_id
                    };
                    let now = now.filter(moved).ok_or(VaultError::NotFound(what))?;
                    found = self.db.damaged_rows().or_error(now.try_into())?;
                }
                done => return done,
            }
        }
    }

    async fn remove_at_its_place(&self, audited: Option<Principal>, found: &RecordingRef) -> Result<()> {
        let _turn = self.locks.lock(found.provider_id, &found.key).await?;
        let this = found.clone();
        let deletion = self.db.write(move |tx| {
            Box::pin(async move {
                if rows::take_out(tx, std::slice::from_ref(&this)).await?.is_empty() {
                    let locked = rows::why_locked(tx, &this).await?;
                    return Err(locked.map_or(VaultError::NotFound("recording"), VaultError::Locked));
                }
                if let Some(principal) = audited {
                    let (may, action) = (Permission::Delete { account_id: this.account_id }, "deleted recording");
                    audit::record(tx, &principal, may, action, this.key.as_str()).await?;
                }
                removals::insert_begun(tx, this.provider_id, this.key.as_str()).await
            })
        });
        let removal = deletion.await?;
        steps::reached(Step::DeleteCommitted);
        // The row is gone for good; what fails now, housekeeping does later.
        match self.objects.delete(found.provider_id, &found.key).await {
            Ok(_) => {
                steps::reached(Step::DeleteDone);
                self.forget_removal(removal).await?;
                steps::reached(Step::DeleteForgotten);
            }
            Err(e) => {
                let error = &e as &dyn std::error::Error;
                tracing::warn!(provider_id = found.provider_id, error, "an object is left to be deleted later");
            }
        }
        Ok(())
    }

    pub(crate) async fn forget_removal(&self, id: i64) -> Result<()> {
        self.db.write(move |tx| Box::pin(async move { removals::forget(tx, id).await })).await
    }

    /// Deletes several; returns how many existed.
    ///
    /// # Errors
    /// `Conflict` if some are locked: those stay, and the others are gone.
    pub async fn delete_many(&self, principal: &Principal, ids: &[i64]) -> Result<u64> {
        let (mut deleted, mut locked) = (0, 0);
        for id in ids {
            let gone = match self.look_up(*id).await {
                Ok(found) => self.delete(principal, &found).await,
                Err(error) => Err(error),
            };
            match gone {
                Ok(()) => deleted += 1,
                Err(VaultError::NotFound(_)) => {}
                Err(VaultError::Locked(why)) if ids.len() == 1 => return Err(VaultError::Locked(why)),
                Err(VaultError::Locked(_)) => locked += 1,
                Err(error) => return Err(error),
            }
        }
        if locked > 0 {
            return Err(VaultError::Conflict(format!(
                "{locked} of them are locked, and stay; {deleted} were deleted. An administrator can unlock them."
            )));
        }
        Ok(deleted)
    }
}
