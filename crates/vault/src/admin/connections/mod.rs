//! What administrators set up: providers and integrations.

mod declared;
mod test_event;
mod validate;
mod write;

use crate::base::db::Db;
use crate::base::entity::{account, account_integration, account_provider, account_secondary, connection, upload};
use crate::base::keys::Keys;
use crate::base::{Permission, Principal, Source, audit};
use crate::base::{Result, VaultError};
use crate::connections::{Connections, ProviderInfo, holds_recordings, names};
use crate::flows::moves;
use crate::objects::removals;
use crate::outbox::deliveries::{self, Backlog};
use model::connection::{ConnectionForm, ConnectionView, Family, Kind};
use model::field::Settings;
use model::name;
use model::ports::Connector;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, QuerySelect};
use std::sync::Arc;
use write::{Change, write};

/// Manages connections.
#[derive(Clone)]
pub struct ConnectionSetup {
    db: Db,
    keys: Arc<Keys>,
    connector: Arc<dyn Connector>,
    connections: Connections,
}

impl ConnectionSetup {
    pub(crate) fn new(db: Db, keys: Arc<Keys>, connector: Arc<dyn Connector>, connections: Connections) -> Self {
        Self { db, keys, connector, connections }
    }

    /// Every connection of a family by name, except damaged ones.
    pub async fn list(&self, family: Family) -> Result<Vec<ConnectionView>> {
        let rows = connection::Entity::find()
            .filter(connection::Column::Family.eq(family.as_str()))
            .order_by_asc(connection::Column::Name)
            .all(self.db.read())
            .await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            match self.view(row).await {
                Ok(view) => views.push(view),
                Err(VaultError::Damaged(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(views)
    }

    /// One connection.
    pub async fn get(&self, id: i64) -> Result<ConnectionView> {
        self.view(self.connections.row(id).await?).await
    }

    /// Adds or changes a connection; returns its id.
    pub async fn save(&self, principal: &Principal, form: ConnectionForm) -> Result<i64> {
        self.save_as(principal, form, Source::Person { saw: None }).await
    }

    /// The same, unless it was changed since its form was opened: `saw` is its last change as the form had it.
    pub async fn save_unless_changed(
        &self,
        principal: &Principal,
        form: ConnectionForm,
        saw: Option<i64>,
    ) -> Result<i64> {
        self.save_as(principal, form, Source::Person { saw }).await
    }

    async fn save_as(&self, principal: &Principal, form: ConnectionForm, source: Source) -> Result<i64> {
        let settings = self.checked_settings(&form).await?;
        name::check(&form.name).map_err(|e| VaultError::Invalid(vec![e]))?;
        let moved = form.family == Family::Provider && self.changes_settings(&form, &settings).await?;
        if moved {
            self.connections.check_ground(form.id, &form.kind, &settings).await?;
        }
        let place = match moved {
            true => Some(Box::pin(self.connections.place_to_save(&form, &settings)).await?),
            false => None,
        };
        let (principal, keys) = (principal.clone(), self.keys.clone());
        let change = Change { form, settings, place, source };
        let id = self.db.write(move |tx| Box::pin(async move { write(tx, &keys, &principal, change).await })).await?;
        self.connections.notify();
        Box::pin(self.connections.tell_of_shared_places()).await?;
        Ok(id)
    }

    /// Removes a connection that nothing depends on any more, with its deliveries.
    pub async fn delete(&self, principal: &Principal, id: i64, backlog: Backlog) -> Result<()> {
        let principal = principal.clone();
        let deletion = self.db.write(move |tx| {
            Box::pin(async move {
                // Waits for whoever stores there right now; later ones wait for this, see `hold`.
                let row = connection::Entity::find_by_id(id).lock_exclusive().one(tx).await?;
                let row = row.ok_or(VaultError::NotFound("connection"))?;
                if row.provisioned {
                    return Err(VaultError::Provisioned(row.name));
                }
                let users = used_by(tx, &row).await?;
                if !users.is_empty() {
                    let users = users.join(", ");
                    return Err(VaultError::Conflict(format!("{} is used by the accounts {users}. Give them another one first.", row.name)));
                }
                if row.read_family()? == Family::Provider && holds_recordings(tx, id).await? {
                    return Err(VaultError::Conflict(format!(
                        "{} still holds recordings, which could not be read without it. Move them to another provider first, or disable it instead.",
                        row.name
                    )));
                }
                let arriving = upload::Entity::find().filter(upload::Column::ProviderId.eq(id)).limit(1).one(tx).await?;
                if moves::involves(tx, id).await? {
                    return Err(VaultError::Conflict(format!(
                        "Recordings are being moved from or to {}. Let the move end, or stop it first.",
                        row.name
                    )));
                }
                if arriving.is_some() {
                    return Err(VaultError::Conflict(format!(
                        "A recording is being uploaded to {}. Give its accounts another provider and try again in a minute.",
                        row.name
                    )));
                }
                let subject = match deliveries::forget_connection(tx, id, backlog).await? {
                    0 => row.name,
                    lost => format!("{}, with {lost} waiting deliveries", row.name),
                };
                names::forget(tx, id).await?;
                account_provider::Entity::delete_many().filter(account_provider::Column::ProviderId.eq(id)).exec(tx).await?;
                connection::Entity::delete_by_id(id).exec(tx).await?;
                audit::record(tx, &principal, Permission::Manage, &format!("deleted {}", row.family), &subject).await
            })
        });
        deletion.await?;
        self.connections.notify();
        self.connections.forget_elsewhere(id).await;
        self.connections.tell_of_shared_places().await
    }

    /// A provider by name.
    pub async fn provider_by_name(&self, name: &str) -> Result<Option<ProviderInfo>> {
        self.connections.provider_by_name(name).await
    }

    /// The submitted settings, completed with kept secrets and validated.
    async fn checked_settings(&self, form: &ConnectionForm) -> Result<Settings> {
        let kind = kind(form.family, &form.kind)?;
        let settings = match form.id {
            None => form.settings.clone(),
            Some(id) => {
                let row = self.connections.row(id).await?;
                if row.kind == form.kind && row.family == form.family.as_str() {
                    kind.keep_secrets(&self.connections.settings(&row)?, form.settings.clone(), &form.cleared)
                        .map_err(VaultError::Invalid)?
                } else {
                    form.settings.clone()
                }
            }
        };
        let errors = kind.check(&settings);
        if !errors.is_empty() {
            return Err(VaultError::Invalid(errors));
        }
        self.connections.check_addresses(&settings)?;
        Ok(settings)
    }

    /// Whether the connection is new or its settings change.
    async fn changes_settings(&self, form: &ConnectionForm, settings: &Settings) -> Result<bool> {
        let Some(id) = form.id else { return Ok(true) };
        let row = self.connections.row(id).await?;
        Ok(row.kind != form.kind || self.connections.settings(&row)? != *settings)
    }

    async fn view(&self, row: connection::Model) -> Result<ConnectionView> {
        let settings = self.connections.settings(&row)?;
        let (family, (settings, secrets_set)) = (row.read_family()?, row.read_kind()?.redact(&settings));
        let count = async |state| deliveries::count_in(&self.db, state, Some(row.id)).await;
        let (waiting, deferred) = (count(deliveries::WAITING).await?, count(deliveries::DEFERRED).await?);
        let parked = count(deliveries::PARKED).await?;
        Ok(ConnectionView {
            used_by: used_by(self.db.read(), &row).await?,
            former_names: match family {
                Family::Provider => names::former(self.db.read(), row.id).await?,
                Family::Integration => Vec::new(),
            },
            id: row.id,
            family,
            kind: row.kind,
            name: row.name,
            enabled: row.enabled,
            provisioned: row.provisioned,
            settings,
            secrets_set,
            waiting,
            deferred,
            parked,
            refused: match family {
                Family::Provider => removals::refused(&self.db, row.id).await?,
                Family::Integration => None,
            },
            updated_at: row.updated_at,
        })
    }
}

fn kind(family: Family, name: &str) -> Result<&'static Kind> {
    family.kind(name).ok_or_else(|| {
        let known: Vec<_> = family.kinds().iter().map(|k| k.name).collect();
        VaultError::invalid("kind", format!("'{name}' is no kind of {family}; known are: {}", known.join(", ")))
    })
}

/// Names of the accounts that use a connection.
async fn used_by(db: &impl ConnectionTrait, row: &connection::Model) -> Result<Vec<String>> {
    let accounts = account::Entity::find().order_by_asc(account::Column::Name);
    let accounts = if row.family == Family::Provider.as_str() {
        let copied =
            account_secondary::Entity::find().filter(account_secondary::Column::ProviderId.eq(row.id)).all(db).await?;
        let main = account::Column::ProviderId.eq(row.id);
        let secondary = account::Column::Id.is_in(copied.iter().map(|c| c.account_id));
        accounts.filter(main.or(secondary)).all(db).await?
    } else {
        let links = account_integration::Entity::find()
            .filter(account_integration::Column::IntegrationId.eq(row.id))
            .all(db)
            .await?;
        accounts.filter(account::Column::Id.is_in(links.iter().map(|l| l.account_id))).all(db).await?
    };
    Ok(accounts.into_iter().map(|a| a.name).collect())
}
