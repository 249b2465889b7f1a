//! Who changed what, written in the same transaction as the change.

use crate::base::db::{Db, Tx};
use crate::base::entity::audit;
use crate::base::{Permission, Principal, Result};
use sea_orm::{ActiveValue::Set, EntityTrait, QueryOrder, QuerySelect};

/// Reads the audit log.
#[derive(Clone)]
pub struct Audit(Db);

impl Audit {
    pub(crate) fn new(db: Db) -> Self {
        Self(db)
    }

    /// The latest entries, newest first.
    pub async fn latest(&self, limit: u64) -> Result<Vec<audit::Model>> {
        Ok(audit::Entity::find().order_by_desc(audit::Column::Id).limit(limit).all(self.0.read()).await?)
    }
}

/// Adds an entry, if they may do this. `subject` names the thing and never holds a secret.
///
/// # Errors
/// [`VaultError::Forbidden`](crate::VaultError::Forbidden): the transaction is rolled back with whatever it changed, so
/// that no change passes without asking.
pub(crate) async fn record(
    tx: &Tx,
    principal: &Principal,
    permission: Permission,
    action: &str,
    subject: &str,
) -> Result<()> {
    principal.may(permission)?;
    let (kind, name) = principal.parts();
    let row = audit::ActiveModel {
        at: Set(tx.now_ms()),
        actor: Set(name.to_owned()),
        actor_kind: Set(kind.to_owned()),
        action: Set(action.to_owned()),
        subject: Set(subject.to_owned()),
        ..Default::default()
    };
    audit::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}
