//! Connections and accounts declared in the configuration file (docs/configuration.md): applied at start-up, read-only
//! in the UI. What is no longer declared becomes editable again; nothing is deleted.

use crate::Vault;
use crate::access::guessable;
use crate::base::Result;
use crate::base::entity::{account, connection};
use crate::base::{Principal, Task};
use crate::host::notices::Notice;
use model::Secret;
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

/// Code of the notice about a declared secret that is easy to guess; its subject is `account <name>` or `user <name>`.
const WEAK_SECRET: &str = "weak-secret";

/// What the file declares.
#[derive(Debug, Clone, Default)]
pub struct Provisioning {
    /// Providers and integrations; `id` is ignored.
    pub connections: Vec<ConnectionForm>,
    /// Accounts; `id` is ignored.
    pub accounts: Vec<AccountForm>,
}

impl Vault {
    /// Applies the declarations. Safe to repeat.
    pub async fn provision(&self, wanted: Provisioning) -> Result<()> {
        self.release_provisioned().await?;
        let principal = Principal::Vault(Task::Provisioning);
        for mut form in wanted.connections {
            form.id = self.connection_id(form.family, &form.name).await?;
            self.connections.declare(&principal, form).await?;
        }
        for mut form in wanted.accounts {
            form.id = account::Entity::find()
                .filter(account::Column::Name.eq(&form.name))
                .one(self.db.read())
                .await?
                .map(|a| a.id);
            let (name, weakness) = (form.name.clone(), guessable::secret_key(&form));
            self.accounts.declare(&principal, form).await?;
            let cure = "Give the account another one, here and in its agents; until then it works as it is.";
            self.tell_of_secret(format!("account {name}"), format!("The secret key of account {name}"), weakness, cure)
                .await;
        }
        Ok(())
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

    async fn connection_id(&self, family: Family, name: &str) -> Result<Option<i64>> {
        let found = connection::Entity::find()
            .filter(connection::Column::Family.eq(family.as_str()))
            .filter(connection::Column::Name.eq(name))
            .one(self.db.read())
            .await?;
        Ok(found.map(|c| c.id))
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
