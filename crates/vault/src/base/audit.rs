//! Who changed what, written in the same transaction as the change.

use crate::base::Result;
use crate::base::db::{Db, Tx};
use crate::base::entity::audit;
use sea_orm::{ActiveValue::Set, EntityTrait, QueryOrder, QuerySelect};

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person who signed in, by user name.
    Person(String),
    /// An account, by name: its agents, or whoever else has its keys.
    Account(String),
    /// The vault itself, when it does this.
    Vault(Task),
}

/// What a vault does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Making what the first start needs.
    FirstStart,
    /// Applying the configuration file.
    Provisioning,
    /// Removing what is past an account's days.
    Retention,
}

impl Actor {
    /// As it is stored: what kind of actor, and which.
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Person(name) => ("person", name),
            Self::Account(name) => ("account", name),
            Self::Vault(Task::FirstStart) => ("vault", "first start"),
            Self::Vault(Task::Provisioning) => ("vault", "provisioning"),
            Self::Vault(Task::Retention) => ("vault", "retention"),
        }
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
    let (kind, name) = actor.parts();
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
