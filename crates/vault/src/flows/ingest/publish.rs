//! Making an upload's object visible.
//!
//! What the account has no recording under is published as new, so that an object that somebody else put there is never
//! replaced. If something lies there, it may be the vault's own all the same: what was sent, and the answer was lost; what
//! an earlier upload left; what is still to be deleted.

use super::arriving::Arrived;
use super::digest::Content;
use super::recover::read;
use super::{Ingest, Target, UploadError};
use crate::objects::intent::Draft;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore, Publish};

/// Why an upload did not become visible.
pub(super) enum Unpublished {
    /// Its provider failed.
    Failed {
        error: StoreError,
        /// Whether no parts of it are left.
        clean: bool,
    },
    /// It may not lie there, and does not.
    Refused {
        error: UploadError,
        /// Whether no parts of it are left.
        clean: bool,
    },
}

/// Whose object lies at a key that no recording and no copy has.
enum Whose {
    /// It is what was sent.
    Sent,
    /// The vault's, and nobody was told that it is stored.
    Leftover,
    /// Nothing is there any more.
    Nobodys,
    /// Perhaps another upload's that is not over.
    Unknown,
    /// None of the vault's.
    Foreign,
}

impl Ingest {
    /// Makes an upload's object visible. The caller has the key's turn.
    pub(super) async fn publish(
        &self,
        target: &Target,
        intent_id: i64,
        publish: Publish,
        bytes: Arrived,
        content: &Content,
    ) -> Result<(), Unpublished> {
        let mut told = bytes.publish(target, content, publish).await.map_err(UploadError::from);
        if is_taken(&told) {
            told = match self.whose(target, intent_id, content).await {
                Ok(Whose::Sent) => {
                    // Its parts are needed no more, unless they are the object.
                    let clean = bytes.discard().await;
                    return if clean { Ok(()) } else { Err(Unpublished::Failed { error: keeps_parts(), clean }) };
                }
                Ok(Whose::Leftover) => {
                    bytes.publish(target, content, Publish::Replace).await.map_err(UploadError::from)
                }
                Ok(Whose::Nobodys) => bytes.publish(target, content, Publish::New).await.map_err(UploadError::from),
                Ok(Whose::Unknown) => Err(UploadError::Busy),
                Ok(Whose::Foreign) => Err(foreign(target)),
                Err(error) => Err(error),
            };
        }
        let error = match told {
            Ok(()) => return Ok(()),
            Err(UploadError::Store(error)) => match error.kind {
                StoreErrorKind::Taken => foreign(target),
                StoreErrorKind::Clash => UploadError::Clash(error.message),
                StoreErrorKind::Name => UploadError::NameNotKept(error.message),
                _ => return Err(Unpublished::Failed { error, clean: bytes.discard().await }),
            },
            Err(error) => error,
        };
        Err(Unpublished::Refused { error, clean: bytes.discard().await })
    }

    /// Whose object lies at an upload's key.
    async fn whose(&self, target: &Target, intent_id: i64, content: &Content) -> Result<Whose, UploadError> {
        let (provider_id, key) = (target.provider.id, &target.key);
        if self.objects.is_to_be_deleted(provider_id, key).await? {
            return Ok(Whose::Leftover);
        }
        let store = target.provider.store.as_ref();
        let mut others = self.objects.intents_at(provider_id, key).await?;
        others.retain(|intent| intent.id != intent_id);
        // No need to read what cannot be the vault's.
        let Some(size) = store.head(key).await? else { return Ok(Whose::Nobodys) };
        if size != content.size && others.is_empty() {
            return Ok(Whose::Foreign);
        }
        let Some(found) = read(store, key).await? else { return Ok(Whose::Nobodys) };
        if found.sha256 == content.sha256 {
            return Ok(Whose::Sent);
        }
        let alive = self.replicas.others_alive().await?;
        // One of them is this upload.
        let runs_here = self.locks.running_at(provider_id, key).await? > 1;
        let mut is_known = true;
        for other in &others {
            match Draft::of(other) {
                Ok(draft) if !draft.allows(found.size, &found.sha256) => {}
                // It may run, and then it has put nothing there: its turn comes after this one.
                Ok(draft) if !draft.has_failed() && (runs_here || alive.contains(&other.owner)) => is_known = false,
                _ => return Ok(Whose::Leftover),
            }
        }
        Ok(if is_known { Whose::Foreign } else { Whose::Unknown })
    }
}

impl Arrived {
    async fn publish(&self, target: &Target, content: &Content, publish: Publish) -> Result<(), StoreError> {
        let store: &dyn BlobStore = target.provider.store.as_ref();
        match self {
            Self::Whole(held) => store.put_hashed(&target.key, held.bytes.clone(), &content.sha256, publish).await,
            Self::Parts(multipart) => multipart.complete(publish).await,
        }
    }
}

fn is_taken(told: &Result<(), UploadError>) -> bool {
    matches!(told, Err(UploadError::Store(error)) if error.kind == StoreErrorKind::Taken)
}

fn keeps_parts() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "The store does not free the parts of what it has already.")
}

fn foreign(target: &Target) -> UploadError {
    UploadError::Foreign { provider: target.provider.name.clone(), key: target.key.clone() }
}
