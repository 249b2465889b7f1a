//! Validate: whether a connection does everything the vault will need.

use super::ConnectionSetup;
use crate::base::entity::recording;
use crate::base::{Result, VaultError};
use crate::connections::place;
use crate::connections::places::Mark;
use model::ObjectKey;
use model::connection::{ConnectionForm, Family};
use model::error::{StoreError, StoreErrorKind};
use model::field::Settings;
use model::ports::BlobStore;
use model::probe::{ProbeFailure, ProbeReport};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use std::time::Duration;
use tokio::time::timeout;

/// How long a provider that has passed all other steps may take to find a recording.
const PATIENCE: Duration = Duration::from_secs(2);

impl ConnectionSetup {
    /// Tries a connection as submitted, without saving it.
    pub async fn validate(&self, form: ConnectionForm) -> Result<ProbeReport> {
        let settings = self.checked_settings(&form).await?;
        self.probe(form.id, form.family, &form.kind, &settings).await
    }

    /// Tries a stored connection, for those whose settings cannot be submitted.
    pub async fn validate_stored(&self, id: i64) -> Result<ProbeReport> {
        let row = self.connections.row(id).await?;
        let settings = self.connections.settings(&row)?;
        self.probe(Some(id), row.read_family()?, &row.kind, &settings).await
    }

    async fn probe(&self, id: Option<i64>, family: Family, kind: &str, settings: &Settings) -> Result<ProbeReport> {
        if family == Family::Integration {
            return Ok(self.connector.sink(kind, settings).map_err(VaultError::Invalid)?.probe().await);
        }
        // First: trying a folder writes into it.
        if let Some(report) = self.misplaced(id, kind, settings).await? {
            return Ok(report);
        }
        let store = self.connector.store(kind, settings).map_err(VaultError::Invalid)?;
        let mut report = store.probe().await;
        if report.passed() {
            // The outcome is in the report.
            let _ = report.step("place", self.is_alone(id, store.as_ref()).await?);
        }
        if let Some(id) = id.filter(|_| report.passed())
            && let Some(newest) = self.newest_at(id).await?
        {
            // The outcome is in the report.
            let _ = report.step("recordings", find(store.as_ref(), &newest).await);
        }
        if let Some(id) = id.filter(|_| report.passed()) {
            self.connections.forget_mismatch(&self.connections.row(id).await?.name).await;
        }
        Ok(report)
    }

    /// What is wrong with the folder that the settings name, as far as that can be told without trying it.
    async fn misplaced(&self, id: Option<i64>, kind: &str, settings: &Settings) -> Result<Option<ProbeReport>> {
        let errors = match self.connections.check_ground(id, kind, settings).await {
            Ok(()) => return Ok(None),
            Err(VaultError::Invalid(errors)) => errors,
            Err(error) => return Err(error),
        };
        let mut report = ProbeReport::default();
        for error in errors {
            let cure = "A provider's folder must be its own: not the vault's, nor in another's or around it.";
            // The outcome is in the report.
            let _ = report.step("folder", Err::<(), _>(ProbeFailure::new(error.message, cure)));
        }
        Ok(Some(report))
    }

    /// Whether no other provider leads to the same place.
    async fn is_alone(&self, id: Option<i64>, store: &dyn BlobStore) -> Result<std::result::Result<(), ProbeFailure>> {
        let mark = match timeout(place::PATIENCE, Mark::read(store)).await {
            Ok(Ok(Mark::Id(mark))) => mark,
            // A folder that does not exist yet is no other provider's place either.
            Ok(Err(error)) if error.kind != StoreErrorKind::Unavailable => {
                let cure = "Let the vault read the object .vault-place/id there.";
                return Ok(Err(ProbeFailure::new(&error, cure)));
            }
            _ => return Ok(Ok(())),
        };
        Ok(match self.connections.other_at(id, &mark).await? {
            Some(other) => Err(ProbeFailure::new(place::same_place("This", &other), place::APART)),
            None => Ok(()),
        })
    }

    async fn newest_at(&self, provider_id: i64) -> Result<Option<recording::Model>> {
        let newest = recording::Entity::find()
            .filter(recording::is_recording())
            .filter(recording::Column::ProviderId.eq(provider_id))
            .order_by_desc(recording::Column::Timestamp)
            .order_by_desc(recording::Column::Id);
        Ok(newest.one(self.db.read()).await?)
    }
}

/// A place that accepts new recordings but does not have the old ones is the wrong one.
async fn find(store: &dyn BlobStore, newest: &recording::Model) -> std::result::Result<(), ProbeFailure> {
    let refused = |reason: String| ProbeFailure::new(reason, CURE);
    let key = ObjectKey::parse(&newest.key).map_err(|e| refused(e.to_string()))?;
    let found = timeout(PATIENCE, store.head(&key)).await;
    match found {
        Ok(Ok(Some(size))) if i64::try_from(size).is_ok_and(|size| size == newest.size) => Ok(()),
        Ok(Ok(_)) => Err(refused(format!("The newest recording of this provider, {key}, is not there."))),
        Ok(Err(error)) => Err(refused(StoreError::to_string(&error))),
        Err(_) => Err(refused("There was no answer in time.".into())),
    }
}

const CURE: &str = "Check that this is the place of the recordings this provider has, and that its disk is mounted. For \
                    another place add another provider, then move the recordings there.";
