//! Which providers are one place, as far as their marks have shown.

use crate::base::Result;
use crate::base::db::Db;
use crate::base::entity::connection;
use model::connection::Family;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// For each provider that shares its place: the ids of all providers there, itself included.
type Groups = HashMap<i64, Arc<[i64]>>;

/// Knows which providers share a place. The answer is cached, except on a shared database, where other replicas may
/// find more.
#[derive(Clone)]
pub(crate) struct SharedPlaces {
    db: Db,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    groups: Option<Arc<Groups>>,
    /// Incremented when the groups must be looked up again.
    changes: u64,
}

impl SharedPlaces {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, known: Arc::default() }
    }

    /// Ids of all providers at a provider's place, itself included; the first one stands for all.
    pub(crate) async fn of(&self, provider_id: i64) -> Result<Arc<[i64]>> {
        let groups = self.groups().await?;
        Ok(groups.get(&provider_id).cloned().unwrap_or_else(|| [provider_id].into()))
    }

    /// The provider that stands for all at its place.
    pub(crate) async fn first_of(&self, provider_id: i64) -> Result<i64> {
        Ok(self.of(provider_id).await?.first().copied().unwrap_or(provider_id))
    }

    /// Places with more than one provider, and the providers' ids.
    pub(crate) async fn all(&self) -> Result<BTreeMap<String, Vec<i64>>> {
        let rows: Vec<(i64, String)> = connection::Entity::find()
            .select_only()
            .columns([connection::Column::Id, connection::Column::Place])
            .filter(connection::Column::Family.eq(Family::Provider.as_str()))
            .filter(connection::Column::Place.is_not_null())
            .order_by_asc(connection::Column::Id)
            .into_tuple()
            .all(self.db.read())
            .await?;
        let mut places: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (id, place) in rows {
            places.entry(place).or_default().push(id);
        }
        places.retain(|_, providers| providers.len() > 1);
        Ok(places)
    }

    /// Connections or their places have changed.
    pub(crate) fn look_again(&self) {
        let mut known = self.known();
        known.groups = None;
        known.changes += 1;
    }

    async fn groups(&self) -> Result<Arc<Groups>> {
        let changes = {
            let known = self.known();
            if let Some(groups) = known.groups.as_ref().filter(|_| !self.db.is_shared()) {
                return Ok(groups.clone());
            }
            known.changes
        };
        let mut groups = Groups::new();
        for providers in self.all().await?.into_values() {
            let group: Arc<[i64]> = providers.into();
            groups.extend(group.iter().map(|id| (*id, group.clone())));
        }
        let groups = Arc::new(groups);
        let mut known = self.known();
        // If something changed meanwhile, the next call looks again.
        if known.changes == changes {
            known.groups = Some(groups.clone());
        }
        Ok(groups)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
