//! Connections ready to use.

use super::Connections;
use super::standing::Standing;
use crate::base::entity::connection;
use crate::base::{Result, VaultError};
use model::connection::Family;
use model::error::{StoreError, StoreErrorKind};
use model::integrations::signed_url_lifetime;
use model::ports::{BlobStore, EventSink};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A provider ready to use.
#[derive(Clone)]
pub(crate) struct OpenStore {
    /// Row id.
    pub(crate) id: i64,
    /// Name, as in events.
    pub(crate) name: String,
    /// Whether uploads may go there.
    pub(crate) enabled: bool,
    updated_at: i64,
    seen: Arc<Mutex<Option<Seen>>>,
    pub(super) standing: Arc<Standing>,
    /// The adapter, where its place was last seen.
    pub(crate) store: Arc<dyn BlobStore>,
}

/// A provider as of one version of its settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version {
    id: i64,
    updated_at: i64,
}

impl Version {
    pub(crate) fn provider_id(self) -> i64 {
        self.id
    }

    /// Fails if the provider is gone or was saved since: what was stored there may lie where nobody will look. Called
    /// in the transaction that records that it is there.
    pub(crate) async fn check_current(self, tx: &impl ConnectionTrait) -> Result<()> {
        // The row cannot change before the transaction ends. On SQLite nobody else writes meanwhile.
        let row = connection::Entity::find_by_id(self.id).lock_shared().one(tx).await?;
        let row = row.ok_or(VaultError::NotFound("storage provider"))?;
        if row.updated_at == self.updated_at {
            return Ok(());
        }
        let why = format!("{} was changed while the recording was stored there.", row.name);
        Err(StoreError::new(StoreErrorKind::Unavailable, why).into())
    }
}

/// A place, as last seen.
struct Seen {
    place: String,
    /// Elapsed time.
    at: Duration,
}

impl OpenStore {
    pub(crate) fn version(&self) -> Version {
        Version { id: self.id, updated_at: self.updated_at }
    }

    /// The place last seen. `lately` is now and the greatest age that will do.
    pub(super) fn seen(&self, lately: Option<(Duration, Duration)>) -> Option<String> {
        let seen = self.lock();
        let fresh = |seen: &&Seen| lately.is_none_or(|(now, age)| now.saturating_sub(seen.at) <= age);
        seen.as_ref().filter(fresh).map(|seen| seen.place.clone())
    }

    pub(super) fn saw(&self, place: &str, at: Duration) {
        *self.lock() = Some(Seen { place: place.to_owned(), at });
    }

    pub(super) fn forget_seen(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An enabled connection with deliveries: an integration, or a provider that gets copies.
#[derive(Clone)]
pub(crate) struct OpenSink {
    /// Row id.
    pub(crate) id: i64,
    /// Name, for logs.
    pub(crate) name: String,
    /// Version of its settings.
    pub updated_at: i64,
    /// What makes its deliveries.
    pub way: DeliveryMethod,
    /// What its events bring along.
    pub(crate) address: Option<SignedAddress>,
}

/// An address that reads an event's recording without credentials.
#[derive(Debug, Clone)]
pub(crate) struct SignedAddress {
    /// Where others reach the vault.
    pub(crate) base_url: Arc<str>,
    /// How long it is valid from when the event is sent.
    pub(crate) lifetime: Duration,
}

/// What makes deliveries.
#[derive(Clone)]
pub(crate) enum DeliveryMethod {
    /// An integration's adapter.
    Sink(Arc<dyn EventSink>),
    /// The vault itself, which copies to the provider.
    Copies,
    /// Nothing; the text says what is wrong with the settings.
    Unusable(String),
}

impl Connections {
    /// A provider ready to use, enabled or not.
    pub(crate) async fn store(&self, id: i64) -> Result<OpenStore> {
        if let Some(open) = self.cached(id).filter(|_| !self.db.is_shared()) {
            return Ok(open);
        }
        let row = self.row(id).await?;
        if let Some(open) = self.cached(id).filter(|open| open.updated_at == row.updated_at) {
            return Ok(open);
        }
        let settings = self.settings(&row)?;
        let store = self.connector.store(&row.kind, &settings).map_err(VaultError::Invalid)?;
        let (name, enabled, updated_at) = (row.name, row.enabled, row.updated_at);
        let standing = Arc::new(Standing::new(store));
        let store = standing.clone();
        let open = OpenStore { id, name, enabled, updated_at, seen: Arc::default(), standing, store };
        self.stores.write().unwrap_or_else(PoisonError::into_inner).insert(id, open.clone());
        Ok(open)
    }

    /// A provider by name, ready to use, enabled or not; `None` when there is none.
    pub(crate) async fn store_named(&self, name: &str) -> Result<Option<OpenStore>> {
        if !self.db.is_shared() {
            let stores = self.stores.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(open) = stores.values().find(|open| open.name == name) {
                return Ok(Some(open.clone()));
            }
        }
        match self.provider_by_name(name).await? {
            Some(provider) => self.store(provider.id).await.map(Some),
            None => Ok(None),
        }
    }

    fn cached(&self, id: i64) -> Option<OpenStore> {
        self.stores.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Every enabled connection that may have deliveries.
    pub(crate) async fn sinks(&self) -> Result<Vec<OpenSink>> {
        let rows = connection::Entity::find().filter(connection::Column::Enabled.eq(true)).all(self.db.read()).await?;
        let open = |row: connection::Model| {
            let (way, address) = match row.family == Family::Provider.as_str() {
                true => (DeliveryMethod::Copies, None),
                // If the family is damaged, the settings cannot be read either.
                false => match self.sink(&row) {
                    Ok((sink, address)) => (DeliveryMethod::Sink(sink), address),
                    Err(error) => (DeliveryMethod::Unusable(error.to_string()), None),
                },
            };
            OpenSink { way, address, id: row.id, name: row.name, updated_at: row.updated_at }
        };
        Ok(rows.into_iter().map(open).collect())
    }

    fn sink(&self, row: &connection::Model) -> Result<(Arc<dyn EventSink>, Option<SignedAddress>)> {
        let settings = self.settings(row)?;
        self.check_addresses(&settings)?;
        let asked = signed_url_lifetime(&settings).zip(self.addresses.public_url.clone());
        let address = asked.map(|(lifetime, base_url)| SignedAddress {
            base_url,
            lifetime: lifetime.min(self.addresses.max_lifetime),
        });
        Ok((self.connector.sink(&row.kind, &settings).map_err(VaultError::Invalid)?, address))
    }
}
