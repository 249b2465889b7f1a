//! What accounts leave behind: recordings of one that was deleted stay for ever, or go after some days.

use super::Accounts;
use crate::base::Result;
use crate::base::db::Tx;
use crate::base::entity::{account, leaving, recording};
use model::account::{LeavingView, Leavings, MAX_DAYS};
use model::delivery::COUNT_CAP;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

impl Accounts {
    /// Accounts that were deleted, whose recordings are to go and are still there.
    pub async fn leavings(&self) -> Result<Vec<LeavingView>> {
        let rows = leaving::Entity::find().order_by_asc(leaving::Column::Name).all(self.db.read()).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let left = recording::Entity::find()
                .select_only()
                .column(recording::Column::Id)
                .filter(recording::is_recording())
                .filter(recording::Column::AccountId.eq(row.account_id))
                .limit(COUNT_CAP.unsigned_abs());
            let recordings = i64::try_from(left.count(self.db.read()).await?).unwrap_or(i64::MAX);
            views.push(LeavingView { name: row.name, days: row.days, recordings });
        }
        Ok(views)
    }
}

/// Writes down what becomes of an account's recordings, in the transaction that deletes it.
pub(super) async fn write(tx: &Tx, account: &account::Model, leavings: Leavings) -> Result<()> {
    let Leavings::Days(days) = leavings else { return Ok(()) };
    let row = leaving::ActiveModel {
        account_id: Set(account.id),
        name: Set(account.name.clone()),
        days: Set(days.min(MAX_DAYS)),
        deleted_at: Set(tx.now_ms()),
    };
    leaving::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}
