//! Sends the outbox: at least once, in order per camera, no integration delaying another.

mod backoff;
mod clock_set_back;
mod given_up;
mod lane;
mod outcome;
mod row_memory;
mod sent_batch;
mod signed_address;
mod verdict;

use crate::base::Result;
use crate::base::db::Db;
use crate::base::entity::lane as lane_row;
use crate::connections::{Connections, DeliveryMethod, OpenSink};
use crate::host::notices::Notices;
use crate::host::replicas::Replicas;
use crate::outbox::deliveries::{Wakeups, aside};
use crate::recordings::Recordings;
use async_trait::async_trait;
pub use backoff::{Pace, Patience};
use given_up::GivenUp;
use lane::Lane;
use model::error::SinkError;
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::time::Duration;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// How often integrations are checked without a change in this process.
const RELOAD: Duration = Duration::from_secs(10);

/// Copies made at the same time to one provider; each holds a part in memory.
const COPIES_AT_A_TIME: usize = 2;

/// Makes the copies requested by the outbox.
#[async_trait]
pub(crate) trait CopyMaker: Send + Sync {
    /// Copies a recording to a provider. Does nothing if the recording is gone, is there anyway, or was copied before.
    async fn make(&self, recording_id: i64, provider_id: i64) -> std::result::Result<(), SinkError>;
}

/// Lanes with something to send; spelled out so that their partial index can be used.
fn open() -> Expr {
    Expr::cust("lanes.idle = FALSE")
}

/// Runs a worker per enabled integration.
pub(crate) struct Dispatcher {
    pub(crate) db: Db,
    pub(crate) connections: Connections,
    pub(crate) recordings: Recordings,
    pub(crate) copies: Arc<dyn CopyMaker>,
    pub(crate) replicas: Replicas,
    pub(crate) wakeups: Wakeups,
    pub(crate) notices: Notices,
    pub(crate) vault_id: String,
    pub(crate) pace: Pace,
}

struct Worker {
    version: i64,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Dispatcher {
    /// Runs until cancelled, then finishes what is being sent.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let mut changes = self.connections.changes();
        let mut workers: HashMap<i64, Worker> = HashMap::new();
        let mut given_up = GivenUp::new(self.db.clone(), self.notices.clone());
        loop {
            match self.connections.sinks().await {
                Ok(sinks) => self.assign(&mut workers, sinks, &cancel),
                Err(error) => tracing::error!(error = &error as &dyn StdError, "integrations cannot be read"),
            }
            if let Err(error) = given_up.look().await {
                tracing::error!(error = &error as &dyn StdError, "what was given up cannot be told");
            }
            tokio::select! {
                () = cancel.cancelled() => break,
                _ = changes.changed() => {}
                () = self.wakeups.given_up.notified() => {}
                () = tokio::time::sleep(RELOAD) => {}
            }
        }
        for (_, worker) in workers {
            // A worker that panicked has nothing left to finish.
            let _ = worker.task.await;
        }
    }

    /// Starts workers for new or changed integrations, and stops those of removed ones.
    fn assign(&self, workers: &mut HashMap<i64, Worker>, sinks: Vec<OpenSink>, cancel: &CancellationToken) {
        let wanted: HashMap<i64, i64> = sinks.iter().map(|s| (s.id, s.updated_at)).collect();
        let outdated: Vec<i64> = workers
            .iter()
            .filter(|(id, worker)| wanted.get(id) != Some(&worker.version) || worker.task.is_finished())
            .map(|(id, _)| *id)
            .collect();
        let mut leaving: HashMap<i64, JoinHandle<()>> = HashMap::new();
        for id in outdated {
            if let Some(worker) = workers.remove(&id) {
                worker.stop.cancel();
                leaving.insert(id, worker.task);
            }
        }
        for sink in sinks {
            if workers.contains_key(&sink.id) {
                continue;
            }
            let (id, version, stop) = (sink.id, sink.updated_at, cancel.child_token());
            let integration = Integration {
                db: self.db.clone(),
                recordings: self.recordings.clone(),
                copies: self.copies.clone(),
                replicas: self.replicas.clone(),
                wakeups: self.wakeups.clone(),
                vault_id: self.vault_id.clone(),
                pace: self.pace,
                sink,
                last_was_refused: Arc::new(AtomicBool::new(true)),
                unrecorded: Arc::default(),
                stop: stop.clone(),
            };
            let predecessor = leaving.remove(&id);
            let task = tokio::spawn(async move {
                // Two workers of one integration would send a camera's events out of order.
                if let Some(predecessor) = predecessor {
                    let _ = predecessor.await;
                }
                integration.run().await;
            });
            workers.insert(id, Worker { version, stop, task });
        }
    }
}

/// One integration's worker.
struct Integration {
    db: Db,
    recordings: Recordings,
    copies: Arc<dyn CopyMaker>,
    replicas: Replicas,
    wakeups: Wakeups,
    vault_id: String,
    pace: Pace,
    sink: OpenSink,
    /// See [`Lane`].
    last_was_refused: Arc<AtomicBool>,
    unrecorded: Arc<AtomicU32>,
    stop: CancellationToken,
}

impl Integration {
    async fn run(self) {
        let wakeup = self.wakeups.of(self.sink.id);
        let mut running = JoinSet::new();
        let mut busy: HashSet<String> = HashSet::new();
        let concurrency = match &self.sink.way {
            DeliveryMethod::Sink(sink) => sink.concurrency().max(1),
            DeliveryMethod::Copies => COPIES_AT_A_TIME,
            // One lane is enough to say so.
            DeliveryMethod::Unusable(_) => 1,
        };
        loop {
            let mut next_look = self.pace.poll;
            if running.len() < concurrency && !self.stop.is_cancelled() {
                match self.look(&busy, concurrency - running.len()).await {
                    Ok(devices) => {
                        for device in devices {
                            busy.insert(device.clone());
                            running.spawn(Lane::new(&self, device).run());
                        }
                        next_look = next_look.min(self.until_next().await.unwrap_or(next_look));
                    }
                    Err(error) => tracing::error!(error = &error as &dyn StdError, "the outbox cannot be read"),
                }
            }
            tokio::select! {
                Some(ended) = running.join_next() => match ended {
                    Ok(device) => { busy.remove(&device); }
                    // A panic hides which lane it was in: start over, which loses nothing.
                    Err(_) => return,
                },
                () = wakeup.notified(), if !self.stop.is_cancelled() => {}
                () = self.stop.cancelled(), if running.is_empty() => return,
                () = tokio::time::sleep(next_look) => {}
            }
        }
    }

    /// Retries what is due of those set aside, and claims lanes.
    async fn look(&self, busy: &HashSet<String>, limit: usize) -> Result<Vec<String>> {
        self.clear_waits_after_clock_set_back().await?;
        aside::return_due(&self.db, self.sink.id, self.db.now_ms(), self.latest_plausible_ms()).await?;
        self.claim(busy, limit).await
    }

    /// Claims lanes that are due and that nobody works on, the longest due first. On a shared database a lane has an
    /// owner, so that replicas do not send a camera's events at the same time.
    async fn claim(&self, busy: &HashSet<String>, limit: usize) -> Result<Vec<String>> {
        let due = lane_row::Entity::find()
            .select_only()
            .column(lane_row::Column::Device)
            .filter(lane_row::Column::IntegrationId.eq(self.sink.id))
            .filter(open())
            .filter(lane_row::Column::NextAttemptAt.lte(self.db.now_ms()))
            .filter(lane_row::Column::Device.is_not_in(busy))
            .order_by_asc(lane_row::Column::NextAttemptAt)
            .limit(limit as u64);
        if !self.db.is_shared() {
            return Ok(due.into_tuple().all(self.db.read()).await?);
        }
        let free = due
            .filter(self.replicas.free_or_mine(lane_row::Column::Owner))
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        let mine = lane_row::ActiveModel { owner: Set(Some(self.replicas.me().to_owned())), ..Default::default() };
        let own = lane_row::Entity::update_many().set(mine).filter(lane_row::Column::IntegrationId.eq(self.sink.id));
        let claim = self.db.write(move |tx| {
            Box::pin(async move {
                let devices: Vec<String> = free.into_tuple().all(tx).await?;
                own.filter(lane_row::Column::Device.is_in(&devices)).exec(tx).await?;
                Ok(devices)
            })
        });
        claim.await
    }

    /// Time until the next wait is over, of a lane or of a delivery set aside.
    async fn until_next(&self) -> Option<Duration> {
        let now = self.db.now_ms();
        let lane: Option<i64> = lane_row::Entity::find()
            .select_only()
            .column(lane_row::Column::NextAttemptAt)
            .filter(lane_row::Column::IntegrationId.eq(self.sink.id))
            .filter(open())
            .filter(lane_row::Column::NextAttemptAt.gt(now))
            .order_by_asc(lane_row::Column::NextAttemptAt)
            .into_tuple()
            .one(self.db.read())
            .await
            .ok()?;
        let delivery = aside::next_due(&self.db, self.sink.id).await.ok()?;
        let next = lane.into_iter().chain(delivery).min();
        next.map(|at| Duration::from_millis(u64::try_from(at - now).unwrap_or(0).max(1)))
    }
}
