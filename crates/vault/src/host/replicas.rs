//! Which vault processes share the database and are alive.
//!
//! Each one reports regularly; what belongs to one that has been silent for too long may be taken over. A process
//! wrongly presumed dead loses nothing: its uploads fail, and their agents send them again.
//!
//! All times are the database's, since the processes' own clocks differ. It may be wrong too, and be set, so a process
//! seen in the future is as dead as one last seen too long ago. If it does live, it is seen again within seconds.

use crate::base::Result;
use crate::base::db::Db;
use crate::base::entity::replica;
use crate::base::keys::random_id;
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait as _, EntityTrait, ExprTrait as _, QueryFilter, QuerySelect as _, QueryTrait as _,
    Select,
};
use std::error::Error as StdError;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// PostgreSQL's time in Unix milliseconds; the same throughout a transaction. SQLite databases are not shared.
pub(crate) const NOW_MS: &str = "CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT)";

/// This process, and what it knows of the others.
#[derive(Clone)]
pub(crate) struct Replicas {
    db: Db,
    me: String,
    timeout: Duration,
}

impl Replicas {
    /// `timeout` is how long a process may be silent before it is presumed dead.
    pub(crate) fn new(db: Db, timeout: Duration) -> Self {
        Self { db, me: random_id(), timeout }
    }

    /// This process's id.
    pub(crate) fn me(&self) -> &str {
        &self.me
    }

    /// Ids of other live processes.
    pub(crate) async fn others_alive(&self) -> Result<Vec<String>> {
        if !self.db.is_shared() {
            return Ok(Vec::new());
        }
        Ok(self.others().all(self.db.read()).await?.into_iter().map(|r| r.id).collect())
    }

    /// For a shared database: a condition that `column` names no other live process, so that this one may take the row.
    pub(crate) fn free_or_mine(&self, column: impl ColumnTrait) -> SimpleExpr {
        let others = self.others().select_only().column(replica::Column::Id).into_query();
        column.is_null().or(column.not_in_subquery(others))
    }

    fn others(&self) -> Select<replica::Entity> {
        let seen_at = || Expr::col(replica::Column::SeenAt);
        let alive = seen_at().gt(self.now_and("-")).and(seen_at().lt(self.now_and("+")));
        replica::Entity::find().filter(alive).filter(replica::Column::Id.ne(&self.me))
    }

    /// Reports that this process is alive. Must have happened before it accepts an upload.
    pub(crate) async fn report(&self) -> Result<()> {
        if !self.db.is_shared() {
            return Ok(());
        }
        let seen = format!(
            "INSERT INTO replicas (id, seen_at) VALUES ($1, {NOW_MS}) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"
        );
        let seen = self.db.statement(&seen, [self.me.clone().into()]);
        let seen_at = || Expr::col(replica::Column::SeenAt);
        let dead = seen_at().lt(self.now_and("-")).or(seen_at().gt(self.now_and("+")));
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    tx.execute_raw(seen).await?;
                    replica::Entity::delete_many().filter(dead).exec(tx).await?;
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

    /// Now plus or minus the timeout.
    fn now_and(&self, sign: &str) -> SimpleExpr {
        Expr::cust(format!("{NOW_MS} {sign} {}", self.timeout.as_millis()))
    }
}
