//! Objects at their places: who has one, and the only way to delete one.
//!
//! Two providers can be one place. What one of them stores under a key is there for the other too, so the question of
//! what is at a key is about the place, not the provider.

pub(crate) mod intent;
mod landing;
mod locks;
mod neighbours;
pub(crate) mod removals;
mod settled;
pub(crate) mod transfer;

use crate::base::db::Db;
use crate::base::entity::{copy, recording, removal, upload};
use crate::base::{Result, VaultError};
use crate::connections::Connections;
use crate::connections::places::SharedPlaces;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

pub(crate) use landing::Landing;
pub(crate) use locks::{KeyGuard, KeyLocks};
pub(crate) use settled::Settled;

/// Keys of one query.
const CHUNK: usize = 500;

/// Knows which objects are where, and deletes them.
#[derive(Clone)]
pub(crate) struct Objects {
    db: Db,
    connections: Connections,
    locks: Arc<KeyLocks>,
    shared_places: SharedPlaces,
    settled: Settled,
}

/// The outcome of deleting an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// It is gone, or out of reach because its provider no longer exists.
    Gone,
    /// A recording or a copy is at its key, so it stays.
    Kept,
}

impl Objects {
    pub(crate) fn new(db: Db, connections: Connections, locks: Arc<KeyLocks>, shared_places: SharedPlaces) -> Self {
        Self { db, connections, locks, shared_places, settled: Settled::default() }
    }

    /// Turns at keys.
    pub(crate) fn locks(&self) -> &Arc<KeyLocks> {
        &self.locks
    }

    /// Failed uploads for which recovery has found out what is at their key.
    pub(crate) fn settled(&self) -> &Settled {
        &self.settled
    }

    /// All providers at a provider's place, itself included.
    pub(crate) async fn providers_at(&self, provider_id: i64) -> Result<Arc<[i64]>> {
        self.shared_places.of(provider_id).await
    }

    /// The recording at a key of a provider's place; if several, the provider's own.
    pub(crate) async fn recording_at(&self, provider_id: i64, key: &ObjectKey) -> Result<Option<recording::Model>> {
        let place = self.shared_places.of(provider_id).await?;
        let rows = recording::Entity::find()
            .filter(recording::Column::ProviderId.is_in(place.iter().copied()))
            .filter(recording::Column::Key.eq(key.as_str()))
            .all(self.db.read())
            .await?;
        Ok(rows.into_iter().min_by_key(|row| row.provider_id != provider_id))
    }

    /// An account's recordings that were stored at a provider under this key, and have been moved elsewhere. Asked for at
    /// every provider by name, which the index of places and keys answers.
    pub(crate) async fn moved_from(
        &self,
        provider_id: i64,
        key: &ObjectKey,
        account_id: i64,
    ) -> Result<Vec<recording::Model>> {
        use recording::Column::{AccountId, Key, OriginId, ProviderId};
        let mut others = self.connections.provider_ids().await?;
        others.retain(|id| *id != provider_id);
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let rows = recording::Entity::find().filter(ProviderId.is_in(others)).filter(Key.eq(key.as_str()));
        Ok(rows.filter(OriginId.eq(provider_id)).filter(AccountId.eq(account_id)).all(self.db.read()).await?)
    }

    /// The recording whose copy is at a key of a provider's place.
    pub(crate) async fn copied_to(&self, provider_id: i64, key: &ObjectKey) -> Result<Option<recording::Model>> {
        let place = self.shared_places.of(provider_id).await?;
        let copy = copy::Entity::find()
            .filter(copy::Column::ProviderId.is_in(place.iter().copied()))
            .filter(copy::Column::Key.eq(key.as_str()));
        match copy.one(self.db.read()).await? {
            None => Ok(None),
            Some(copy) => Ok(recording::Entity::find_by_id(copy.recording_id).one(self.db.read()).await?),
        }
    }

    /// Unfinished uploads of a key at a provider's place.
    pub(crate) async fn intents_at(&self, provider_id: i64, key: &ObjectKey) -> Result<Vec<upload::Model>> {
        let place = self.shared_places.of(provider_id).await?;
        let intents = upload::Entity::find()
            .filter(upload::Column::ProviderId.is_in(place.iter().copied()))
            .filter(upload::Column::Key.eq(key.as_str()));
        Ok(intents.all(self.db.read()).await?)
    }

    /// Whether a recording or a copy is at a key of a provider's place.
    pub(crate) async fn is_taken(&self, provider_id: i64, key: &ObjectKey) -> Result<bool> {
        Ok(self.recording_at(provider_id, key).await?.is_some() || self.copied_to(provider_id, key).await?.is_some())
    }

    /// Whether an object at a key of a provider's place is still to be deleted.
    pub(crate) async fn is_to_be_deleted(&self, provider_id: i64, key: &ObjectKey) -> Result<bool> {
        let place = self.shared_places.of(provider_id).await?;
        let waiting = removal::Entity::find()
            .filter(removal::Column::ProviderId.is_in(place.iter().copied()))
            .filter(removal::Column::Key.eq(key.as_str()));
        Ok(waiting.one(self.db.read()).await?.is_some())
    }

    /// Deletes an object, unless a recording or a copy is at its key: there, or at any provider that turns out to be
    /// the same place. The caller has the key's turn.
    ///
    /// # Errors
    /// If the store fails, or if a provider with something under this key cannot be told apart from this one now: then
    /// the object stays for another time.
    pub(crate) async fn delete(&self, provider_id: i64, key: &ObjectKey) -> Result<Deletion> {
        let provider = match self.connections.store(provider_id).await {
            Ok(provider) => provider,
            Err(VaultError::NotFound(_)) => return Ok(Deletion::Gone),
            Err(error) => return Err(error),
        };
        let holders = self.holders(key).await?;
        if holders.contains(&provider_id) {
            return Ok(Deletion::Kept);
        }
        if holders.is_empty() {
            // At another place it would be another vault's object.
            self.connections.place(&provider).await?;
        }
        for holder in holders {
            let holder = self.connections.store(holder).await?;
            let (here, there) =
                (self.connections.place_now(&provider).await?, self.connections.place_now(&holder).await?);
            if here.is_some() && here == there {
                return Ok(Deletion::Kept);
            }
        }
        match provider.store.delete(key).await {
            Ok(()) => Ok(Deletion::Gone),
            Err(error) => {
                if error.kind == StoreErrorKind::Unavailable {
                    removals::note_unanswered(&self.db, provider_id, key).await?;
                }
                Err(error.into())
            }
        }
    }

    /// Makes sure that no deletion of a key takes effect any more, before something new is stored there. The caller has the
    /// key's turn, and nothing is recorded at the key.
    ///
    /// A deletion that was not answered may be carried out when its provider gets to it, and would take what was stored
    /// meanwhile. So it is repeated until it is answered, or too old to matter.
    ///
    /// # Errors
    /// `Unavailable` as long as that is unknown.
    pub(crate) async fn settle_deletions(&self, provider_id: i64, key: &ObjectKey) -> Result<()> {
        let place = self.shared_places.of(provider_id).await?;
        for asked in removals::unanswered(&self.db, &place, key).await? {
            match self.delete(asked.provider_id, key).await {
                Ok(_) => removals::withdraw(&self.db, asked.id).await?,
                Err(VaultError::Store(error)) if error.kind == StoreErrorKind::Unavailable => {
                    let why =
                        "A recording of this name was deleted, and the storage provider has not confirmed that yet.";
                    return Err(StoreError::caused(StoreErrorKind::Unavailable, why, error).into());
                }
                // It says that it deletes nothing.
                Err(VaultError::Store(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Those of a provider's keys that nothing has or is getting: no recording or copy at any provider, and no upload at this
    /// place. The caller has their turns.
    pub(crate) async fn unclaimed(&self, provider_id: i64, keys: &[&ObjectKey]) -> Result<HashSet<ObjectKey>> {
        let (place, providers) = (self.shared_places.of(provider_id).await?, self.connections.provider_ids().await?);
        let mut claimed: HashSet<String> = HashSet::new();
        for keys in keys.chunks(CHUNK) {
            let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
            let recordings = recording::Entity::find().select_only().column(recording::Column::Key);
            let recordings = recordings.filter(recording::Column::ProviderId.is_in(providers.iter().copied()));
            let recordings = recordings.filter(recording::Column::Key.is_in(keys.iter().copied()));
            claimed.extend(recordings.into_tuple::<String>().all(self.db.read()).await?);
            let copies = copy::Entity::find().select_only().column(copy::Column::Key);
            let copies = copies.filter(copy::Column::ProviderId.is_in(providers.iter().copied()));
            let copies = copies.filter(copy::Column::Key.is_in(keys.iter().copied()));
            claimed.extend(copies.into_tuple::<String>().all(self.db.read()).await?);
            let uploads = upload::Entity::find().select_only().column(upload::Column::Key);
            let uploads = uploads.filter(upload::Column::ProviderId.is_in(place.iter().copied()));
            let uploads = uploads.filter(upload::Column::Key.is_in(keys));
            claimed.extend(uploads.into_tuple::<String>().all(self.db.read()).await?);
        }
        Ok(keys.iter().filter(|key| !claimed.contains(key.as_str())).map(|key| (*key).clone()).collect())
    }

    /// Providers that have a recording or a copy under a key.
    pub(crate) async fn holders(&self, key: &ObjectKey) -> Result<BTreeSet<i64>> {
        let providers = self.connections.provider_ids().await?;
        let recordings: Vec<i64> = recording::Entity::find()
            .select_only()
            .column(recording::Column::ProviderId)
            .filter(recording::Column::ProviderId.is_in(providers.iter().copied()))
            .filter(recording::Column::Key.eq(key.as_str()))
            .into_tuple()
            .all(self.db.read())
            .await?;
        let copies: Vec<i64> = copy::Entity::find()
            .select_only()
            .column(copy::Column::ProviderId)
            .filter(copy::Column::ProviderId.is_in(providers))
            .filter(copy::Column::Key.eq(key.as_str()))
            .into_tuple()
            .all(self.db.read())
            .await?;
        Ok(recordings.into_iter().chain(copies).collect())
    }
}
