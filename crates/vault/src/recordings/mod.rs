//! Stored recordings: lists, reading, deleting.

pub(crate) mod assets;
pub(crate) mod copies;
pub(crate) mod custom_headers;
mod delete;
pub mod devices;
mod expired;
mod known_devices;
mod list;
pub(crate) mod locked;
mod lone_assets;
mod many;
mod read;
mod remux;
mod retire;
mod rows;
mod sign;
pub mod timeline;

use crate::access::accounts::Account;
use crate::access::signed_urls::SignedUrls;
use crate::base::damaged::Damage;
use crate::base::db::Db;
use crate::base::entity::recording;
use crate::base::{Permission, Principal, Result, VaultError};
use crate::connections::Connections;
use crate::host::replicas::Replicas;
use crate::objects::KeyLocks;
use crate::objects::Objects;
use model::ObjectKey;
use model::wire::CustomHeaders;
use read::Down;
use sea_orm::{EntityTrait as _, QueryFilter as _};
use std::sync::Arc;

pub(crate) use expired::{Expired, Reached, due, is_told};
pub use list::MAX_PAGE;
pub(crate) use locked::is_free;
pub use many::{LookedUp, Wanted};
pub use remux::Fragmented;
pub(crate) use retire::Why;
pub use sign::Signing;

/// Lists, reads and deletes recordings.
#[derive(Clone)]
pub struct Recordings {
    db: Db,
    connections: Connections,
    signed_urls: SignedUrls,
    locks: Arc<KeyLocks>,
    objects: Objects,
    replicas: Replicas,
    down: Arc<Down>,
}

/// A recording that was looked up for someone who may read it. Nobody outside this crate can make one up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecordingRef {
    /// Row id.
    pub id: i64,
    /// Full key.
    pub key: ObjectKey,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the content, hex.
    pub sha256: String,
    /// When it was stored, Unix milliseconds.
    pub uploaded_at: i64,
    /// Its account.
    pub account_id: i64,
    /// Its provider.
    pub provider_id: i64,
    /// Whether it is an asset of a recording.
    pub is_asset: bool,
}

impl Recordings {
    pub(crate) fn new(
        db: Db,
        connections: Connections,
        signed_urls: SignedUrls,
        objects: Objects,
        replicas: Replicas,
    ) -> Self {
        let down = Arc::new(Down::new(db.clock().clone()));
        Self { db, connections, signed_urls, locks: objects.locks().clone(), objects, replicas, down }
    }

    /// An account's recording by key. With a provider: the one there, else one that was first stored there and moved
    /// since. Without: the one at the account's main provider, else at any.
    pub async fn find(
        &self,
        account: &Account,
        provider: Option<&str>,
        key: &ObjectKey,
    ) -> Result<Option<RecordingRef>> {
        let provider = match provider.filter(|name| !name.is_empty()) {
            Some(name) => match self.connections.provider_by_name(name).await? {
                Some(provider) => Some(provider.id),
                None => return Ok(None),
            },
            None => None,
        };
        let rows = recording::Entity::find().filter(recording::under([key.as_str()])).all(self.db.read()).await?;
        choose(account, provider, &rows).cloned().map(|row| self.db.damaged_rows().or_error(row.try_into())).transpose()
    }

    /// A recording by row id.
    ///
    /// # Errors
    /// `Forbidden` if it is none of theirs.
    pub async fn find_by_id(&self, principal: &Principal, id: i64) -> Result<RecordingRef> {
        let found = self.look_up(id).await?;
        principal.may(Permission::Read { recording_id: found.id, account_id: found.account_id })?;
        Ok(found)
    }

    /// The same recording as it is now, for whoever has found it before.
    pub async fn find_again(&self, found: &RecordingRef) -> Result<RecordingRef> {
        self.look_up(found.id).await
    }

    async fn look_up(&self, id: i64) -> Result<RecordingRef> {
        self.db.damaged_rows().or_error(self.row(id).await?.try_into())
    }

    /// Reports damage to administrators, and makes it an error.
    pub(crate) fn damage_error(&self, damage: Damage) -> VaultError {
        self.db.damaged_rows().error(damage)
    }

    pub(crate) async fn row(&self, id: i64) -> Result<recording::Model> {
        recording::Entity::find_by_id(id).one(self.db.read()).await?.ok_or(VaultError::NotFound("recording"))
    }

    /// Headers of the owner's choice that a recording came with.
    pub(crate) async fn custom_headers(&self, id: i64) -> Result<CustomHeaders> {
        self.db.damaged_rows().or_error(custom_headers::of_one(self.db.read(), id).await?)
    }
}

/// Of rows with one key: see [`Recordings::find`].
fn choose<'a>(account: &Account, provider: Option<i64>, rows: &'a [recording::Model]) -> Option<&'a recording::Model> {
    let own = || rows.iter().filter(|row| row.account_id == account.id);
    let main_first = |row: &&recording::Model| row.provider_id != account.provider_id;
    match provider {
        Some(id) => own()
            .find(|row| row.provider_id == id)
            .or_else(|| own().filter(|row| row.origin_id == id).min_by_key(main_first)),
        None => own().min_by_key(main_first),
    }
}

impl TryFrom<recording::Model> for RecordingRef {
    type Error = Damage;
    fn try_from(row: recording::Model) -> std::result::Result<Self, Damage> {
        Ok(Self {
            key: row.read_key()?,
            size: row.read_size()?,
            sha256: row.read_sha256()?.to_owned(),
            id: row.id,
            uploaded_at: row.uploaded_at,
            account_id: row.account_id,
            provider_id: row.provider_id,
            is_asset: row.asset_of.is_some(),
        })
    }
}
