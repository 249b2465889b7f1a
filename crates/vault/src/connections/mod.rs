//! Providers and integrations, opened: the stores of recordings, the sinks of events, and which place a provider is.

mod grounds;
pub(crate) mod names;
mod open;
pub(crate) mod place;
pub(crate) mod places;
#[cfg(test)]
pub(crate) mod silent;
mod standing;
pub(crate) mod stream;
mod tell;

use crate::base::db::{Db, Tx};
use crate::base::entity::{connection, copy, recording};
use crate::base::keys::Keys;
use crate::base::{Result, VaultError};
use crate::connections::places::SharedPlaces;
use crate::host::notices::Notices;
use model::connection::{Definition as _, Family};
use model::field::Settings;
use model::integrations::{RemoteVault, needs_public_url, signed_url_lifetime};
use model::ports::Connector;
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder as _, QuerySelect};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

pub(crate) use grounds::Grounds;
pub(crate) use open::{DeliveryMethod, OpenSink, OpenStore, SignedAddress, Version};

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Connections {
    db: Db,
    keys: Arc<Keys>,
    connector: Arc<dyn Connector>,
    /// Open stores by id and last change; adapters keep their network connections alive.
    stores: Arc<RwLock<HashMap<i64, OpenStore>>>,
    shared_places: SharedPlaces,
    notices: Notices,
    grounds: Arc<Grounds>,
    addresses: Addresses,
    changed: watch::Sender<u64>,
}

/// Of the addresses that events bring along.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// See [`Options`](crate::Options).
    pub(crate) public_url: Option<Arc<str>>,
    pub(crate) max_lifetime: Duration,
}

/// A provider by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderInfo {
    /// Row id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Whether it is enabled.
    pub enabled: bool,
}

impl Connections {
    pub(crate) fn new(
        db: Db,
        keys: Arc<Keys>,
        connector: Arc<dyn Connector>,
        shared_places: SharedPlaces,
        notices: Notices,
        grounds: Grounds,
        addresses: Addresses,
    ) -> Self {
        let (stores, grounds, changed) = (Arc::default(), Arc::new(grounds), watch::Sender::new(0));
        Self { db, keys, connector, stores, shared_places, notices, grounds, addresses, changed }
    }

    /// The ids of all providers.
    pub(crate) async fn provider_ids(&self) -> Result<Vec<i64>> {
        let ids = connection::Entity::find()
            .select_only()
            .column(connection::Column::Id)
            .filter(connection::Column::Family.eq(Family::Provider.as_str()));
        Ok(ids.into_tuple().all(self.db.read()).await?)
    }

    /// Changes whenever a connection is changed in this process.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Something was changed: open connections may be outdated.
    pub(crate) fn notify(&self) {
        self.stores.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.shared_places.look_again();
        self.changed.send_modify(|version| *version += 1);
    }

    pub(crate) async fn row(&self, id: i64) -> Result<connection::Model> {
        find(self.db.read(), id).await
    }

    /// Refuses an integration whose events are to bring an address along that nobody could use.
    pub(crate) fn check_addresses(&self, settings: &Settings) -> Result<()> {
        match signed_url_lifetime(settings) {
            Some(_) if self.addresses.public_url.is_none() => Err(VaultError::Invalid(vec![needs_public_url()])),
            _ => Ok(()),
        }
    }

    /// A connection's settings, with secrets.
    pub(crate) fn settings(&self, row: &connection::Model) -> Result<Settings> {
        self.db.damaged_rows().or_error(row.read_settings(&self.keys))
    }
}

/// Which of these connections exist. None of them is deleted before this transaction ends.
pub(crate) async fn lock_rows(tx: &Tx, ids: Vec<i64>) -> Result<Vec<i64>> {
    let there = connection::Entity::find()
        .select_only()
        .column(connection::Column::Id)
        .filter(connection::Column::Id.is_in(ids))
        // On SQLite the transaction is alone anyway, and there is no such lock.
        .lock(LockType::KeyShare);
    Ok(there.into_tuple().all(tx).await?)
}

/// The names of these connections, in this order; without those that are gone.
pub(crate) async fn names_of(db: &impl ConnectionTrait, ids: &[i64]) -> Result<Vec<String>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, String)> = connection::Entity::find()
        .select_only()
        .columns([connection::Column::Id, connection::Column::Name])
        .filter(connection::Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.iter().filter_map(|id| rows.iter().find(|(row, _)| row == id).map(|(_, name)| name.clone())).collect())
}

/// Those of these integrations that are other vaults.
pub(crate) async fn vaults_among(db: &impl ConnectionTrait, ids: &[i64]) -> Result<Vec<i64>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let vaults = connection::Entity::find()
        .select_only()
        .column(connection::Column::Id)
        .filter(connection::Column::Id.is_in(ids.iter().copied()))
        .filter(connection::Column::Kind.eq(RemoteVault::NAME))
        .order_by_asc(connection::Column::Id);
    Ok(vaults.into_tuple().all(db).await?)
}

pub(crate) async fn find(db: &impl ConnectionTrait, id: i64) -> Result<connection::Model> {
    connection::Entity::find_by_id(id).one(db).await?.ok_or(VaultError::NotFound("connection"))
}

/// Whether a provider has recordings or copies.
pub(crate) async fn holds_recordings(db: &impl ConnectionTrait, id: i64) -> Result<bool> {
    let own = recording::Entity::find().filter(recording::Column::ProviderId.eq(id)).limit(1).one(db).await?;
    let copies = copy::Entity::find().filter(copy::Column::ProviderId.eq(id)).limit(1).one(db).await?;
    Ok(own.is_some() || copies.is_some())
}
