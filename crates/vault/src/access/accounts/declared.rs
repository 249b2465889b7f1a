//! Accounts that the configuration file declares.

use super::directories::Claims;
use super::write::{find, save};
use super::{Accounts, views};
use crate::base::db::Tx;
use crate::base::entity::account;
use crate::base::{Principal, Result, Source, VaultError};
use model::account::AccountForm;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _, QueryOrder as _};
use std::collections::BTreeSet;

/// Most pairs of accounts with one directory that a start logs.
const MAX_OVERLAPS: usize = 20;

impl Accounts {
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
