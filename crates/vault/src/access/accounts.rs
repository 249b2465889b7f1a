//! Accounts: credentials of agents, and what happens to their recordings.

use super::directories::Claims;
use crate::access::guessable;
use crate::base::damaged::Damage;
use crate::base::db::{Db, Tx};
use crate::base::entity::{account, account_integration, account_provider, account_secondary, connection};
use crate::base::folded::{folded, overlap};
use crate::base::keys::{Keys, mac, random, random_text};
use crate::base::{Permission, Principal, Source, audit};
use crate::base::{Result, VaultError};
use model::account::{AccountForm, AccountView, DirectoryRule, KeyPair, fields};
use model::connection::Family;
use model::key::NameError;
use model::{Directory, Secret};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder,
};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;

/// How long changes by other replicas may go unnoticed, in milliseconds.
const SNAPSHOT_MS: i64 = 3_000;
/// Most pairs of accounts with one directory that a start logs.
const MAX_OVERLAPS: usize = 20;

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
    /// Further providers that its agents may name.
    other_ids: Vec<i64>,
    /// Which directories other accounts have to themselves.
    claims: Arc<Claims>,
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

    /// Whether its agents may store at this provider.
    pub fn may_store_at(&self, provider_id: i64) -> bool {
        let further = || self.secondary_ids.iter().chain(&self.other_ids);
        self.provider_id == provider_id || further().any(|id| *id == provider_id)
    }
}

/// Why an upload has no usable directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryError {
    /// The account takes the agent's directory, and the agent named none.
    Missing,
    /// The agent's directory is not allowed.
    Invalid(NameError),
    /// Another account has it to itself.
    Taken,
}

impl Account {
    /// The directory of an upload; `wanted` is the one the agent names.
    pub fn directory(&self, wanted: &str) -> std::result::Result<Directory, DirectoryError> {
        let directory = match &self.directory {
            DirectoryRule::Fixed(directory) => directory.clone(),
            DirectoryRule::FromAgent if wanted.is_empty() => return Err(DirectoryError::Missing),
            DirectoryRule::FromAgent => Directory::parse(wanted).map_err(DirectoryError::Invalid)?,
        };
        if self.claims.keep_out(self.id, directory.as_str()) {
            return Err(DirectoryError::Taken);
        }
        Ok(directory)
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

    /// Removes an account. Its recordings stay.
    pub async fn delete(&self, principal: &Principal, id: i64) -> Result<()> {
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
        let others = account_provider::Entity::find().all(self.db.read()).await?;
        let enabled: HashSet<i64> = connection::Entity::find()
            .filter(connection::Column::Enabled.eq(true))
            .all(self.db.read())
            .await?
            .into_iter()
            .map(|c| c.id)
            .collect();
        let copies_of = |id: i64| secondaries.iter().filter(move |s| s.account_id == id).map(|s| s.provider_id);
        let others_of = |id: i64| others.iter().filter(move |o| o.account_id == id).map(|o| o.provider_id);
        let of_account = |id: i64| links.iter().filter(move |l| l.account_id == id).map(|l| l.integration_id);
        let mut by_access_key = HashMap::new();
        let rows = account::Entity::find().all(self.db.read()).await?;
        let claims = Arc::new(Claims::of(&rows));
        for row in rows {
            let secret = row.read_secret_key(&self.keys);
            let expected = secret.as_ref().ok().map(|secret| self.fingerprint(secret));
            let sound = secret.and_then(|_| row.read_directory());
            let account = sound.map(|directory| Account {
                id: row.id,
                name: row.name,
                enabled: row.enabled,
                provider_id: row.provider_id,
                directory,
                other_ids: others_of(row.id).collect(),
                claims: claims.clone(),
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

    /// Makes an account match its declaration. One that does already is not touched. Whether directories overlap is for the
    /// end, see [`check_directories`].
    pub(crate) async fn declare(&self, tx: &Tx, principal: &Principal, form: AccountForm) -> Result<()> {
        let errors = form.check();
        if !errors.is_empty() {
            return Err(VaultError::Invalid(errors));
        }
        if let Some(id) = form.id
            && self.is_already(tx, id, &form).await?
        {
            let declared = account::ActiveModel { id: Set(id), provisioned: Set(true), ..Default::default() };
            declared.update(tx).await?;
            return Ok(());
        }
        save(tx, &self.keys, principal, form, Source::File).await.map(drop)
    }

    /// Whether an account is what a form says.
    async fn is_already(&self, tx: &Tx, id: i64, form: &AccountForm) -> Result<bool> {
        let row = find(tx, id).await?;
        let views = views(tx, vec![row.clone()]).await?;
        let same_secret = row.read_secret_key(&self.keys).is_ok_and(|secret| secret.expose() == form.secret_key);
        let same = |names: &[String], others: &[String]| {
            names.iter().collect::<BTreeSet<_>>() == others.iter().collect::<BTreeSet<_>>()
        };
        Ok(same_secret
            && views.into_iter().all(|view| {
                view.enabled == form.enabled
                    && view.provider == form.provider
                    && view.directory == form.directory
                    && view.exclusive == form.exclusive
                    && view.day_limit == form.day_limit
                    && view.access_key == form.access_key
                    && view.cloud_analysis == form.cloud_analysis
                    && view.edge_analysis == form.edge_analysis
                    && same(&view.secondary_providers, &form.secondary_providers)
                    && same(&view.integrations, &form.integrations)
                    && form.other_providers.as_ref().is_none_or(|names| same(&view.other_providers, names))
            }))
    }

    /// Logs each two accounts whose directories overlap: either could be meant to have its own to itself.
    pub(crate) async fn log_overlaps(&self) -> Result<()> {
        let rows = account::Entity::find().order_by_asc(account::Column::Name).all(self.db.read()).await?;
        for [(one, its), (other, others)] in Claims::of(&rows).overlaps().into_iter().take(MAX_OVERLAPS) {
            tracing::warn!(
                one,
                its_directory = its,
                other,
                its_other_directory = others,
                "two accounts store in the same directory; exclusive = true gives one of them its own"
            );
        }
        Ok(())
    }

    pub(crate) fn forget_snapshot(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
    }
}

/// Whether two directories are one, or one lies in the other, for a store that does not tell all names apart.
pub fn directories_overlap(one: &str, other: &str) -> bool {
    one != "*" && other != "*" && overlap(&folded(one), &folded(other))
}

/// Accounts as lists show them.
async fn views(db: &impl ConnectionTrait, rows: Vec<account::Model>) -> Result<Vec<AccountView>> {
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

/// Fails if an account has its directory to itself and another's overlaps.
pub(crate) async fn check_directories(tx: &Tx) -> Result<()> {
    let rows = account::Entity::find().order_by_asc(account::Column::Name).all(tx).await?;
    let claims = Claims::of(&rows);
    for row in &rows {
        let checked = claims.check(Some(row.id), &row.directory, row.exclusive);
        checked.map_err(|error| error.of("account", &row.name))?;
    }
    Ok(())
}

async fn save(tx: &Tx, keys: &Keys, principal: &Principal, form: AccountForm, source: Source) -> Result<i64> {
    let provisioned = source == Source::File;
    let provider = connection_id(tx, Family::Provider, "provider", &form.provider).await?;
    let mut integrations = Vec::new();
    for name in &form.integrations {
        integrations.push(connection_id(tx, Family::Integration, "integrations", name).await?);
    }
    let mut secondaries = Vec::new();
    for name in &form.secondary_providers {
        secondaries.push(connection_id(tx, Family::Provider, "secondary_providers", name).await?);
    }
    let mut others = Vec::new();
    for name in form.other_providers.iter().flatten() {
        others.push(connection_id(tx, Family::Provider, "other_providers", name).await?);
    }
    let rows = account::Entity::find().all(tx).await?;
    if !provisioned {
        Claims::of(&rows).check(form.id, &form.directory, form.exclusive)?;
    }
    let clash = |other: Option<account::Model>| other.is_some_and(|o| Some(o.id) != form.id);
    if clash(account::Entity::find().filter(account::Column::Name.eq(&form.name)).one(tx).await?) {
        return Err(VaultError::Conflict(format!(
            "There is already an account named {}; choose another name.",
            form.name
        )));
    }
    let same_key = rows.iter().find(|row| row.access_key == form.access_key && Some(row.id) != form.id);
    if let Some(other) = same_key {
        let cure = match provisioned {
            true => format!(
                "If it was renamed in vault.toml, say was = \"{}\" beside its new name; else give it other keys.",
                other.name
            ),
            false => "Generate new keys.".to_owned(),
        };
        return Err(VaultError::Conflict(format!(
            "The account {} has the access key of the account {}. {cure}",
            form.name, other.name
        )));
    }
    let (action, existing) = match form.id {
        None => ("added account", None),
        Some(id) => ("changed account", Some(find(tx, id).await?)),
    };
    if let Some(row) = existing.as_ref().filter(|row| row.provisioned && !provisioned) {
        return Err(VaultError::Provisioned(row.name.clone()));
    }
    if let Some(row) = &existing {
        source.check(row.updated_at, &row.name)?;
    }
    let updated_at = existing.as_ref().map_or(0, |row| row.updated_at + 1);
    // Its cameras may still name the provider that it had: nobody enters another one in hundreds of them at once.
    let left = existing.as_ref().map(|row| row.provider_id).filter(|left| *left != provider);
    let mut row = existing.map(IntoActiveModel::into_active_model).unwrap_or_default();
    row.name = Set(form.name.clone());
    row.enabled = Set(form.enabled);
    row.provisioned = Set(provisioned);
    row.provider_id = Set(provider);
    row.directory = Set(form.directory);
    row.exclusive = Set(form.exclusive);
    row.day_limit = Set(form.day_limit);
    row.access_key = Set(form.access_key);
    row.cloud_analysis = Set(form.cloud_analysis);
    row.edge_analysis = Set(form.edge_analysis);
    // It is also the row's version, and the clock may stand still.
    row.updated_at = Set(std::cmp::max(tx.now_ms(), updated_at));
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
    forget_links(tx, id).await?;
    for integration in integrations {
        let link = account_integration::ActiveModel { account_id: Set(id), integration_id: Set(integration) };
        account_integration::Entity::insert(link).exec_without_returning(tx).await?;
    }
    for secondary in secondaries {
        let link = account_secondary::ActiveModel { account_id: Set(id), provider_id: Set(secondary) };
        account_secondary::Entity::insert(link).exec_without_returning(tx).await?;
    }
    let exact = form.other_providers.is_some();
    set_other_providers(tx, id, others, exact, left.filter(|_| !exact || !provisioned)).await?;
    audit::record(tx, principal, Permission::Manage, action, &form.name).await?;
    Ok(id)
}

/// Removes what an account is linked to, but for the providers that its agents may name.
async fn forget_links(tx: &Tx, id: i64) -> Result<()> {
    account_integration::Entity::delete_many().filter(account_integration::Column::AccountId.eq(id)).exec(tx).await?;
    account_secondary::Entity::delete_many().filter(account_secondary::Column::AccountId.eq(id)).exec(tx).await?;
    Ok(())
}

/// Which further providers an account's agents may name: `exact`ly the `wanted` ones, or those too; and the one that was its
/// main one until now.
async fn set_other_providers(tx: &Tx, id: i64, wanted: Vec<i64>, exact: bool, left: Option<i64>) -> Result<()> {
    if exact {
        account_provider::Entity::delete_many().filter(account_provider::Column::AccountId.eq(id)).exec(tx).await?;
    }
    let wanted: BTreeSet<i64> = wanted.into_iter().chain(left).collect();
    for provider in wanted {
        let link = account_provider::ActiveModel { account_id: Set(id), provider_id: Set(provider) };
        let known = OnConflict::columns([account_provider::Column::AccountId, account_provider::Column::ProviderId])
            .do_nothing()
            .to_owned();
        account_provider::Entity::insert(link).on_conflict(known).exec_without_returning(tx).await?;
    }
    Ok(())
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
