//! Names of providers. One that was renamed keeps its old name besides, until another provider takes it: hundreds of cameras
//! are set to it, and events of last week say it.

use super::{Connections, ProviderInfo};
use crate::base::Result;
use crate::base::db::Tx;
use crate::base::entity::{connection, provider_alias};
use model::connection::Family;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::collections::HashMap;

impl Connections {
    /// A provider by its name, or by one that it had.
    pub(crate) async fn provider_by_name(&self, name: &str) -> Result<Option<ProviderInfo>> {
        let found = match named(self.db.read(), Family::Provider, name).await? {
            Some(row) => Some(row),
            None => match provider_alias::Entity::find_by_id(name).one(self.db.read()).await? {
                Some(alias) => connection::Entity::find_by_id(alias.provider_id).one(self.db.read()).await?,
                None => None,
            },
        };
        Ok(found.map(|row| ProviderInfo { id: row.id, name: row.name, enabled: row.enabled }))
    }

    /// Every name of a provider, and those that it had, with its id.
    pub(crate) async fn provider_ids_by_name(&self) -> Result<HashMap<String, i64>> {
        let aliases = provider_alias::Entity::find().all(self.db.read()).await?;
        let names: Vec<(String, i64)> = connection::Entity::find()
            .select_only()
            .columns([connection::Column::Name, connection::Column::Id])
            .filter(connection::Column::Family.eq(Family::Provider.as_str()))
            .into_tuple()
            .all(self.db.read())
            .await?;
        // A name counts before one that another provider had.
        Ok(aliases.into_iter().map(|alias| (alias.name, alias.provider_id)).chain(names).collect())
    }
}

/// The connection that has this name now.
pub(crate) async fn named(db: &impl ConnectionTrait, family: Family, name: &str) -> Result<Option<connection::Model>> {
    let found = connection::Entity::find()
        .filter(connection::Column::Family.eq(family.as_str()))
        .filter(connection::Column::Name.eq(name));
    Ok(found.one(db).await?)
}

/// Names that a provider had, and still answers to.
pub(crate) async fn former(db: &impl ConnectionTrait, provider_id: i64) -> Result<Vec<String>> {
    let aliases = provider_alias::Entity::find()
        .filter(provider_alias::Column::ProviderId.eq(provider_id))
        .order_by_asc(provider_alias::Column::Name);
    Ok(aliases.all(db).await?.into_iter().map(|alias| alias.name).collect())
}

/// A provider takes a name. If it is renamed, it keeps the old one besides.
pub(crate) async fn take(tx: &Tx, provider_id: i64, old: Option<&str>, new: &str) -> Result<()> {
    provider_alias::Entity::delete_by_id(new).exec(tx).await?;
    let Some(old) = old.filter(|old| *old != new) else { return Ok(()) };
    let alias = provider_alias::ActiveModel { name: Set(old.to_owned()), provider_id: Set(provider_id) };
    let latest =
        OnConflict::column(provider_alias::Column::Name).update_column(provider_alias::Column::ProviderId).to_owned();
    provider_alias::Entity::insert(alias).on_conflict(latest).exec_without_returning(tx).await?;
    Ok(())
}

/// A provider is deleted.
pub(crate) async fn forget(tx: &Tx, provider_id: i64) -> Result<()> {
    provider_alias::Entity::delete_many().filter(provider_alias::Column::ProviderId.eq(provider_id)).exec(tx).await?;
    Ok(())
}
