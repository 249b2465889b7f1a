//! Deletes recordings that are past their account's days, and assets that are and have no recording.

use super::{BATCH, Housekeeping};
use crate::base::clock::DAY_MS;
use crate::base::entity::account;
use crate::base::{Permission, Principal, Result, Task, VaultError, audit};
use crate::host::timekeeping::Trusted;
use crate::recordings::RecordingRef;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

impl Housekeeping {
    /// Deletes recordings older than their account's day limit.
    pub(super) async fn retire(&self, trusted: &Trusted) -> Result<()> {
        let limited = account::Entity::find().filter(account::Column::DayLimit.gt(0)).all(self.db.read()).await?;
        for account in limited {
            let before = self.db.now_ms() - i64::from(account.day_limit) * DAY_MS;
            // The rest waits for the next round, so that recovery gets its turn.
            let expired = self.recordings.expired(trusted, account.id, before, BATCH).await?;
            self.retire_all(&account, expired, "recordings").await?;
            let expired = self.recordings.expired_assets(trusted, account.id, before, BATCH).await?;
            self.retire_all(&account, expired, "assets without a recording").await?;
        }
        Ok(())
    }

    async fn retire_all(&self, account: &account::Model, expired: Vec<RecordingRef>, what: &str) -> Result<()> {
        let mut retired = 0;
        for found in expired {
            match self.recordings.retire(&found).await {
                Ok(()) => retired += 1,
                Err(VaultError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if retired > 0 {
            let subject = format!("{}: {retired} {what} older than {} days", account.name, account.day_limit);
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
