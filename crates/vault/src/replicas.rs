//! Which vault processes share the database and are alive.
//!
//! Each says so regularly. What belongs to one that has been silent for too long may be taken over
//! by another. A process wrongly taken for dead loses nothing: its uploads fail, and their agents
//! send them again.

use crate::Result;
use crate::db::Db;
use crate::entity::replica;
use crate::keys::random_id;
use sea_orm::sea_query::{OnConflict, SimpleExpr};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect as _, QueryTrait as _, Select};
use std::error::Error as StdError;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// This process among the others.
#[derive(Clone)]
pub(crate) struct Replicas {
    db: Db,
    me: String,
    timeout: Duration,
}

impl Replicas {
    /// `timeout` is how long a process may be silent before it is taken for dead.
    pub(crate) fn new(db: Db, timeout: Duration) -> Self {
        Self { db, me: random_id(), timeout }
    }

    /// This process.
    pub(crate) fn me(&self) -> &str {
        &self.me
    }

    /// Other processes that are alive. Nobody shares an SQLite database.
    pub(crate) async fn others_alive(&self) -> Result<Vec<String>> {
        if !self.db.is_shared() {
            return Ok(Vec::new());
        }
        Ok(self.others().all(self.db.read()).await?.into_iter().map(|r| r.id).collect())
    }

    /// A condition for the database: what `column` names is no other process that is alive, so this one may take the row.
    pub(crate) fn nobody_elses(&self, column: impl ColumnTrait) -> SimpleExpr {
        column.not_in_subquery(self.others().select_only().column(replica::Column::Id).into_query())
    }

    fn others(&self) -> Select<replica::Entity> {
        replica::Entity::find()
            .filter(replica::Column::SeenAt.gt(self.silent_since()))
            .filter(replica::Column::Id.ne(&self.me))
    }

    /// Says that this process is alive; must have happened once before it takes an upload.
    pub(crate) async fn report(&self) -> Result<()> {
        if !self.db.is_shared() {
            return Ok(());
        }
        let (me, silent_since) = (self.me.clone(), self.silent_since());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let row = replica::ActiveModel { id: Set(me), seen_at: Set(tx.now_ms()) };
                    let update =
                        OnConflict::column(replica::Column::Id).update_column(replica::Column::SeenAt).to_owned();
                    replica::Entity::insert(row).on_conflict(update).exec_without_returning(tx).await?;
                    replica::Entity::delete_many().filter(replica::Column::SeenAt.lt(silent_since)).exec(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Reports until cancelled.
    pub(crate) async fn keep_reporting(self, cancel: CancellationToken) {
        while cancel
            .run_until_cancelled(tokio::time::sleep((self.timeout / 6).max(Duration::from_secs(1))))
            .await
            .is_some()
        {
            if let Err(error) = self.report().await {
                tracing::error!(
                    error = &error as &dyn StdError,
                    "cannot tell the other replicas that this one is alive"
                );
            }
        }
    }

    fn silent_since(&self) -> i64 {
        self.db.now_ms() - i64::try_from(self.timeout.as_millis()).unwrap_or(i64::MAX)
    }
}
