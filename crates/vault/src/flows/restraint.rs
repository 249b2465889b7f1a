//! Most of an account's recordings do not go at once for their age unless an administrator says so: a limit that was mistyped, a
//! clock that is wrong by hours, a vault that was stopped for longer than its limit look all the same, and what is deleted is
//! gone.

use crate::base::clock::DAY_MS;
use crate::base::db::{Db, Tx};
use crate::base::entity::recording::{self, Column};
use crate::base::entity::{account, retention_reach};
use crate::base::{Permission, Principal, Result, VaultError, audit};
use crate::host::notices::{Notice, Notices};
use crate::recordings::due;
use model::notice::RETENTION_HELD as CODE;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
};
use std::collections::HashSet;

/// A minute takes what became a minute older. What is due at once because this much more time seems to have passed is counted.
const STEP_MS: i64 = DAY_MS / 24;
/// So few are let go.
const FEW: u64 = 10;

/// Holds retention; cheap to clone.
#[derive(Clone)]
pub struct Restraint {
    db: Db,
    notices: Notices,
}

impl Restraint {
    pub(crate) fn new(db: Db, notices: Notices) -> Self {
        Self { db, notices }
    }

    /// Accounts that are held, by id. Forgets those that are not among these any more.
    pub(crate) async fn held(&self, limited: &[account::Model]) -> Result<HashSet<i64>> {
        let mut held = HashSet::new();
        for notice in self.notices.list().await?.into_iter().filter(|notice| notice.code == CODE) {
            match notice.subject.parse().ok().filter(|id| limited.iter().any(|account| account.id == *id)) {
                Some(id) => {
                    held.insert(id);
                }
                None => self.notices.clear(CODE, &notice.subject).await,
            }
        }
        Ok(held)
    }

    /// Whether an account's recordings from before a moment may go; if not, administrators are asked.
    pub(crate) async fn allows(&self, account: &account::Model, before: i64, is_held: bool) -> Result<bool> {
        let reach = retention_reach::Entity::find_by_id(account.id).one(self.db.read()).await?;
        let is_near = |reach: &retention_reach::Model| before - reach.before <= STEP_MS;
        if !reach.as_ref().is_some_and(is_near) {
            if let Some((due, others)) = too_many(self.db.read(), account.id, before).await? {
                self.ask(account, due, others).await;
                return Ok(false);
            }
        }
        if reach.is_none_or(|reach| (before - reach.before).abs() > STEP_MS / 2) {
            let id = account.id;
            self.db.write(move |tx| Box::pin(note(tx, id, before))).await?;
        }
        if is_held {
            self.notices.clear(CODE, &account.id.to_string()).await;
        }
        Ok(true)
    }

    async fn ask(&self, account: &account::Model, due: u64, others: u64) {
        let (name, days) = (&account.name, account.day_limit);
        let text = format!(
            "{name} keeps recordings for {days} days, and {due} of its {} are older. They stay until you say that they are to be deleted.",
            due + others
        );
        let cure = "If that surprises you, give the account more days, or look at the machine's clock.".to_owned();
        let subject = account.id.to_string();
        self.notices.raise(Notice { code: CODE, subject, text, cure, dismissible: false }).await;
    }

    /// An administrator says that what is due of an account is to be deleted.
    ///
    /// # Errors
    /// `NotFound` if it has no such account, or that keeps its recordings for ever.
    pub async fn confirm(&self, principal: &Principal, account_id: i64) -> Result<()> {
        principal.may(Permission::Manage)?;
        let principal = principal.clone();
        let confirmed = self.db.write(move |tx| {
            Box::pin(async move {
                let account = account::Entity::find_by_id(account_id).one(tx).await?;
                let account = account.filter(|account| account.day_limit > 0).ok_or(VaultError::NotFound("account"))?;
                note(tx, account_id, tx.now_ms() - i64::from(account.day_limit) * DAY_MS).await?;
                let subject = format!("{}: recordings older than {} days", account.name, account.day_limit);
                audit::record(tx, &principal, Permission::Manage, "confirmed retention", &subject).await
            })
        });
        confirmed.await?;
        self.notices.clear(CODE, &account_id.to_string()).await;
        Ok(())
    }
}

async fn note(tx: &Tx, account_id: i64, before: i64) -> Result<()> {
    use retention_reach::Column::{AccountId, Before};
    let row = retention_reach::ActiveModel { account_id: Set(account_id), before: Set(before) };
    let again = OnConflict::column(AccountId).update_column(Before).to_owned();
    retention_reach::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}

/// How many recordings of an account are due, and how many are not, if those are most of it; nothing if they may go.
pub(super) async fn too_many(db: &impl ConnectionTrait, account_id: i64, before: i64) -> Result<Option<(u64, u64)>> {
    let of_account =
        recording::Entity::find().filter(recording::is_recording()).filter(Column::AccountId.eq(account_id));
    let due = recording::Entity::find().filter(due(account_id, before)).count(db).await?;
    if due <= FEW {
        return Ok(None);
    }
    let others = of_account.count(db).await?.saturating_sub(due);
    Ok((due > others).then_some((due, others)))
}
