//! Background work: recovery, retention and cleaning up.

mod damage_watch;
mod removals;
mod retention;

use crate::base::Result;
use crate::base::clock::DAY_MS;
use crate::base::db::Db;
use crate::base::entity::{connection, delivery, device_claim, session};
use crate::connections::Connections;
use crate::flows::ingest::Ingest;
use crate::flows::ingest::resumable::Resumables;
use crate::host::timekeeping::{Timekeeping, Trusted};
use crate::objects::Objects;
use crate::outbox::deliveries::{DELIVERED, in_state};
use crate::recordings::Recordings;
use crate::recordings::devices;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use std::error::Error as StdError;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60);
/// How long delivered events are kept for administrators to look at.
const KEEP_DELIVERED_MS: i64 = 7 * DAY_MS;
/// How long after its last heartbeat a device that never uploaded is forgotten.
const FORGET_UNPROVEN_MS: i64 = DAY_MS;
const BATCH: u64 = 500;

pub(crate) use damage_watch::Watch;

/// Runs the background work.
pub(crate) struct Housekeeping {
    pub(crate) db: Db,
    pub(crate) connections: Connections,
    pub(crate) recordings: Recordings,
    pub(crate) ingest: Ingest,
    pub(crate) resumables: Resumables,
    pub(crate) objects: Objects,
    pub(crate) timekeeping: Timekeeping,
    pub(crate) watch: Watch,
    /// Assets that were uploaded before this, Unix milliseconds, were searched for those without a recording.
    pub(crate) searched_until: AtomicI64,
}

impl Housekeeping {
    /// Runs until cancelled.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let round = async || {
            self.round().await;
            tokio::time::sleep(EVERY).await;
        };
        // Any step may be interrupted: the next round, or the next start, goes on.
        while cancel.run_until_cancelled(round()).await.is_some() {}
    }

    /// Runs every task once. Without a trusted clock, nothing is deleted for its age.
    pub(crate) async fn round(&self) {
        log("recovery of unfinished uploads", self.ingest.recover().await);
        log("deletion of assets", self.recordings.remove_orphans(BATCH).await);
        match self.timekeeping.look().await {
            Ok(Some(trusted)) => {
                log("deletion of objects", self.finish_removals(&trusted).await);
                log("retention", self.retire(&trusted).await);
                log("deletion of assets without a recording", self.retire_lone(&trusted).await);
                log("uploads that nobody goes on with", self.resumables.sweep(&trusted).await);
                log("tidying up", self.tidy(&trusted).await);
            }
            Ok(None) => {}
            Err(error) => log("looking at the clock", Err(error)),
        }
        log("looking for damaged rows", self.watch.round().await);
    }

    async fn tidy(&self, _: &Trusted) -> Result<()> {
        let now = self.db.now_ms();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    session::Entity::delete_many().filter(session::Column::ExpiresAt.lt(now / 1000)).exec(tx).await?;
                    forget_delivered(tx, now - KEEP_DELIVERED_MS).await?;
                    device_claim::Entity::delete_many()
                        .filter(device_claim::Column::LastSeen.lt(now - FORGET_UNPROVEN_MS))
                        .filter(devices::is_unproven())
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}

/// Removes events delivered before a moment; connection by connection, to use the index.
async fn forget_delivered(tx: &impl ConnectionTrait, before: i64) -> Result<()> {
    let connections: Vec<i64> =
        connection::Entity::find().select_only().column(connection::Column::Id).into_tuple().all(tx).await?;
    for id in connections {
        let old: Vec<i64> = delivery::Entity::find()
            .select_only()
            .column(delivery::Column::Id)
            .filter(in_state(DELIVERED))
            .filter(delivery::Column::IntegrationId.eq(id))
            .filter(delivery::Column::FinishedAt.lt(before))
            .limit(BATCH * 20)
            .into_tuple()
            .all(tx)
            .await?;
        if !old.is_empty() {
            delivery::Entity::delete_many().filter(delivery::Column::Id.is_in(old)).exec(tx).await?;
        }
    }
    Ok(())
}

fn log(what: &str, outcome: Result<()>) {
    if let Err(error) = outcome {
        tracing::error!(what, error = &error as &dyn StdError, "background work failed and will be tried again");
    }
}
