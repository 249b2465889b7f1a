//! Writing an account down, in the transaction of whatever changes with it.

use super::directories::Claims;
use crate::base::db::Tx;
use crate::base::entity::{account, account_integration, account_provider, account_secondary, connection};
use crate::base::keys::Keys;
use crate::base::{Permission, Principal, Result, Source, VaultError, audit};
use model::account::AccountForm;
use model::connection::Family;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel,
    QueryFilter as _,
};
use std::collections::BTreeSet;

/// Adds or changes it; returns its id.
pub(super) async fn save(
    tx: &Tx,
    keys: &Keys,
    principal: &Principal,
    form: AccountForm,
    source: Source,
) -> Result<i64> {
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
pub(super) async fn forget_links(tx: &Tx, id: i64) -> Result<()> {
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

pub(super) async fn find(db: &impl ConnectionTrait, id: i64) -> Result<account::Model> {
    account::Entity::find_by_id(id).one(db).await?.ok_or(VaultError::NotFound("account"))
}
