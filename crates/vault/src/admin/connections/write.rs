//! Writing a connection down, in the transaction of whatever changes with it.

use crate::base::db::Tx;
use crate::base::entity::connection;
use crate::base::keys::Keys;
use crate::base::{Permission, Principal, Result, Source, VaultError, audit};
use crate::connections::{find, names};
use crate::objects::removals;
use crate::outbox::deliveries;
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, IntoActiveModel as _};

/// A connection that was checked.
pub(super) struct Change {
    pub(super) form: ConnectionForm,
    /// Complete, with secrets.
    pub(super) settings: Settings,
    /// Which place it is from now on, if known; `None` leaves it as it is.
    pub(super) place: Option<Option<String>>,
    pub(super) source: Source,
}

/// Adds or changes it; returns its id.
pub(super) async fn write(tx: &Tx, keys: &Keys, principal: &Principal, change: Change) -> Result<i64> {
    let Change { form, settings, place, source } = change;
    let (name, provisioned) = (form.name, source == Source::File);
    let plain = serde_json::to_vec(&settings).expect("texts serialise");
    let taken = names::named(tx, form.family, &name).await?;
    if taken.is_some_and(|other| Some(other.id) != form.id) {
        return Err(VaultError::Conflict(format!(
            "There is already a {} named {name}; choose another name.",
            form.family
        )));
    }
    let mut old_name = None;
    let (action, id) = match form.id {
        None => {
            let row = connection::ActiveModel {
                family: Set(form.family.as_str().to_owned()),
                kind: Set(form.kind),
                name: Set(name.clone()),
                enabled: Set(form.enabled),
                provisioned: Set(provisioned),
                settings: Set(Vec::new()),
                place: Set(None),
                updated_at: Set(0),
                ..Default::default()
            };
            ("added", row.insert(tx).await?.id)
        }
        Some(id) => {
            let row = find(tx, id).await?;
            if row.provisioned && !provisioned {
                return Err(VaultError::Provisioned(row.name));
            }
            source.check(row.updated_at, &row.name)?;
            old_name = Some(row.name.clone());
            let mut row = row.into_active_model();
            row.kind = Set(form.kind);
            row.name = Set(name.clone());
            row.enabled = Set(form.enabled);
            row.provisioned = Set(provisioned);
            row.update(tx).await?;
            ("changed", id)
        }
    };
    if form.family == Family::Provider {
        names::take(tx, id, old_name.as_deref(), &name).await?;
    }
    let row = find(tx, id).await?;
    // It is also the row's version, and the clock may stand still.
    let updated_at = std::cmp::max(tx.now_ms(), row.updated_at + 1);
    let mut row = row.into_active_model();
    row.settings = Set(keys.seal(&connection::Model::sealed_in(id), &plain));
    if let Some(place) = place {
        row.place = Set(place);
    }
    row.updated_at = Set(updated_at);
    row.update(tx).await?;
    deliveries::make_all_due(tx, id).await?;
    removals::make_due(tx, id).await?;
    let subject = match old_name.filter(|old| *old != name) {
        Some(old) => format!("{name}, which was {old}"),
        None => name,
    };
    audit::record(tx, principal, Permission::Manage, &format!("{action} {}", form.family), &subject).await?;
    Ok(id)
}
