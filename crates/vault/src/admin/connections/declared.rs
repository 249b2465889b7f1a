//! Connections declared in the configuration file.

use super::write::{Change, write};
use super::{ConnectionSetup, kind};
use crate::base::db::Tx;
use crate::base::entity::connection;
use crate::base::{Principal, Result, Source, VaultError};
use crate::connections::names;
use model::connection::{ConnectionForm, Family};
use model::name;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, IntoActiveModel as _};

impl ConnectionSetup {
    /// Checks what the file declares, before anything of it is written.
    pub(crate) async fn check_declared(&self, declared: &[ConnectionForm]) -> Result<()> {
        for form in declared {
            self.check_one(form, declared).await.map_err(|error| error.of(form.family.as_str(), &form.name))?;
        }
        Ok(())
    }

    async fn check_one(&self, form: &ConnectionForm, declared: &[ConnectionForm]) -> Result<()> {
        name::check(&form.name).map_err(|error| VaultError::Invalid(vec![error]))?;
        let errors = kind(form.family, &form.kind)?.check(&form.settings);
        if !errors.is_empty() {
            return Err(VaultError::Invalid(errors));
        }
        self.connections.check_addresses(&form.settings)?;
        let stored = names::named(self.db.read(), form.family, &form.name).await?;
        if form.family == Family::Provider && !stored.is_some_and(|row| self.is_already(&row, form)) {
            self.connections.check_declared_ground(form, declared).await?;
        }
        Ok(())
    }

    /// Makes a connection match its declaration. One that does already is not touched: a mere start must not end its
    /// deliveries' waits. A start does not wait for its providers either; they are looked at right after it.
    pub(crate) async fn declare(&self, tx: &Tx, principal: &Principal, mut form: ConnectionForm) -> Result<()> {
        let stored = names::named(tx, form.family, &form.name).await?;
        form.id = stored.as_ref().map(|row| row.id);
        let moved = match stored {
            Some(row) if self.is_already(&row, &form) => {
                let mut row = row.into_active_model();
                row.provisioned = Set(true);
                row.update(tx).await?;
                return Ok(());
            }
            Some(row) => !self.has_settings_of(&row, &form),
            None => false,
        };
        // A configuration file is complete every time; what it leaves out is meant to be gone.
        let (settings, place) = (form.settings.clone(), moved.then_some(None));
        write(tx, &self.keys, principal, Change { form, settings, place, source: Source::File }).await.map(drop)
    }

    /// Whether a row is what a form says.
    fn is_already(&self, row: &connection::Model, form: &ConnectionForm) -> bool {
        row.enabled == form.enabled && self.has_settings_of(row, form)
    }

    /// Whether a row is set up as a form says, enabled or not. What cannot be read is not.
    pub(crate) fn has_settings_of(&self, row: &connection::Model, form: &ConnectionForm) -> bool {
        row.kind == form.kind && self.connections.settings(row).is_ok_and(|settings| settings == form.settings)
    }
}
