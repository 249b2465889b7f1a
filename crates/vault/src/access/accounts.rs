//! Accounts: credentials of agents, and what happens to their recordings.

use crate::access::guessable;
use crate::base::damaged::Damage;
use crate::base::db::{Db, Tx};
use crate::base::entity::{account, account_integration, account_secondary, connection};
use crate::base::keys::{Keys, mac, random, random_text};
use crate::base::{Permission, Principal, audit};
use crate::base::{Result, VaultError};
use model::account::{AccountForm, AccountView, DirectoryRule, KeyPair, fields};
use model::connection::Family;
use model::key::NameError;
use model::{Directory, Secret};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder,
};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;

/// How long changes by other replicas may go unnoticed, in milliseconds.
const SNAPSHOT_MS: i64 = 3_000;

/// An account that was authenticated. Nobody outside this crate can make one up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Account {
    /// Row id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Disabled accounts are refused everything.
    pub enabled: bool,
    /// Main provider.
    pub provider_id: i64,
    /// Where its recordings go.
    pub directory: DirectoryRule,
    /// Providers that get a copy, including disabled ones, which get their copies once enabled again.
    pub secondary_ids: Vec<i64>,
    /// Enabled integrations that are told about its recordings.
    pub integrations: Vec<i64>,
    /// Whether the Hub pipeline may analyse them.
    pub cloud_analysis: bool,
}

impl Account {
    /// Whoever has its keys, as use cases want to know.
    pub fn principal(&self) -> Principal {
        Principal::Account { id: self.id, name: self.name.clone() }
    }
}

/// Why an upload has no usable directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryError {
    /// The account takes the agent's directory, and the agent named none.
    Missing,
    /// The agent's directory is not allowed.
    Invalid(NameError),
}

impl Account {
    /// The directory of an upload; `wanted` is the one the agent names.
    pub fn directory(&self, wanted: &str) -> std::result::Result<Directory, DirectoryError> {
        match &self.directory {
            DirectoryRule::Fixed(directory) => Ok(directory.clone()),
            DirectoryRule::FromAgent if wanted.is_empty() => Err(DirectoryError::Missing),
            DirectoryRule::FromAgent => Directory::parse(wanted).map_err(DirectoryError::Invalid),
        }
    }
}

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

struct Snapshot {
    taken_at: i64,
    connections_version: u64,
    version: u64,
    by_access_key: HashMap<String, Known>,
}

/// An account, or the damage because of which it is left out.
struct Known {
    account: std::result::Result<Account, Damage>,
    /// Expected fingerprint of the secret key. Without one (damaged), whoever has the access key learns of the damage.
    expected: Option<[u8; 32]>,
}

impl Snapshot {
    /// Whether no account is left out. A damaged row may be mended without the vault noticing.
    fn is_whole(&self) -> bool {
        self.by_access_key.values().all(|known| known.account.is_ok())
    }
}

impl Accounts {
    pub(crate) fn new(db: Db, keys: Arc<Keys>, connections_changed: watch::Receiver<u64>) -> Self {
        let (snapshot, version) = (Arc::default(), Arc::default());
        Self { db, keys, snapshot, connections_changed, version, comparing: random() }
    }

    /// Every account, by name.
    pub async fn list(&self) -> Result<Vec<AccountView>> {
        let rows = account::Entity::find().order_by_asc(account::Column::Name).all(self.db.read()).await?;
        let names: HashMap<i64, String> =
            connection::Entity::find().all(self.db.read()).await?.into_iter().map(|c| (c.id, c.name)).collect();
        let links = account_integration::Entity::find().all(self.db.read()).await?;
        let secondaries = account_secondary::Entity::find().all(self.db.read()).await?;
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
                integrations: links.iter().filter(|l| l.account_id == row.id).map(|l| name(l.integration_id)).collect(),
                id: row.id,
                name: row.name,
                enabled: row.enabled,
                provisioned: row.provisioned,
                directory: row.directory,
                day_limit: row.day_limit,
                access_key: row.access_key,
                cloud_analysis: row.cloud_analysis,
                edge_analysis: row.edge_analysis,
                updated_at: row.updated_at,
            })
            .collect())
    }

    /// One account.
    pub async fn get(&self, id: i64) -> Result<AccountView> {
        self.list().await?.into_iter().find(|a| a.id == id).ok_or(VaultError::NotFound("account"))
    }

    /// Adds or changes an account; returns its id. A secret key that is easy to guess is refused.
    pub async fn save(&self, principal: &Principal, form: AccountForm) -> Result<i64> {
        if form.check().is_empty()
            && let Some(why) = guessable::secret_key(&form)
        {
            let message = format!("{} {why}; Generate keys makes one that will do", fields::SECRET_KEY.label);
            return Err(VaultError::invalid(fields::SECRET_KEY.name, message));
        }
        self.save_as(principal, form, false).await
    }

    /// The same for what the configuration declares, whatever its secret key.
    pub(crate) async fn declare(&self, principal: &Principal, form: AccountForm) -> Result<i64> {
        self.save_as(principal, form, true).await
    }

    async fn save_as(&self, principal: &Principal, form: AccountForm, provisioned: bool) -> Result<i64> {
        let errors = form.check();
        if !errors.is_empty() {
            return Err(VaultError::Invalid(errors));
        }
        let (principal, keys) = (principal.clone(), self.keys.clone());
        let id = self.db.write(move |tx| Box::pin(save(tx, keys, principal, form, provisioned))).await?;
        self.forget_snapshot();
        Ok(id)
    }

    /// Removes an account. Its recordings stay.
    pub async fn delete(&self, principal: &Principal, id: i64) -> Result<()> {
        let principal = principal.clone();
        let deletion = self.db.write(move |tx| {
            Box::pin(async move {
                let row = find(tx, id).await?;
                if row.provisioned {
                    return Err(VaultError::Provisioned(row.name));
                }
                account_integration::Entity::delete_many()
                    .filter(account_integration::Column::AccountId.eq(id))
                    .exec(tx)
                    .await?;
                account_secondary::Entity::delete_many()
                    .filter(account_secondary::Column::AccountId.eq(id))
                    .exec(tx)
                    .await?;
                account::Entity::delete_by_id(id).exec(tx).await?;
                audit::record(tx, &principal, Permission::Manage, "deleted account", &row.name).await
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

    /// The account with these credentials; `None` when either is wrong, in the same time.
    pub async fn authenticate(&self, access_key: &str, secret_key: &Secret) -> Result<Option<Account>> {
        let snapshot = self.snapshot().await?;
        let given = self.fingerprint(secret_key);
        let found = snapshot.by_access_key.get(access_key);
        let expected = found.map_or(Some([0; 32]), |known| known.expected);
        let genuine: bool = expected.is_none_or(|expected| given.ct_eq(&expected).into());
        match found.filter(|_| genuine) {
            None => Ok(None),
            Some(known) => Ok(Some(known.account.clone()?)),
        }
    }

    /// What may be kept of a secret: its MAC under a key of this process.
    pub fn fingerprint(&self, secret_key: &Secret) -> [u8; 32] {
        mac(&self.comparing, secret_key.expose().as_bytes())
    }

    async fn snapshot(&self) -> Result<Arc<Snapshot>> {
        let now = self.db.now_ms();
        let connections_version = *self.connections_changed.borrow();
        let version = self.version.load(Ordering::SeqCst);
        let current = self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone();
        let fresh = |s: &Arc<Snapshot>| {
            s.connections_version == connections_version
                && s.version == version
                && ((!self.db.is_shared() && s.is_whole()) || now - s.taken_at < SNAPSHOT_MS)
        };
        if let Some(snapshot) = current.filter(fresh) {
            return Ok(snapshot);
        }
        let links = account_integration::Entity::find().all(self.db.read()).await?;
        let secondaries = account_secondary::Entity::find().all(self.db.read()).await?;
        let enabled: HashSet<i64> = connection::Entity::find()
            .filter(connection::Column::Enabled.eq(true))
            .all(self.db.read())
            .await?
            .into_iter()
            .map(|c| c.id)
            .collect();
        let copies_of = |id: i64| secondaries.iter().filter(move |s| s.account_id == id).map(|s| s.provider_id);
        let of_account = |id: i64| links.iter().filter(move |l| l.account_id == id).map(|l| l.integration_id);
        let mut by_access_key = HashMap::new();
        for row in account::Entity::find().all(self.db.read()).await? {
            let secret = row.read_secret_key(&self.keys);
            let expected = secret.as_ref().ok().map(|secret| self.fingerprint(secret));
            let sound = secret.and_then(|_| row.read_directory());
            let account = sound.map(|directory| Account {
                id: row.id,
                name: row.name,
                enabled: row.enabled,
                provider_id: row.provider_id,
                directory,
                secondary_ids: copies_of(row.id).collect(),
                integrations: of_account(row.id).filter(|id| enabled.contains(id)).collect(),
                cloud_analysis: row.cloud_analysis,
            });
            by_access_key.insert(row.access_key, Known { account: self.db.damaged_rows().reported(account), expected });
        }
        let snapshot = Arc::new(Snapshot { taken_at: now, connections_version, version, by_access_key });
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot.clone());
        Ok(snapshot)
    }

    fn forget_snapshot(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
    }
}

async fn save(tx: &Tx, keys: Arc<Keys>, principal: Principal, form: AccountForm, provisioned: bool) -> Result<i64> {
    let provider = connection_id(tx, Family::Provider, "provider", &form.provider).await?;
    let mut integrations = Vec::new();
    for name in &form.integrations {
        integrations.push(connection_id(tx, Family::Integration, "integrations", name).await?);
    }
    let mut secondaries = Vec::new();
    for name in &form.secondary_providers {
        secondaries.push(connection_id(tx, Family::Provider, "secondary_providers", name).await?);
    }
    let clash = |other: Option<account::Model>| other.is_some_and(|o| Some(o.id) != form.id);
    if clash(account::Entity::find().filter(account::Column::Name.eq(&form.name)).one(tx).await?) {
        return Err(VaultError::Conflict(format!(
            "There is already an account named {}; choose another name.",
            form.name
        )));
    }
    if clash(account::Entity::find().filter(account::Column::AccessKey.eq(&form.access_key)).one(tx).await?) {
        return Err(VaultError::Conflict("Another account has this access key; generate new keys.".into()));
    }
    let (action, existing) = match form.id {
        None => ("added account", None),
        Some(id) => ("changed account", Some(find(tx, id).await?)),
    };
    if let Some(row) = existing.as_ref().filter(|row| row.provisioned && !provisioned) {
        return Err(VaultError::Provisioned(row.name.clone()));
    }
    let mut row = existing.map(IntoActiveModel::into_active_model).unwrap_or_default();
    row.name = Set(form.name.clone());
    row.enabled = Set(form.enabled);
    row.provisioned = Set(provisioned);
    row.provider_id = Set(provider);
    row.directory = Set(form.directory);
    row.day_limit = Set(form.day_limit);
    row.access_key = Set(form.access_key);
    row.cloud_analysis = Set(form.cloud_analysis);
    row.edge_analysis = Set(form.edge_analysis);
    row.updated_at = Set(tx.now_ms());
    if form.id.is_none() {
        row.secret_key = Set(Vec::new());
    }
    let saved = if form.id.is_none() { row.insert(tx).await? } else { row.update(tx).await? };
    let id = saved.id;
    if !form.secret_key.is_empty() {
        let mut row = saved.into_active_model();
        row.secret_key = Set(keys.seal(&account::Model::sealed_in(id), form.secret_key.as_bytes()));
        row.update(tx).await?;
    }
    account_integration::Entity::delete_many().filter(account_integration::Column::AccountId.eq(id)).exec(tx).await?;
    for integration in integrations {
        let link = account_integration::ActiveModel { account_id: Set(id), integration_id: Set(integration) };
        account_integration::Entity::insert(link).exec_without_returning(tx).await?;
    }
    account_secondary::Entity::delete_many().filter(account_secondary::Column::AccountId.eq(id)).exec(tx).await?;
    for secondary in secondaries {
        let link = account_secondary::ActiveModel { account_id: Set(id), provider_id: Set(secondary) };
        account_secondary::Entity::insert(link).exec_without_returning(tx).await?;
    }
    audit::record(tx, &principal, Permission::Manage, action, &form.name).await?;
    Ok(id)
}

async fn connection_id(tx: &Tx, family: Family, field: &str, name: &str) -> Result<i64> {
    let found = connection::Entity::find()
        .filter(connection::Column::Family.eq(family.as_str()))
        .filter(connection::Column::Name.eq(name))
        .one(tx)
        .await?;
    found.map(|c| c.id).ok_or_else(|| VaultError::invalid(field, format!("There is no {family} named '{name}'")))
}

async fn find(db: &impl ConnectionTrait, id: i64) -> Result<account::Model> {
    account::Entity::find_by_id(id).one(db).await?.ok_or(VaultError::NotFound("account"))
}
