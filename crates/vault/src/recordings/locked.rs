//! Locks: a recording that is evidence stays as and where it is, whatever asks for it, until its lock ends. So do its
//! assets.
//!
//! Every deletion asks here (`rows.rs`), and so do replacing (`flows/ingest/finish.rs`) and moving (`flows/moves/one.rs`). A lock is made in
//! its recording's turn: whatever was under way has ended by then, and what comes later finds it.

use super::{Recordings, assets};
use crate::base::db::Tx;
use crate::base::entity::{lock, recording};
use crate::base::{Permission, Principal, Result, VaultError, audit};
use model::recording::LockView;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QuerySelect as _, QueryTrait as _, Select,
};
use std::collections::HashMap;

/// Longest reason, in characters.
const MAX_REASON: usize = 500;

impl Recordings {
    /// Locks a recording, or changes its lock: until a moment, Unix milliseconds, or until it is unlocked.
    ///
    /// # Errors
    /// `Invalid` without a reason, for an end that has passed, and for assets, which stay with their recording anyway.
    pub async fn lock(&self, principal: &Principal, id: i64, reason: &str, ends_at: Option<i64>) -> Result<()> {
        principal.may(Permission::Manage)?;
        let reason = checked(reason)?;
        if ends_at.is_some_and(|end| end <= self.db.now_ms()) {
            return Err(VaultError::invalid("ends_at", "This time has passed; choose a later one, or leave it empty"));
        }
        let mut found = self.look_up(id).await?;
        if found.is_asset {
            return Err(VaultError::invalid("reason", "This is an asset: lock its recording, and it stays, too"));
        }
        let _turn = loop {
            let turn = self.locks.lock(found.provider_id, &found.key).await?;
            let now = self.look_up(id).await?;
            if now.provider_id == found.provider_id {
                break turn;
            }
            // It was moved while its turn was waited for.
            found = now;
        };
        let (principal, key) = (principal.clone(), found.key.to_string());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    recording::Entity::find_by_id(id).one(tx).await?.ok_or(VaultError::NotFound("recording"))?;
                    let row = lock::ActiveModel {
                        recording_id: Set(id),
                        reason: Set(reason.clone()),
                        locked_by: Set(principal.parts().1.to_owned()),
                        locked_at: Set(tx.now_ms()),
                        ends_at: Set(ends_at),
                    };
                    use lock::Column::{EndsAt, LockedAt, LockedBy, Reason, RecordingId};
                    let again =
                        OnConflict::column(RecordingId).update_columns([Reason, LockedBy, LockedAt, EndsAt]).to_owned();
                    lock::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
                    let subject = format!("{key}: {reason}");
                    audit::record(tx, &principal, Permission::Manage, "locked recording", &subject).await
                })
            })
            .await
    }

    /// Ends a recording's lock.
    ///
    /// # Errors
    /// `NotFound` if it has none.
    pub async fn unlock(&self, principal: &Principal, id: i64) -> Result<()> {
        principal.may(Permission::Manage)?;
        let (principal, key) = (principal.clone(), self.look_up(id).await?.key.to_string());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let lock = lock::Entity::find_by_id(id).one(tx).await?.ok_or(VaultError::NotFound("lock"))?;
                    lock::Entity::delete_by_id(id).exec(tx).await?;
                    let subject = format!("{key}: {}", lock.reason);
                    audit::record(tx, &principal, Permission::Manage, "unlocked recording", &subject).await
                })
            })
            .await
    }

    /// The locks of several recordings.
    pub(super) async fn locks_of(&self, ids: Vec<i64>) -> Result<HashMap<i64, LockView>> {
        let rows = valid().filter(lock::Column::RecordingId.is_in(ids)).all(self.db.read()).await?;
        let view = |row: lock::Model| {
            let id = row.recording_id;
            (
                id,
                LockView {
                    reason: row.reason,
                    locked_by: row.locked_by,
                    locked_at: row.locked_at,
                    ends_at: row.ends_at,
                },
            )
        };
        Ok(rows.into_iter().map(view).collect())
    }
}

/// Why a recording, or the recording that an asset is of, is locked; `None` if it is not.
pub(crate) async fn why(db: &impl ConnectionTrait, row: &recording::Model) -> Result<Option<String>> {
    let ids = match &row.asset_of {
        Some(stem) => assets::recordings_of(db, row.account_id, stem).await?,
        None => vec![row.id],
    };
    let lock = valid().filter(lock::Column::RecordingId.is_in(ids)).one(db).await?;
    Ok(lock.map(|lock| lock.reason))
}

/// A condition on rows of recordings: not locked now.
pub(crate) fn is_free() -> Expr {
    recording::Column::Id.not_in_subquery(valid().select_only().column(lock::Column::RecordingId).into_query())
}

/// Forgets the locks that recordings had once, in the transaction that deletes them.
pub(super) async fn forget(tx: &Tx, ids: &[i64]) -> Result<()> {
    lock::Entity::delete_many().filter(lock::Column::RecordingId.is_in(ids.iter().copied())).exec(tx).await?;
    Ok(())
}

/// Locks that are not over: by the time that was last believed, not by what the clock says now, which may be years ahead.
fn valid() -> Select<lock::Entity> {
    let over = Expr::cust("locks.ends_at <= COALESCE((SELECT noted_at FROM timekeeping WHERE id = 1), 0)");
    lock::Entity::find().filter(lock::Column::EndsAt.is_null().or(over.not()))
}

fn checked(reason: &str) -> Result<String> {
    let reason = reason.trim();
    let problem = if reason.is_empty() {
        "Say why: whoever finds it locked will want to know"
    } else if reason.chars().count() > MAX_REASON {
        "The reason is too long: at most 500 characters"
    } else if !reason.chars().all(is_plain) {
        "The reason must be one line, without invisible characters"
    } else {
        return Ok(reason.to_owned());
    };
    Err(VaultError::invalid("reason", problem))
}

/// Neither a control character nor one that is not seen, or turns what follows around.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
