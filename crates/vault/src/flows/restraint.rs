//! Most of an account's recordings do not go at once for their age unless an administrator says so: a limit that was mistyped, a
//! clock that is wrong by hours, a vault that was stopped for longer than its limit look all the same, and what is deleted is
//! gone.

use crate::base::clock::DAY_MS;
use crate::base::db::{Db, Tx};
use crate::base::entity::recording::{self, Column};
use crate::base::entity::{account, retention_reach};
use crate::base::{Permission, Principal, Result, VaultError, audit};
use crate::host::notices::{Notice, Notices};
use crate::recordings::{due, is_free};
use model::notice::RETENTION_HELD as CODE;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _,
};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A minute takes what became a minute older. What is due at once because this much more time seems to have passed is counted.
const STEP_MS: i64 = DAY_MS / 24;
/// So few are let go.
const FEW: u64 = 10;

/// How long an answer is good for while an account is held: counting millions of recordings takes its time.
const COUNTED_FOR: Duration = Duration::from_secs(3600);

/// Holds retention; cheap to clone.
#[derive(Clone)]
pub struct Restraint {
    db: Db,
    notices: Notices,
    /// When the recordings of a held account were counted, by elapsed time, and for which day limit.
    counted: Arc<Mutex<HashMap<i64, (Duration, i32)>>>,
}

impl Restraint {
    pub(crate) fn new(db: Db, notices: Notices) -> Self {
        Self { db, notices, counted: Arc::default() }
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
            if is_held && self.was_counted(account) {
                return Ok(false);
            }
            match too_many(self.db.read(), account.id, before).await {
                Ok(None) => {}
                Ok(Some(most)) => {
                    self.ask(account, Some(most)).await;
                    return Ok(false);
                }
                // So many that nobody can count them in time.
                Err(error) => {
                    self.ask(account, None).await;
                    return Err(error);
                }
            }
        }
        if reach.is_none_or(|reach| (before - reach.before).abs() > STEP_MS / 2) {
            let id = account.id;
            self.db.write(move |tx| Box::pin(note(tx, id, before))).await?;
        }
        if is_held {
            self.counted().remove(&account.id);
            self.notices.clear(CODE, &account.id.to_string()).await;
        }
        Ok(true)
    }

    /// Whether a held account's were counted a while ago.
    fn was_counted(&self, account: &account::Model) -> bool {
        let now = self.db.clock().elapsed();
        let is_new = |(at, days): &(Duration, i32)| *days == account.day_limit && now.saturating_sub(*at) < COUNTED_FOR;
        self.counted().get(&account.id).is_some_and(is_new)
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<i64, (Duration, i32)>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, account: &account::Model, most: Option<Most>) {
        self.counted().insert(account.id, (self.db.clock().elapsed(), account.day_limit));
        let (name, days) = (&account.name, account.day_limit);
        let much = match most {
            Some(Most { due, all }) => format!("{due} of its {all} are older and would go now"),
            None => "more are older than could be counted in time".to_owned(),
        };
        let text = format!(
            "{name} keeps recordings for {days} day{}, and {much}. They stay until you say that they are to be deleted.",
            if days == 1 { "" } else { "s" }
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

/// Most of what an account has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    due: u64,
    all: u64,
}

/// What would go of an account at once, if that is more than what is not due; nothing if it may go. What is locked counts for
/// neither. What somebody is yet to be told of counts: it goes as soon as that is done.
pub(super) async fn too_many(db: &impl ConnectionTrait, account_id: i64, before: i64) -> Result<Option<Most>> {
    let count = async |which: Condition| recording::Entity::find().filter(which).count(db).await;
    let goes = count(due(account_id, before).add(is_free())).await?;
    if goes <= FEW {
        return Ok(None);
    }
    let old = count(due(account_id, before)).await?;
    let all = count(Condition::all().add(recording::is_recording()).add(Column::AccountId.eq(account_id))).await?;
    Ok((goes > all.saturating_sub(old)).then_some(Most { due: goes, all }))
}
