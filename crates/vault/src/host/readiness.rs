//! Whether the vault can accept uploads.

use crate::base::db::Db;
use crate::base::entity::replica;
use crate::base::{Result, VaultError};
use crate::host::reserve::Reserve;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, DbErr, EntityTrait};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a result holds: many may ask, and a write costs a disk sync.
const HOLDS: Duration = Duration::from_secs(3);
/// Id of the row that is written; no replica has it.
const ROW: &str = "readiness";

/// Tests whether the database accepts a write.
#[derive(Clone)]
pub(crate) struct Readiness {
    reserve: Option<Reserve>,
    /// Elapsed time of the last successful write.
    proved_at: Arc<Mutex<Option<Duration>>>,
}

impl Readiness {
    pub(crate) fn new(reserve: Option<Reserve>) -> Self {
        Self { reserve, proved_at: Arc::default() }
    }

    /// Fails if it does not. A success holds for a moment; on SQLite, unless a write has failed since.
    pub(crate) async fn check(&self, db: &Db) -> Result<()> {
        let mut proved_at = self.proved_at.lock().await;
        let holds = proved_at.is_some_and(|at| db.clock().elapsed().saturating_sub(at) < HOLDS);
        if holds && db.write_trouble().is_none() && db.harm().is_none() {
            return Ok(());
        }
        *proved_at = None;
        // A row this small may still find room where nothing else does.
        if self.reserve.as_ref().is_some_and(Reserve::is_used_up) {
            return Err(VaultError::Full(DbErr::Custom("the volume is full, and the reserve is used up".into())));
        }
        db.write(|tx| {
            Box::pin(async move {
                // Seen in 1970, so it is never taken for a live replica.
                let row = replica::ActiveModel { id: Set(ROW.to_owned()), seen_at: Set(0) };
                let again = OnConflict::column(replica::Column::Id).update_column(replica::Column::SeenAt).to_owned();
                replica::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
                Ok(())
            })
        })
        .await?;
        *proved_at = Some(db.clock().elapsed());
        Ok(())
    }
}
