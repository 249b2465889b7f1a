//! Accounts: credentials of agents, and what happens to their recordings.

mod account;
mod declared;
mod directories;
mod leavings;
mod snapshot;
mod write;

use crate::access::guessable;
use crate::base::db::Db;
use crate::base::entity::{
    account as account_row, account_integration, account_provider, account_secondary, connection,
};
use crate::base::keys::{Keys, random, random_text};
use crate::base::{Permission, Principal, Result, Source, VaultError, audit};
use model::account::{AccountForm, AccountView, KeyPair, Leavings, fields};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use snapshot::Snapshot;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};
use tokio::sync::watch;
use write::{find, forget_links, save};

pub use account::{Account, DirectoryError};
pub(crate) use declared::check_directories;
pub use directories::directories_overlap;

/// Manages accounts and recognises their credentials.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    keys: Arc<Keys>,
    snapshot: Arc<RwLock<Option<Arc<Snapshot>>>>,
    connections_changed: watch::Receiver<u64>,
    /// Incremented by every change, so that a snapshot read before a change is not kept after it.
    version: Arc<AtomicU64>,
    /// Secrets are compared by HMAC under this key of the process: equal lengths, and nothing to learn from timing.
    comparing: [u8; 32],
}

impl Accounts {
    pub(crate) fn new(db: Db, keys: Arc<Keys>, connections_changed: watch::Receiver<u64>) -> Self {
        let (snapshot, version) = (Arc::default(), Arc::default());
        Self { db, keys, snapshot, connections_changed, version, comparing: random() }
    }

    /// Every account, by name.
    pub async fn list(&self) -> Result<Vec<AccountView>> {
        let rows = account_row::Entity::find().order_by_asc(account_row::Column::Name).all(self.db.read()).await?;
        views(self.db.read(), rows).await
    }

    /// One account.
    pub async fn get(&self, id: i64) -> Result<AccountView> {
        self.list().await?.into_iter().find(|a| a.id == id).ok_or(VaultError::NotFound("account"))
    }

    /// Adds or changes an account; returns its id. A secret key that is easy to guess is refused.
    pub async fn save(&self, principal: &Principal, form: AccountForm) -> Result<i64> {
        self.save_as(principal, form, Source::Person { saw: None }).await
    }

    /// The same, unless it was changed since its form was opened: `saw` is its last change as the form had it.
    pub async fn save_unless_changed(&self, principal: &Principal, form: AccountForm, saw: Option<i64>) -> Result<i64> {
        self.save_as(principal, form, Source::Person { saw }).await
    }

    async fn save_as(&self, principal: &Principal, form: AccountForm, source: Source) -> Result<i64> {
        if form.check().is_empty()
            && let Some(why) = guessable::secret_key(&form)
        {
            let message = format!("{} {why}; Generate keys makes one that will do", fields::SECRET_KEY.label);
            return Err(VaultError::invalid(fields::SECRET_KEY.name, message));
        }
        let errors = form.check();
        if !errors.is_empty() {
            return Err(VaultError::Invalid(errors));
        }
        let (principal, keys) = (principal.clone(), self.keys.clone());
        let id =
            self.db.write(move |tx| Box::pin(async move { save(tx, &keys, &principal, form, source).await })).await?;
        self.forget_snapshot();
        Ok(id)
    }

    /// Removes an account. Its recordings go as `leavings` says.
    pub async fn delete(&self, principal: &Principal, id: i64, leavings: Leavings) -> Result<()> {
        let principal = principal.clone();
        let deletion = self.db.write(move |tx| {
            Box::pin(async move {
                let row = find(tx, id).await?;
                if row.provisioned {
                    return Err(VaultError::Provisioned(row.name));
                }
                forget_links(tx, id).await?;
                account_provider::Entity::delete_many()
                    .filter(account_provider::Column::AccountId.eq(id))
                    .exec(tx)
                    .await?;
                account_row::Entity::delete_by_id(id).exec(tx).await?;
                leavings::write(tx, &row, leavings).await?;
                let subject = format!("{}, whose recordings {}", row.name, leavings.in_words());
                audit::record(tx, &principal, Permission::Manage, "deleted account", &subject).await
            })
        });
        deletion.await?;
        self.forget_snapshot();
        Ok(())
    }

    /// An account's keys in clear text. Every look is audited.
    pub async fn reveal(&self, principal: &Principal, id: i64) -> Result<KeyPair> {
        let row = find(self.db.read(), id).await?;
        let secret_key = self.db.damaged_rows().or_error(row.read_secret_key(&self.keys))?;
        let (principal, name) = (principal.clone(), row.name);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    audit::record(tx, &principal, Permission::Manage, "revealed secret key", &name).await
                })
            })
            .await?;
        Ok(KeyPair { access_key: row.access_key, secret_key: secret_key.expose().to_owned() })
    }

    /// A fresh pair of keys.
    pub fn generate_keys(&self) -> KeyPair {
        KeyPair { access_key: random_text(), secret_key: random_text() + &random_text() }
    }
}

/// Accounts as lists show them.
async fn views(db: &impl ConnectionTrait, rows: Vec<account_row::Model>) -> Result<Vec<AccountView>> {
    let names: HashMap<i64, String> =
        connection::Entity::find().all(db).await?.into_iter().map(|c| (c.id, c.name)).collect();
    let links = account_integration::Entity::find().all(db).await?;
    let secondaries = account_secondary::Entity::find().all(db).await?;
    let others = account_provider::Entity::find().all(db).await?;
    let name = |id: i64| names.get(&id).cloned().unwrap_or_default();
    Ok(rows
        .into_iter()
        .map(|row| AccountView {
            provider: name(row.provider_id),
            secondary_providers: secondaries
                .iter()
                .filter(|s| s.account_id == row.id)
                .map(|s| name(s.provider_id))
                .collect(),
            other_providers: others.iter().filter(|o| o.account_id == row.id).map(|o| name(o.provider_id)).collect(),
            integrations: links.iter().filter(|l| l.account_id == row.id).map(|l| name(l.integration_id)).collect(),
            id: row.id,
            name: row.name,
            enabled: row.enabled,
            provisioned: row.provisioned,
            directory: row.directory,
            exclusive: row.exclusive,
            day_limit: row.day_limit,
            access_key: row.access_key,
            cloud_analysis: row.cloud_analysis,
            edge_analysis: row.edge_analysis,
            updated_at: row.updated_at,
        })
        .collect())
}
