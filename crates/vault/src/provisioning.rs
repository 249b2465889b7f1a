//! Connections and accounts declared in the configuration file or the environment (docs/configuration.md): applied at
//! start-up, read-only in the UI. What is no longer declared becomes editable again; nothing is deleted.

use crate::Vault;
use crate::access::{accounts, guessable};
use crate::base::db::Tx;
use crate::base::entity::{account, connection};
use crate::base::{Permission, Principal, Result, Task, audit};
use crate::connections::names;
use crate::host::notices::Notice;
use model::Secret;
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel as _,
    QueryFilter,
};

/// Code of the notice about a declared secret that is easy to guess; its subject is `account <name>` or `user <name>`.
const WEAK_SECRET: &str = "weak-secret";

/// What is declared.
#[derive(Debug, Clone, Default)]
pub struct Provisioning {
    /// Providers and integrations; `id` is ignored.
    pub connections: Vec<ConnectionForm>,
    /// Accounts; `id` is ignored.
    pub accounts: Vec<AccountForm>,
    /// Things that had another name before.
    pub renamed: Vec<Renamed>,
}

/// Something that is now called otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// What it is; `None` for an account.
    pub family: Option<Family>,
    /// Its name until now.
    pub old: String,
    /// Its name now.
    pub new: String,
}

impl Renamed {
    fn what(&self) -> &'static str {
        self.family.map_or("account", Family::as_str)
    }
}

impl Provisioning {
    fn declares(&self, family: Option<Family>, name: &str) -> bool {
        match family {
            Some(family) => self.connections.iter().any(|form| form.family == family && form.name == name),
            None => self.accounts.iter().any(|form| form.name == name),
        }
    }
}

impl Vault {
    /// Applies the declarations, all of them or none. Safe to repeat.
    pub async fn provision(&self, wanted: Provisioning) -> Result<()> {
        self.connections.check_declared(&wanted.connections).await?;
        let weaknesses: Vec<_> =
            wanted.accounts.iter().map(|form| (form.name.clone(), guessable::secret_key(form))).collect();
        let this = self.clone();
        self.db.write(move |tx| Box::pin(async move { this.apply(tx, wanted).await })).await?;
        for (name, weakness) in weaknesses {
            let cure = "Give the account another one, here and in its agents; until then it works as it is.";
            self.tell_of_secret(format!("account {name}"), format!("The secret key of account {name}"), weakness, cure)
                .await;
        }
        self.accounts.forget_snapshot();
        self.opened.notify();
        Box::pin(self.opened.tell_of_shared_places()).await?;
        self.accounts.log_overlaps().await
    }

    /// Tells of an administrator's configured password that is easy to guess. It works all the same: without it nobody
    /// might get in.
    pub async fn tell_of_password(&self, username: &str, password: &Secret) {
        let weakness = guessable::password(username, password);
        let cure = "Configure another one, or change it in the UI and take this one out of the configuration.";
        self.tell_of_secret(
            format!("user {username}"),
            format!("The configured password of {username}"),
            weakness,
            cure,
        )
        .await;
    }

    async fn tell_of_secret(&self, subject: String, what: String, weakness: Option<String>, cure: &str) {
        let Some(why) = weakness else { return self.notices.clear(WEAK_SECRET, &subject).await };
        tracing::warn!("{what} {why}");
        let (text, cure) = (format!("{what} {why}."), cure.into());
        self.notices.raise(Notice { code: WEAK_SECRET, subject, text, cure, dismissible: true }).await;
    }

    async fn apply(&self, tx: &Tx, wanted: Provisioning) -> Result<()> {
        let principal = Principal::Vault(Task::Provisioning);
        self.rename_all(tx, &principal, &wanted).await?;
        release_provisioned(tx).await?;
        for form in wanted.connections {
            let (what, name) = (form.family.as_str(), form.name.clone());
            self.connections.declare(tx, &principal, form).await.map_err(|error| error.of(what, &name))?;
        }
        for mut form in wanted.accounts {
            form.id = account_named(tx, &form.name).await?.map(|row| row.id);
            let name = form.name.clone();
            self.accounts.declare(tx, &principal, form).await.map_err(|error| error.of("account", &name))?;
        }
        // All have their directories by now: two may have changed places.
        accounts::check_directories(tx).await
    }

    /// Gives everything its name in the file.
    async fn rename_all(&self, tx: &Tx, principal: &Principal, wanted: &Provisioning) -> Result<()> {
        // One may have the name that another is to get: as long as one was renamed, there may be room for the next.
        let mut left: Vec<Renamed> = wanted.renamed.iter().filter(|one| one.old != one.new).cloned().collect();
        let mut waiting = usize::MAX;
        while left.len() < waiting {
            waiting = left.len();
            let mut blocked = Vec::new();
            for renamed in left {
                if !rename(tx, principal, &renamed).await? {
                    blocked.push(renamed);
                }
            }
            left = blocked;
        }
        for renamed in left.iter().filter(|renamed| !wanted.declares(renamed.family, &renamed.old)) {
            let (what, old, new) = (renamed.what(), &renamed.old, &renamed.new);
            tracing::warn!(
                old,
                new,
                "the configuration renames a {what}, but there are both: move what one holds, and delete it"
            );
        }
        for renamed in self.untold(tx, wanted).await? {
            rename(tx, principal, &renamed).await?;
        }
        self.tell_of_changed_names(tx, wanted).await
    }

    /// What has another name in the file, although the file does not say so: it is set up as one that it declares no longer.
    async fn untold(&self, tx: &Tx, wanted: &Provisioning) -> Result<Vec<Renamed>> {
        let mut found = Vec::new();
        let connections = connection::Entity::find().filter(connection::Column::Provisioned.eq(true)).all(tx).await?;
        for form in &wanted.connections {
            if names::named(tx, form.family, &form.name).await?.is_some() {
                continue;
            }
            let family = Some(form.family);
            let mut same = connections.iter().filter(|row| {
                row.family == form.family.as_str()
                    && !wanted.declares(family, &row.name)
                    && self.connections.has_settings_of(row, form)
            });
            if let (Some(row), None) = (same.next(), same.next()) {
                found.push(Renamed { family, old: row.name.clone(), new: form.name.clone() });
            }
        }
        let accounts = account::Entity::find().filter(account::Column::Provisioned.eq(true)).all(tx).await?;
        for form in &wanted.accounts {
            let same =
                accounts.iter().find(|row| row.access_key == form.access_key && !wanted.declares(None, &row.name));
            if let (Some(row), None) = (same, account_named(tx, &form.name).await?) {
                found.push(Renamed { family: None, old: row.name.clone(), new: form.name.clone() });
            }
        }
        Ok(found)
    }

    /// A name that the file has for the first time, beside one that it no longer has, may be a renaming all the same. Then
    /// there are two of it.
    async fn tell_of_changed_names(&self, tx: &Tx, wanted: &Provisioning) -> Result<()> {
        let known = connection::Entity::find().all(tx).await?;
        for form in &wanted.connections {
            let is_known = |row: &&connection::Model| row.name == form.name && row.family == form.family.as_str();
            if known.iter().any(|row| is_known(&row)) {
                continue;
            }
            let gone = known.iter().find(|row| {
                let alike = row.kind == form.kind && row.family == form.family.as_str();
                row.provisioned && alike && !wanted.declares(Some(form.family), &row.name)
            });
            if let Some(gone) = gone {
                tracing::warn!(
                    new = form.name,
                    old = gone.name,
                    "the configuration declares a new {family}, and another one no longer. If that has only another name and other \
                     settings, there are two now: take the new one out of it, start, delete it in the UI, and declare \
                     it again with was = \"{old}\"",
                    family = form.family,
                    old = gone.name,
                );
            }
        }
        Ok(())
    }
}

/// Gives something its new name, unless that was done at an earlier start. Answers `false` if something else has the new one.
async fn rename(tx: &Tx, principal: &Principal, renamed: &Renamed) -> Result<bool> {
    let Renamed { family, old, new } = renamed;
    match family {
        Some(family) => {
            let Some(row) = names::named(tx, *family, old).await? else { return Ok(true) };
            if names::named(tx, *family, new).await?.is_some() {
                return Ok(false);
            }
            let (id, updated_at) = (row.id, std::cmp::max(tx.now_ms(), row.updated_at + 1));
            let mut row = row.into_active_model();
            row.name = Set(new.clone());
            row.updated_at = Set(updated_at);
            row.update(tx).await?;
            if *family == Family::Provider {
                names::take(tx, id, Some(old), new).await?;
            }
        }
        None => {
            let Some(row) = account_named(tx, old).await? else { return Ok(true) };
            if account_named(tx, new).await?.is_some() {
                return Ok(false);
            }
            let mut row = row.into_active_model();
            row.name = Set(new.clone());
            row.update(tx).await?;
        }
    }
    let what = renamed.what();
    tracing::info!(old, new, "the {what} has another name");
    let (action, subject) = (format!("renamed {what}"), format!("{old} to {new}"));
    audit::record(tx, principal, Permission::Manage, &action, &subject).await?;
    Ok(true)
}

async fn release_provisioned(tx: &Tx) -> Result<()> {
    let released = connection::ActiveModel { provisioned: Set(false), ..Default::default() };
    connection::Entity::update_many().set(released).exec(tx).await?;
    let released = account::ActiveModel { provisioned: Set(false), ..Default::default() };
    account::Entity::update_many().set(released).exec(tx).await?;
    Ok(())
}

async fn account_named(db: &impl ConnectionTrait, name: &str) -> Result<Option<account::Model>> {
    Ok(account::Entity::find().filter(account::Column::Name.eq(name)).one(db).await?)
}
