//! From a body that has arrived completely to the committed row.

use super::arriving::Received;
use super::commit::{NewRecording, commit};
use super::digest::Content;
use super::publish::Unpublished;
use super::{Ingest, Intent, Outcome, Stored, Target, UploadError, forget};
use crate::base::VaultError;
use crate::base::entity::{recording, upload};
use crate::base::spans;
use crate::base::steps::{self, Step};
use crate::objects::Deletion;
use crate::objects::KeyGuard;
use crate::objects::intent::{self, Draft};
use crate::recordings::locked;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::Publish;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::error::Error as StdError;

/// How often to commit an upload when the database does not say whether it was committed.
const COMMITS: u32 = 5;

/// A turn at a key, and what is recorded there.
pub(super) struct Turn {
    guard: KeyGuard,
    existing: Option<recording::Model>,
    /// A recording of the account that has a copy there.
    copied: Option<recording::Model>,
}

impl Ingest {
    pub(super) async fn finish(
        &self,
        target: Target,
        mut intent: Intent,
        received: Received,
    ) -> Result<Stored, UploadError> {
        steps::reached(Step::UploadArrived);
        let Turn { guard: turn, existing, copied } = match self.turn(&target).await {
            Ok(turn) => turn,
            Err(error) => {
                let clean = received.bytes.discard().await;
                self.give_up(&target, intent, clean).await;
                return Err(error);
            }
        };
        if let Some(row) = &existing
            && holds(row, &received.content)
            && self.is_there(&target, row).await?
        {
            return Ok(self.already_stored(target, intent, received, row.id).await);
        }
        if existing.is_none()
            && let Some(row) = self.moved_on(&target, &received.content).await?
        {
            return Ok(self.already_stored(target, intent, received, row.id).await);
        }
        // A copy counts as well: the original may be lost.
        for row in existing.iter().chain(&copied).filter(|row| !holds(row, &received.content)) {
            if let Some(why) = locked::why(self.db.read(), row).await.map_err(UploadError::from)? {
                let clean = received.bytes.discard().await;
                self.give_up(&target, intent, clean).await;
                return Err(UploadError::Locked(why));
            }
        }
        let intent_id = match intent.written().await {
            Ok(id) => id,
            Err(error) => {
                // Without the intent nobody would look for the parts again; at worst the provider keeps them.
                received.bytes.discard().await;
                return Err(error);
            }
        };
        steps::reached(Step::UploadAnnounced);
        let publish = match existing.as_ref().or(copied.as_ref()) {
            Some(row) if has_its_length(&target, row).await => Publish::Replace,
            // Nothing lies there, or what is not the row's: after a restored backup, another account's.
            _ => Publish::New,
        };
        let publishing = self.publish(&target, intent_id, publish, received.bytes, &received.content);
        match spans::within(spans::publishing(received.content.size), publishing).await {
            Ok(()) => {}
            Err(Unpublished::Failed { error, clean }) => {
                let is_new = existing.is_none();
                return Err(self.unpublished(error, clean, target, &received.content, intent_id, is_new, turn));
            }
            Err(Unpublished::Refused { error, clean }) => {
                self.give_up(&target, intent, clean).await;
                return Err(error);
            }
        }
        steps::reached(Step::UploadPublished);
        match existing {
            Some(row) if holds(&row, &received.content) => {
                self.restored(target, intent_id, row.id, received.content.size).await
            }
            existing => {
                let (stored, concerned) = self.record(target, intent_id, received.content, existing).await?;
                drop(turn);
                self.wakeups.wake(&concerned);
                Ok(stored)
            }
        }
    }

    /// The same was stored before; what has come now is needed no more.
    async fn already_stored(&self, target: Target, intent: Intent, received: Received, id: i64) -> Stored {
        let size = received.content.size;
        let clean = received.bytes.discard().await;
        self.give_up(&target, intent, clean).await;
        Stored { id, key: target.key, size, outcome: Outcome::Identical }
    }

    /// The account's recording of this content that was stored here under this key, and has been moved since. Unless its
    /// object is lost: when its provider does not say so, it is not.
    async fn moved_on(&self, target: &Target, content: &Content) -> crate::base::Result<Option<recording::Model>> {
        let moved = self.objects.moved_from(target.provider.id, &target.key, target.draft.account_id).await?;
        let Some(row) = moved.into_iter().find(|row| holds(row, content)) else { return Ok(None) };
        let now_at = self.connections.store(row.provider_id).await?;
        let is_lost = matches!(now_at.store.head(&target.key).await, Ok(found) if found != Some(content.size));
        Ok(Some(row).filter(|_| !is_lost))
    }

    /// Sees to what a failed upload has left. The agent need not wait for that, but the key stays locked.
    #[expect(clippy::too_many_arguments, reason = "all that is known of an upload that failed")]
    fn unpublished(
        &self,
        error: StoreError,
        clean: bool,
        target: Target,
        content: &Content,
        intent_id: i64,
        is_new: bool,
        turn: KeyGuard,
    ) -> UploadError {
        // If the provider did not answer, nothing is deleted here: a late deletion could remove the next attempt's
        // object. If it says that it has stored the upload, and has something else, that is the upload's own and is
        // cleared here, if the key is new; a replaced one is left to recovery. If it says that it has not stored it,
        // nothing that lies there is the upload's.
        let is_lie = error.kind == StoreErrorKind::Unconfirmed;
        let has_left_nothing = is_new && clean && !is_lie && error.kind != StoreErrorKind::Unavailable;
        // What is found there later becomes a recording only if its hash is this draft's.
        let draft = target.draft.having_sent(content.size, &content.sha256, is_lie, self.db.now_ms());
        let this = self.clone();
        tokio::spawn(async move {
            let _turn = turn;
            if has_left_nothing {
                return forget(&this.db, intent_id).await;
            }
            this.save_draft(intent_id, &draft).await;
            if is_new && is_lie {
                this.clear(&target, intent_id, clean).await;
            }
        });
        error.into()
    }

    /// A recording's object had been lost and is there again; consumers know about it already.
    async fn restored(&self, target: Target, intent_id: i64, id: i64, size: u64) -> Result<Stored, UploadError> {
        target.provider.version().check_current(self.db.read()).await?;
        forget(&self.db, intent_id).await;
        Ok(Stored { id, key: target.key, size, outcome: Outcome::Identical })
    }

    /// Writes the row and its events; returns whom to wake, too.
    async fn record(
        &self,
        target: Target,
        intent_id: i64,
        content: Content,
        existing: Option<recording::Model>,
    ) -> Result<(Stored, Vec<i64>), UploadError> {
        let (key, size) = (target.key.clone(), content.size);
        let outcome = if existing.is_some() { Outcome::Replaced } else { Outcome::New };
        let fresh = NewRecording {
            intent_id,
            replaces: existing.map(|row| row.id),
            provider_id: target.provider.id,
            version: target.provider.version(),
            place: self.objects.providers_at(target.provider.id).await?,
            provider_name: target.provider.name.clone(),
            key: target.key,
            draft: target.draft,
            content,
        };
        let concerned = fresh.draft.concerned();
        let id = spans::within(spans::committing(), self.commit_for_sure(fresh)).await?;
        steps::reached(Step::UploadCommitted);
        Ok((Stored { id, key, size, outcome }, concerned))
    }

    /// Commits. If the connection broke during COMMIT, tries again by the intent instead of guessing.
    pub(super) async fn commit_for_sure(&self, fresh: NewRecording) -> crate::base::Result<i64> {
        let mut tries = 1;
        loop {
            let this = fresh.clone();
            match self.db.write(move |tx| Box::pin(commit(tx, this))).await {
                Err(error @ VaultError::CommitUnknown(_)) if tries < COMMITS => {
                    let (key, error) = (&fresh.key, &error as &dyn StdError);
                    tracing::warn!(%key, error, "nobody knows whether an upload was committed: asking again");
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Waits for a turn at a key, then looks what is recorded there.
    ///
    /// # Errors
    /// `NotYours` if it is a recording, or a copy of one, of another account. `Clash` if another recording's name leaves
    /// no room for this one. Whatever refuses an upload at its start, if the account has changed since.
    pub(super) async fn turn(&self, target: &Target) -> Result<Turn, UploadError> {
        let guard = self.locks.lock(target.provider.id, &target.key).await?;
        let existing = self.objects.recording_at(target.provider.id, &target.key).await?;
        let copied = self.objects.copied_to(target.provider.id, &target.key).await?;
        if [&existing, &copied].into_iter().flatten().any(|row| row.account_id != target.draft.account_id) {
            return Err(UploadError::NotYours);
        }
        let is_ours = existing.is_some() || copied.is_some();
        if !is_ours {
            self.objects.settle_deletions(target.provider.id, &target.key).await?;
        }
        if !is_ours && let Some(other) = self.objects.in_the_way(target.provider.id, &target.key).await? {
            return Err(UploadError::Clash(clash(&target.key, &other)));
        }
        // Last, after all that may take its time.
        self.still_admits(&target.admission).await?;
        Ok(Turn { guard, existing, copied })
    }

    /// Records what is known of a failed upload.
    pub(super) async fn save_draft(&self, intent_id: i64, draft: &Draft) {
        let row = upload::ActiveModel { draft: Set(draft.to_json()), ..Default::default() };
        let noted = self.db.write(move |tx| {
            Box::pin(async move {
                upload::Entity::update_many().set(row).filter(upload::Column::Id.eq(intent_id)).exec(tx).await?;
                Ok(())
            })
        });
        if let Err(error) = noted.await {
            tracing::warn!(error = &error as &dyn StdError, "what a failed upload had sent is not noted");
        }
    }

    /// Whether a recording's object is where its row says. When in doubt, no: then the bytes at hand are stored again.
    async fn is_there(&self, target: &Target, row: &recording::Model) -> crate::base::Result<bool> {
        Ok(has_its_length(target, row).await && !self.content_is_uncertain(target).await?)
    }

    /// Whether an upload of this key failed half-way, so that something else may be there by now.
    async fn content_is_uncertain(&self, target: &Target) -> crate::base::Result<bool> {
        let intents = self.objects.intents_at(target.provider.id, &target.key).await?;
        Ok(intents.iter().any(intent::has_failed))
    }

    /// Deletes what a failed upload may have left. If parts are left, the intent stays, so that they are found.
    async fn clear(&self, target: &Target, intent_id: i64, no_parts_left: bool) {
        match self.objects.delete(target.provider.id, &target.key).await {
            Ok(Deletion::Gone) if no_parts_left => forget(&self.db, intent_id).await,
            // Recovery has to find out what is there.
            Ok(Deletion::Gone | Deletion::Kept) => {}
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, key = %target.key, "a failed upload is left for housekeeping");
            }
        }
    }
}

/// Whether a row is of this content, and stays. An asset that is about to go with its recording does not.
fn holds(row: &recording::Model, content: &Content) -> bool {
    row.sha256 == content.sha256 && !row.orphaned
}

/// Whether what lies at an upload's key has the length of what is recorded there. When in doubt, no.
async fn has_its_length(target: &Target, row: &recording::Model) -> bool {
    let size = target.provider.store.head(&target.key).await.ok().flatten();
    size.is_some_and(|size| i64::try_from(size).is_ok_and(|size| size == row.size))
}

/// Why a key cannot be stored beside another, in the words of a folder's store. The other may be another account's: no more
/// of it is told than is part of the key, which whoever sent that knows.
fn clash(key: &ObjectKey, other: &str) -> String {
    if key.as_str().starts_with(other) {
        format!("{other} is a file there, so nothing can be stored below it.")
    } else {
        format!("{key} is a folder there, so no recording can have that name.")
    }
}
