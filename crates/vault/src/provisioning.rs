//! Connections and accounts declared in the configuration file (docs/configuration.md): applied at start-up, read-only
//! in the UI. What is no longer declared becomes editable again; nothing is deleted.

use crate::Vault;
use crate::base::Result;
use crate::base::entity::{account, connection};
use crate::base::{Permission, Principal, Source, Task, VaultError, audit};
use crate::connections::names;
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel as _,
    QueryFilter,
};

/// What the file declares.
#[derive(Debug, Clone, Default)]
pub struct Provisioning {
    /// Providers and integrations; `id` is ignored.
    pub connections: Vec<ConnectionForm>,
    /// Accounts; `id` is ignored.
    pub accounts: Vec<AccountForm>,
    /// Things that had another name before.
    pub renamed: Vec<Renamed>,
}

/// Something that the file now calls otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// What it is; `None` for an account.
    pub family: Option<Family>,
    /// Its name until now.
    pub old: String,
    /// Its name in the file.
    pub new: String,
}

impl Vault {
    /// Applies the declarations. Safe to repeat.
    pub async fn provision(&self, wanted: Provisioning) -> Result<()> {
        let principal = Principal::Vault(Task::Provisioning);
        for renamed in &wanted.renamed {
            self.rename(&principal, renamed.clone()).await?;
        }
        self.tell_of_changed_names(&wanted).await?;
        self.release_provisioned().await?;
        for mut form in wanted.connections {
            form.id = self.connection_id(form.family, &form.name).await?;
            self.connections.declare(&principal, form).await?;
        }
        // All get their directories before any has its own to itself: two may have changed places.
        self.accounts.share_directories(wanted.accounts.iter().map(|form| form.name.clone()).collect()).await?;
        let exclusive: Vec<AccountForm> = wanted.accounts.iter().filter(|form| form.exclusive).cloned().collect();
        let shared = wanted.accounts.into_iter().map(|form| AccountForm { exclusive: false, ..form });
        for mut form in shared.chain(exclusive) {
            form.id = account_named(self.db.read(), &form.name).await?.map(|a| a.id);
            self.accounts.save_as(&principal, form, Source::File).await?;
        }
        self.accounts.log_overlaps().await
    }

    async fn connection_id(&self, family: Family, name: &str) -> Result<Option<i64>> {
        Ok(names::named(self.db.read(), family, name).await?.map(|c| c.id))
    }

    /// Gives something its new name, unless that was done at an earlier start.
    async fn rename(&self, principal: &Principal, Renamed { family, old, new }: Renamed) -> Result<()> {
        let principal = principal.clone();
        let renaming = self.db.write(move |tx| {
            Box::pin(async move {
                let what = family.map_or("account", Family::as_str);
                match family {
                    Some(family) => {
                        let Some(row) = names::named(tx, family, &old).await? else { return Ok(()) };
                        if names::named(tx, family, &new).await?.is_some() {
                            return Err(both_there(what, &old, &new));
                        }
                        let (id, updated_at) = (row.id, std::cmp::max(tx.now_ms(), row.updated_at + 1));
                        let mut row = row.into_active_model();
                        row.name = Set(new.clone());
                        row.updated_at = Set(updated_at);
                        row.update(tx).await?;
                        if family == Family::Provider {
                            names::take(tx, id, Some(&old), &new).await?;
                        }
                    }
                    None => {
                        let Some(row) = account_named(tx, &old).await? else { return Ok(()) };
                        if account_named(tx, &new).await?.is_some() {
                            return Err(both_there(what, &old, &new));
                        }
                        let mut row = row.into_active_model();
                        row.name = Set(new.clone());
                        row.update(tx).await?;
                    }
                }
                tracing::info!(old, new, "the {what} has another name");
                audit::record(
                    tx,
                    &principal,
                    Permission::Manage,
                    &format!("renamed {what}"),
                    &format!("{old} to {new}"),
                )
                .await
            })
        });
        renaming.await?;
        self.opened.notify();
        Ok(())
    }

    /// A name that the file has for the first time, beside one that it no longer has, may be a renaming that it does not
    /// tell. Then there are two of it.
    async fn tell_of_changed_names(&self, wanted: &Provisioning) -> Result<()> {
        let known = connection::Entity::find().all(self.db.read()).await?;
        for form in &wanted.connections {
            if known.iter().any(|row| row.name == form.name && row.family == form.family.as_str()) {
                continue;
            }
            let gone = known.iter().find(|row| {
                let declared = wanted.connections.iter().any(|c| c.name == row.name && c.family.as_str() == row.family);
                row.provisioned && row.kind == form.kind && row.family == form.family.as_str() && !declared
            });
            if let Some(gone) = gone {
                tracing::warn!(
                    new = form.name,
                    old = gone.name,
                    "vault.toml declares a new {} and the old one no longer: there are two now. If it was renamed, stop the \
                     vault, delete the new one, and say was = \"{}\" beside the new name",
                    form.family,
                    gone.name
                );
            }
        }
        Ok(())
    }

    async fn release_provisioned(&self) -> Result<()> {
        self.db
            .write(|tx| {
                Box::pin(async move {
                    let released = connection::ActiveModel { provisioned: Set(false), ..Default::default() };
                    connection::Entity::update_many().set(released).exec(tx).await?;
                    let released = account::ActiveModel { provisioned: Set(false), ..Default::default() };
                    account::Entity::update_many().set(released).exec(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn account_named(db: &impl ConnectionTrait, name: &str) -> Result<Option<account::Model>> {
    Ok(account::Entity::find().filter(account::Column::Name.eq(name)).one(db).await?)
}

fn both_there(what: &str, old: &str, new: &str) -> VaultError {
    VaultError::Conflict(format!(
        "vault.toml renames the {what} {old} to {new}, but there are both. Delete the one that is not needed in the UI, or \
         leave out was."
    ))
}
