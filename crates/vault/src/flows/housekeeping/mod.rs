//! Background work: recovery, retention and cleaning up.

mod damage_watch;
mod pace;
mod removals;
mod retention;

use crate::base::Result;
use crate::base::clock::DAY_MS;
use crate::base::db::Db;
use crate::base::entity::{connection, delivery, device_claim, session};
use crate::connections::Connections;
use crate::flows::ingest::Ingest;
use crate::flows::ingest::resumable::Resumables;
use crate::flows::restraint::Restraint;
use crate::host::timekeeping::{Timekeeping, Trusted};
use crate::objects::Objects;
use crate::outbox::deliveries::{DELIVERED, in_state};
use crate::recordings::Recordings;
use crate::recordings::devices;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60);
/// How long delivered events are kept for administrators to look at.
const KEEP_DELIVERED_MS: i64 = 7 * DAY_MS;
/// How long after its last heartbeat a device that never uploaded is forgotten.
const FORGET_UNPROVEN_MS: i64 = DAY_MS;
const BATCH: u64 = 500;

pub(crate) use damage_watch::Watch;
use retention::Round;

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
    pub(crate) restraint: Restraint,
    /// Wakes whoever deletes objects: rows have gone.
    pub(crate) left: Notify,
    /// Assets that were uploaded before this, Unix milliseconds, were searched for those without a recording.
    pub(crate) searched_until: AtomicI64,
}

impl Housekeeping {
    /// Runs until cancelled. Recovery waits neither for what is deleted for its age, nor that for a provider.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let this = Arc::new(self);
        let chores = async {
            loop {
                this.chores().await;
                sleep(EVERY).await;
            }
        };
        let retention = async {
            loop {
                if this.retention().await == Round::Done {
                    sleep(EVERY).await;
                }
            }
        };
        // Any step may be interrupted: the next round, or the next start, goes on.
        cancel.run_until_cancelled(async { tokio::join!(chores, retention, this.clone().keep_removing()) }).await;
    }

    /// Does all of it once.
    pub(crate) async fn round(&self) {
        self.chores().await;
        while self.retention().await == Round::GoesOn {}
        if let Some(trusted) = self.believed().await {
            self.finish_removals(&trusted).await;
        }
    }

    /// What is done every minute. Without a trusted clock, nothing is deleted for its age.
    async fn chores(&self) {
        log("recovery of unfinished uploads", self.ingest.recover().await);
        if let Some(trusted) = self.believed().await {
            log("uploads that nobody goes on with", self.resumables.sweep(&trusted).await);
            log("tidying up", self.tidy(&trusted).await);
        }
        log("looking for damaged rows", self.watch.round().await);
    }

    /// Proof that the clock is right now.
    async fn believed(&self) -> Option<Trusted> {
        self.timekeeping.look().await.unwrap_or_else(|error| {
            log("looking at the clock", Err(error));
            None
        })
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
