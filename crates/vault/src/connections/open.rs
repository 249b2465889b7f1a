//! Connections ready for use.

use super::{Connections, holds_recordings};
use crate::entity::connection;
use crate::{Result, VaultError};
use model::connection::Family;
use model::ports::{BlobStore, EventSink};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

/// A provider ready for use.
#[derive(Clone)]
pub struct OpenStore {
    /// Row id.
    pub id: i64,
    /// Name, as events call it.
    pub name: String,
    /// Whether uploads may go there.
    pub enabled: bool,
    updated_at: i64,
    is_set_up: Arc<AtomicBool>,
    /// The adapter.
    pub store: Arc<dyn BlobStore>,
}

/// An enabled connection that deliveries go to: an integration, or a provider that gets copies.
#[derive(Clone)]
pub(crate) struct OpenSink {
    /// Row id.
    pub id: i64,
    /// Name, for logs.
    pub name: String,
    /// Tells one version of its settings from the next.
    pub updated_at: i64,
    /// What makes the deliveries.
    pub way: Way,
}

/// What makes a delivery.
#[derive(Clone)]
pub(crate) enum Way {
    /// An integration's adapter.
    Sink(Arc<dyn EventSink>),
    /// The vault itself, which copies to a provider.
    Copies,
    /// Nothing: what is wrong with the settings.
    Unusable(String),
}

impl Connections {
    /// A provider ready for use, enabled or not.
    pub async fn store(&self, id: i64) -> Result<OpenStore> {
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
        let open = OpenStore { id, name, enabled, updated_at, is_set_up: Arc::default(), store };
        self.stores.write().unwrap_or_else(PoisonError::into_inner).insert(id, open.clone());
        Ok(open)
    }

    /// A provider of this name ready for use, enabled or not; `None` when there is none.
    pub async fn store_named(&self, name: &str) -> Result<Option<OpenStore>> {
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

    /// Makes a provider ready for its first recording; called before anything is stored there. One that holds recordings is
    /// left as it is: where their place is not what it was, making another would hide them.
    pub(crate) async fn set_up(&self, provider: &OpenStore) -> Result<()> {
        if provider.is_set_up.load(Ordering::Relaxed) {
            return Ok(());
        }
        if !holds_recordings(self.db.read(), provider.id).await? {
            provider.store.set_up().await?;
        }
        provider.is_set_up.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn cached(&self, id: i64) -> Option<OpenStore> {
        self.stores.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Every enabled connection that deliveries may go to.
    pub(crate) async fn sinks(&self) -> Result<Vec<OpenSink>> {
        let rows = connection::Entity::find().filter(connection::Column::Enabled.eq(true)).all(self.db.read()).await?;
        let way = |row: &connection::Model| {
            if row.family == Family::Provider.as_str() {
                return Way::Copies;
            }
            let sink = self.settings(row).and_then(|s| self.connector.sink(&row.kind, &s).map_err(VaultError::Invalid));
            sink.map_or_else(|e| Way::Unusable(e.to_string()), Way::Sink)
        };
        let open = |row: connection::Model| OpenSink {
            way: way(&row),
            id: row.id,
            name: row.name,
            updated_at: row.updated_at,
        };
        Ok(rows.into_iter().map(open).collect())
    }
}
