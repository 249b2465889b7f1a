//! Deletes recordings that are past their account's days, and assets that have no recording: after these days, and after a
//! week at the latest, whatever the account's limit.

use super::{BATCH, Housekeeping};
use crate::base::clock::DAY_MS;
use crate::base::entity::account;
use crate::base::{Permission, Principal, Result, Task, VaultError, audit};
use crate::host::timekeeping::Trusted;
use crate::recordings::RecordingRef;
use model::recording::NAME_OF_DELETED_ACCOUNT;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// Most days that an asset waits for its recording.
const LONE_DAYS: i32 = 7;
const OF_LONE: &str = "assets without a recording";

impl Housekeeping {
    /// Deletes recordings older than their account's day limit.
    pub(super) async fn retire(&self, trusted: &Trusted) -> Result<()> {
        let limited = account::Entity::find().filter(account::Column::DayLimit.gt(0)).all(self.db.read()).await?;
        for account in limited {
            let before = self.db.now_ms() - i64::from(account.day_limit) * DAY_MS;
            // The rest waits for the next round, so that recovery gets its turn.
            let expired = self.recordings.expired(trusted, account.id, before, BATCH).await?;
            self.retire_all(&account.name, account.day_limit, expired, "recordings").await?;
            let expired = self.recordings.expired_assets(trusted, account.id, before, BATCH).await?;
            self.retire_all(&account.name, account.day_limit, expired, OF_LONE).await?;
        }
        Ok(())
    }

    /// Deletes assets that no recording came for in time, of accounts that are gone, too. The next round goes on where this one
    /// ended; the next start begins anew.
    pub(super) async fn retire_lone(&self, trusted: &Trusted) -> Result<()> {
        let before = self.db.now_ms() - i64::from(LONE_DAYS) * DAY_MS;
        let from = self.searched_until.load(Ordering::Relaxed);
        let found = self.recordings.lone_assets(trusted, from, before, BATCH).await?;
        let mut by_account: BTreeMap<i64, Vec<RecordingRef>> = BTreeMap::new();
        for asset in found.assets {
            by_account.entry(asset.account_id).or_default().push(asset);
        }
        for (id, assets) in by_account {
            let account = account::Entity::find_by_id(id).one(self.db.read()).await?;
            let name = account.map_or_else(|| NAME_OF_DELETED_ACCOUNT.to_owned(), |account| account.name);
            self.retire_all(&name, LONE_DAYS, assets, OF_LONE).await?;
        }
        self.searched_until.store(found.searched_until, Ordering::Relaxed);
        Ok(())
    }

    async fn retire_all(&self, account: &str, days: i32, expired: Vec<RecordingRef>, what: &str) -> Result<()> {
        let mut retired = 0;
        for found in expired {
            match self.recordings.retire(&found).await {
                Ok(()) => retired += 1,
                Err(VaultError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if retired > 0 {
            let subject = format!("{account}: {retired} {what} older than {days} days");
            self.audit_retired(subject).await?;
        }
        Ok(())
    }

    async fn audit_retired(&self, subject: String) -> Result<()> {
        let retention = Principal::Vault(Task::Retention);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    audit::record(tx, &retention, Permission::Manage, "deleted recordings", &subject).await
                })
            })
            .await
    }
}
