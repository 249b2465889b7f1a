//! What lies where a copy or a moved recording is to go.

use super::transfer::{self, Expected};
use super::{Objects, removals};
use crate::base::{Result, VaultError};
use crate::connections::OpenStore;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{ByteStream, Publish};

/// What a transfer finds at its key, before it has written or noted anything.
pub(crate) enum Landing {
    /// Nothing, or the vault's own that may go: the object can be stored like this.
    Free(Publish),
    /// The content is there already.
    There,
}

impl Objects {
    /// Looks what lies at a key that no recording and no copy has at that provider's place. To be asked before the
    /// transfer is noted in `removals`: what is noted there is deleted.
    ///
    /// # Errors
    /// A `Conflict` if it can never go there: something lies there that the vault has not stored, or a name would be a
    /// file and a folder. `Unavailable` while an upload is to be sorted out there.
    pub(crate) async fn landing(&self, provider: &OpenStore, content: &Expected<'_>) -> Result<Landing> {
        if let Some(other) = self.in_the_way(provider.id, content.key).await? {
            return Err(VaultError::Conflict(format!(
                "{} cannot be stored at {} beside {other}: one of them would be the other's folder.",
                content.key, provider.name
            )));
        }
        self.settle_deletions(provider.id, content.key).await?;
        if self.is_to_be_deleted(provider.id, content.key).await? {
            return Ok(Landing::Free(Publish::Replace));
        }
        if !self.intents_at(provider.id, content.key).await?.is_empty() {
            let why = "An upload of this name that was cut off is not sorted out yet.";
            return Err(StoreError::new(StoreErrorKind::Unavailable, why).into());
        }
        let store = provider.store.as_ref();
        match store.head(content.key).await? {
            None => Ok(Landing::Free(Publish::New)),
            Some(size) if size != content.size => Err(self.foreign(provider, content).await),
            Some(_) => match transfer::verify(store, content).await {
                Ok(()) => Ok(Landing::There),
                Err(error) if error.kind == StoreErrorKind::Corrupt => Err(self.foreign(provider, content).await),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Stores what a transfer brings. The caller has noted it in `removals`; that is withdrawn if something else has come
    /// to lie there since the look, which must not be deleted.
    pub(crate) async fn land(
        &self,
        provider: &OpenStore,
        content: &Expected<'_>,
        body: ByteStream,
        publish: Publish,
        announced: i64,
    ) -> Result<()> {
        match transfer::store(provider.store.as_ref(), content, body, publish).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind == StoreErrorKind::Taken => {
                // It may be this transfer's own: a request that was not answered is repeated.
                if transfer::verify(provider.store.as_ref(), content).await.is_ok() {
                    return Ok(());
                }
                removals::withdraw(&self.db, announced).await?;
                let why = "Something has come to lie at its key meanwhile.";
                Err(StoreError::caused(StoreErrorKind::Unavailable, why, error).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Something else lies there; an administrator is told.
    async fn foreign(&self, provider: &OpenStore, content: &Expected<'_>) -> VaultError {
        self.connections.tell_foreign(&provider.name, content.key).await;
        VaultError::Conflict(format!(
            "Something that this vault has not stored lies at {} under {}; it is left as it is.",
            provider.name, content.key
        ))
    }
}
