//! Who changed what, written in the same transaction as the change; and who could not sign in.

use crate::base::db::{Db, Tx};
use crate::base::entity::audit;
use crate::base::{Permission, Principal, Result};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

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

/// Failed sign-ins of one address within an hour.
pub(crate) struct FailedSignIns {
    /// Whose they are.
    pub(crate) address: String,
    /// With which name, and how many.
    pub(crate) subject: String,
    /// How many there were.
    pub(crate) times: u64,
    /// When the first was, Unix milliseconds; with the address it identifies the row.
    pub(crate) first_at: i64,
}

const FAILED_SIGN_IN: &str = "failed to sign in";

/// Notes failed sign-ins: the first of an address and hour adds a row, later ones change it. No permission is needed, as
/// nobody did anything. Those from before `too_old` are forgotten.
pub(crate) async fn record_failed_sign_ins(tx: &Tx, failed: FailedSignIns, too_old: i64) -> Result<()> {
    use audit::Column::{Action, Actor, At};
    let FailedSignIns { address, subject, times, first_at } = failed;
    if times > 1 {
        let change = audit::ActiveModel { subject: Set(subject), ..Default::default() };
        let changed = audit::Entity::update_many().set(change).filter(Action.eq(FAILED_SIGN_IN));
        changed.filter(Actor.eq(address)).filter(At.eq(first_at)).exec(tx).await?;
        return Ok(());
    }
    let forgotten = audit::Entity::delete_many().filter(Action.eq(FAILED_SIGN_IN));
    forgotten.filter(At.lt(too_old)).exec(tx).await?;
    let row = audit::ActiveModel {
        at: Set(first_at),
        actor: Set(address),
        actor_kind: Set("address".to_owned()),
        action: Set(FAILED_SIGN_IN.to_owned()),
        subject: Set(subject),
        ..Default::default()
    };
    audit::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}
