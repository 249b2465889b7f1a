//! Whether uploads can be taken.

use crate::Result;
use crate::clock::now_ms;
use crate::db::Db;
use crate::entity::replica;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};
use std::sync::Arc;
use tokio::sync::Mutex;

/// How long an answer holds, in milliseconds: many may ask, and a write costs a sync of the disk.
const HOLDS_MS: i64 = 3_000;
/// The row that is written. No replica has this id.
const ROW: &str = "readiness";

/// Tries whether the database takes a write.
#[derive(Clone, Default)]
pub(crate) struct Readiness(Arc<Mutex<i64>>);

impl Readiness {
    /// Fails when it does not. A success holds for a moment, a failure does not.
    pub(crate) async fn check(&self, db: &Db) -> Result<()> {
        let mut proved_at = self.0.lock().await;
        if now_ms() - *proved_at < HOLDS_MS {
            return Ok(());
        }
        db.write(|tx| {
            Box::pin(async move {
                // Seen at the beginning of time: never taken for a replica that is alive.
                let row = replica::ActiveModel { id: Set(ROW.to_owned()), seen_at: Set(0) };
                let again = OnConflict::column(replica::Column::Id).update_column(replica::Column::SeenAt).to_owned();
                replica::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
                Ok(())
            })
        })
        .await?;
        *proved_at = now_ms();
        Ok(())
    }
}
