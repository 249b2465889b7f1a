//! Connections and accounts declared in the configuration file (docs/configuration.md): applied at start-up, read-only
//! in the UI. What is no longer declared becomes editable again; nothing is deleted.

use crate::Vault;
use crate::base::Result;
use crate::base::entity::{account, connection};
use crate::base::{Principal, Task};
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

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
            self.accounts.save_as(&principal, form, true).await?;
        }
        Ok(())
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
