//! Who changed what, written in the same transaction as the change.

use crate::base::Result;
use crate::base::db::{Db, Tx};
use crate::base::entity::audit;
use sea_orm::{ActiveValue::Set, EntityTrait, QueryOrder, QuerySelect};

/// Who makes a change: an administrator's name, `account <name>`, `provisioning` or `retention`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub String);

impl Actor {
    /// The configuration file.
    pub fn provisioning() -> Self {
        Self("provisioning".into())
    }

    /// Removal by accounts' day limits.
    pub(crate) fn retention() -> Self {
        Self("retention".into())
    }
}

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

/// Adds an entry. `subject` names the thing and never holds a secret.
pub(crate) async fn record(tx: &Tx, actor: &Actor, action: &str, subject: &str) -> Result<()> {
    let row = audit::ActiveModel {
        at: Set(tx.now_ms()),
        actor: Set(actor.0.clone()),
        action: Set(action.to_owned()),
        subject: Set(subject.to_owned()),
        ..Default::default()
    };
    audit::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}
