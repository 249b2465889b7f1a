//! Connections declared in the configuration file.

use super::ConnectionSetup;
use crate::base::{Principal, Result, Source};
use crate::connections::find;
use model::connection::ConnectionForm;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, IntoActiveModel as _};

impl ConnectionSetup {
    /// Makes a connection match its declaration. One that does already is not touched: a mere start must not end its
    /// deliveries' waits.
    pub(crate) async fn declare(&self, principal: &Principal, form: ConnectionForm) -> Result<()> {
        match form.id {
            Some(id) if self.is_already(id, &form).await? => self.mark_declared(id).await,
            _ => self.save_as(principal, form, Source::File).await.map(drop),
        }
    }

    async fn is_already(&self, id: i64, form: &ConnectionForm) -> Result<bool> {
        let row = self.connections.row(id).await?;
        Ok(row.kind == form.kind && row.enabled == form.enabled && self.connections.settings(&row)? == form.settings)
    }

    async fn mark_declared(&self, id: i64) -> Result<()> {
        let marking = self.db.write(move |tx| {
            Box::pin(async move {
                let mut row = find(tx, id).await?.into_active_model();
                row.provisioned = Set(true);
                row.update(tx).await?;
                Ok(())
            })
        });
        marking.await
    }
}
