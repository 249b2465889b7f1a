//! Recovery: reconciles objects without a row, and rows without their object.
//!
//! Every upload that has not finished has an intent. Its object, if there is one, is whole (stores show objects whole
//! or not at all), so the row can be written from it, and nothing is lost. If the provider did not confirm what it was
//! sent, the intent says what that was, and only that becomes a recording.

use super::commit::NewRecording;
use super::digest::{Content, Digest};
use super::{Ingest, forget, resumable};
use crate::base::entity::upload;
use crate::base::steps::{self, Step};
use crate::base::{Result, VaultError};
use crate::connections::stream;
use crate::flows::failures::Failures;
use crate::objects::intent::Draft;
use model::ObjectKey;
use model::error::StoreError;
use model::ports::BlobStore;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::error::Error as StdError;

const BATCH: u64 = 200;
/// How long after its failure an upload of this process may still turn up at its provider, in milliseconds: longer than
/// any request to a provider takes.
const LATE_MS: i64 = 15 * 60_000;

impl Ingest {
    /// Reconciles uploads that nobody is running any more. A provider that does not answer is skipped until the next
    /// round.
    pub(crate) async fn recover(&self) -> Result<()> {
        let others = self.replicas.others_alive().await?;
        let providers: Vec<i64> = upload::Entity::find()
            .select_only()
            .column(upload::Column::ProviderId)
            .distinct()
            .into_tuple()
            .all(self.db.read())
            .await?;
        for provider_id in providers {
            if let Err(error) = self.recover_at(provider_id, &others).await {
                let error = &error as &dyn StdError;
                tracing::warn!(
                    provider_id,
                    error,
                    "unfinished uploads wait for their provider and will be tried again"
                );
            }
        }
        Ok(())
    }

    async fn recover_at(&self, provider_id: i64, others: &[String]) -> Result<()> {
        let (mut after, mut failures) = (0, Failures::default());
        loop {
            let intents = upload::Entity::find()
                .filter(upload::Column::ProviderId.eq(provider_id))
                .filter(upload::Column::Owner.is_not_in(others))
                .filter(upload::Column::Id.gt(after))
                .order_by_asc(upload::Column::Id)
                .limit(BATCH)
                .all(self.db.read())
                .await?;
            let Some(last) = intents.last() else { break };
            after = last.id;
            for intent in intents {
                match self.db.damaged_rows().reported(intent.read_key()) {
                    // No need to wait for its turn.
                    Ok(key) if self.locks.is_running(provider_id, &key).await? => {}
                    Ok(_) if self.is_settled(&intent) => {}
                    Ok(key) => {
                        if let Err(error) = self.reconcile(&intent, &key).await {
                            // One that fails must not hold up the others, unless the whole provider is down.
                            self.connections.check_answers(provider_id, &error).await?;
                            failures.note(&key, error);
                        }
                    }
                    // The intent is kept: its object may exist, and nothing else refers to it.
                    Err(_) => {}
                }
            }
        }
        failures.tell(provider_id, "unfinished uploads cannot be reconciled and will be tried again");
        Ok(())
    }

    /// Reconciles the uploads of one key that nobody is running any more.
    pub(super) async fn recover_key(&self, provider_id: i64, key: &ObjectKey) -> Result<()> {
        let others = self.replicas.others_alive().await?;
        for intent in self.objects.intents_at(provider_id, key).await? {
            if !others.contains(&intent.owner) {
                self.reconcile(&intent, key).await?;
            }
        }
        Ok(())
    }

    async fn reconcile(&self, intent: &upload::Model, key: &ObjectKey) -> Result<()> {
        let turn = self.locks.lock(intent.provider_id, key).await?;
        // An upload may have begun meanwhile, and its parts must not be abandoned. One that begins from here on waits
        // for its turn before it has any (`begin_parts` in `arriving.rs`).
        if self.locks.is_running(intent.provider_id, key).await? {
            return Ok(());
        }
        // Or one may have finished, and removed its intent.
        if upload::Entity::find_by_id(intent.id).one(self.db.read()).await?.is_none() {
            return Ok(());
        }
        let provider = match self.connections.store(intent.provider_id).await {
            Ok(provider) => provider,
            Err(VaultError::NotFound(_)) => {
                forget(&self.db, intent.id).await;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        // At another place nothing would be found, and the intent would be forgotten.
        self.connections.place(&provider).await?;
        // Parts cannot be told apart by their upload.
        let is_free = !self.is_uploaded_elsewhere(intent.provider_id, key).await?
            && !self.may_go_on(intent.provider_id, key).await?;
        if is_free {
            provider.store.abort_all(key).await?;
            steps::reached(Step::RecoveryCleared);
        }
        let existing = self.objects.recording_at(intent.provider_id, key).await?;
        let copied = self.objects.copied_to(intent.provider_id, key).await?;
        let is_unknown = existing.is_none() && copied.is_none();
        if is_unknown && self.objects.is_to_be_deleted(intent.provider_id, key).await? {
            // Either the object that was deleted, or that of an upload that was never acknowledged: both may go.
            self.forget_if_decided(intent, is_free).await;
            return Ok(());
        }
        let Some(content) = read(provider.store.as_ref(), key).await? else {
            if existing.is_some() {
                tracing::error!(%key, provider = provider.name, "a recording's object is missing at its provider");
            }
            self.forget_unless_late(intent, is_free).await;
            return Ok(());
        };
        steps::reached(Step::RecoveryRead);
        if [&existing, &copied].into_iter().flatten().any(|row| row.sha256 == content.sha256) {
            self.forget_if_decided(intent, is_free).await;
            return self.settle(intent, key).await;
        }
        let draft = self.db.damaged_rows().or_error(Draft::of(intent))?;
        if [&existing, &copied].into_iter().flatten().any(|row| row.account_id != draft.account_id) {
            tracing::error!(%key, provider = provider.name, "a recording's object is not what its account stored");
            forget(&self.db, intent.id).await;
            return Ok(());
        }
        if !draft.allows(content.size, &content.sha256) {
            return self.refuse(intent, key, &provider.name, existing.is_some(), draft.is_lie()).await;
        }
        let concerned = draft.concerned();
        let fresh = NewRecording {
            intent_id: intent.id,
            replaces: existing.map(|row| row.id),
            provider_id: intent.provider_id,
            version: provider.version(),
            place: self.objects.providers_at(intent.provider_id).await?,
            provider_name: provider.name,
            key: key.clone(),
            draft,
            content,
        };
        self.commit_for_sure(fresh).await?;
        steps::reached(Step::RecoveryCommitted);
        tracing::info!(%key, "finished an upload that was cut off before its row was written");
        drop(turn);
        self.wakeups.wake(&concerned);
        Ok(())
    }
}

impl Ingest {
    /// What is there is neither what was sent nor what was there before.
    async fn refuse(
        &self,
        intent: &upload::Model,
        key: &ObjectKey,
        provider: &str,
        replaced: bool,
        is_lie: bool,
    ) -> Result<()> {
        if self.objects.intents_at(intent.provider_id, key).await?.iter().any(|other| other.id != intent.id) {
            // It may be another upload's object; that upload has its own intent.
            self.forget_unless_late(intent, true).await;
            return Ok(());
        }
        let reason = if replaced {
            // Its owner may still have the file; sending it again mends the recording.
            self.forget_unless_late(intent, true).await;
            "A recording that lay there is overwritten: send it again, or delete it."
        } else if !is_lie {
            // The provider did not say that it has stored the upload, so this is somebody else's.
            if !self.may_arrive_late(intent) {
                forget(&self.db, intent.id).await;
                self.connections.tell_foreign(provider, key).await;
            }
            return Ok(());
        } else {
            // The next round finds nothing there, and forgets the intent.
            self.objects.delete(intent.provider_id, key).await?;
            "What lay there was no recording and is deleted."
        };
        self.connections.tell_mismatch(provider, key, reason).await;
        Ok(())
    }

    /// Forgets an intent that needs nothing more for now; not one of a failed upload whose object may still arrive.
    async fn forget_if_decided(&self, intent: &upload::Model, is_free: bool) {
        if !is_free || Draft::of(intent).is_ok_and(|draft| draft.has_failed()) {
            self.forget_unless_late(intent, is_free).await;
        } else {
            forget(&self.db, intent.id).await;
        }
    }

    /// Forgets an intent, unless its object may still arrive, or its parts are not freed.
    async fn forget_unless_late(&self, intent: &upload::Model, is_free: bool) {
        if is_free && !self.may_arrive_late(intent) {
            forget(&self.db, intent.id).await;
        }
    }

    fn may_arrive_late(&self, intent: &upload::Model) -> bool {
        let failed_at = Draft::of(intent).map_or(0, |draft| draft.failed_at());
        intent.owner == self.replicas.me() && self.db.now_ms() - failed_at.max(intent.started_at) < LATE_MS
    }

    /// The object is what its row says, which settles every failed upload of its key.
    async fn settle(&self, intent: &upload::Model, key: &ObjectKey) -> Result<()> {
        let intents = self.objects.intents_at(intent.provider_id, key).await?;
        let failed = intents.iter().filter(|intent| Draft::of(intent).is_ok_and(|draft| draft.has_failed()));
        self.objects.settled().lock().extend(failed.map(|intent| intent.id));
        Ok(())
    }

    /// Whether an intent is settled and not due for its second look.
    fn is_settled(&self, intent: &upload::Model) -> bool {
        let mut settled = self.objects.settled().lock();
        if self.may_arrive_late(intent) {
            return settled.contains(&intent.id);
        }
        settled.remove(&intent.id);
        false
    }

    /// Whether an upload in several requests has parts at this key.
    async fn may_go_on(&self, provider_id: i64, key: &ObjectKey) -> Result<bool> {
        resumable::has_parts(&self.db, &self.objects.providers_at(provider_id).await?, key).await
    }

    /// Whether another live replica is uploading this key right now.
    pub(super) async fn is_uploaded_elsewhere(&self, provider_id: i64, key: &ObjectKey) -> Result<bool> {
        let others = self.replicas.others_alive().await?;
        if others.is_empty() {
            return Ok(false);
        }
        let intents = self.objects.intents_at(provider_id, key).await?;
        Ok(intents.iter().any(|running| others.contains(&running.owner)))
    }
}

/// Reads an object through; `None` when there is none.
pub(super) async fn read(store: &dyn BlobStore, key: &ObjectKey) -> std::result::Result<Option<Content>, StoreError> {
    if store.head(key).await?.is_none() {
        return Ok(None);
    }
    let mut bytes = match store.get(key, None).await {
        Ok(found) => found.bytes,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut digest = Digest::default();
    while let Some(chunk) = stream::next(&mut bytes).await? {
        digest.update(&chunk);
    }
    Ok(Some(digest.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::silent::Silent;
    use model::error::StoreErrorKind;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn an_object_that_stops_coming_is_not_waited_for_for_ever() {
        let key = ObjectKey::parse("a/b").expect("valid");
        let read = timeout(stream::IDLE * 10, read(&Silent, &key)).await.expect("not for ever");
        assert_eq!(read.err().expect("it did not come").kind, StoreErrorKind::Unavailable);
    }
}
