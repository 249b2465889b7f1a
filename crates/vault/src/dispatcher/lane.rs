//! One camera's deliveries to one integration, sent one after the other.

use super::backoff::{MAX_ATTEMPTS, Pace};
use super::{Integration, open};
use crate::Result;
use crate::connections::Way;
use crate::copies::Copies;
use crate::db::{Db, Tx};
use crate::deliveries::{DELIVERED, PARKED, WAITING, Wakeups, in_state};
use crate::entity::{delivery, lane};
use crate::recording_source::StoredRecording;
use crate::recordings::Recordings;
use crate::replicas::Replicas;
use crate::steps::{self, Step};
use model::error::SinkError;
use model::ports::{OutgoingEvent, Purpose};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait as _, Order, QueryFilter, QueryOrder, QuerySelect,
};
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Deliveries sent before their success is written down; after a crash at most these are repeated.
const BATCH: u64 = 32;
/// How long one camera's deliveries may keep others of the integration waiting.
const TURN: Duration = Duration::from_secs(60);
/// Lanes that a success after failures lets try at once.
const RELEASED: u64 = 8;
/// Longest time one copy may take.
const COPY_TIMEOUT: Duration = Duration::from_secs(600);
/// How long a send may still take when the vault or the integration is being stopped.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Longest error text kept, in characters.
const MAX_ERROR: usize = 500;

pub(super) struct Lane {
    db: Db,
    recordings: Recordings,
    wakeups: Wakeups,
    vault_id: String,
    integration_id: i64,
    integration: String,
    copies: Copies,
    replicas: Replicas,
    way: Way,
    device: String,
    pace: Pace,
    stop: CancellationToken,
}

/// How a batch ended.
enum Batch {
    /// All sent, and there may be more.
    More,
    /// Nothing is left.
    Empty,
    /// One failed; the lane waits until then.
    Failed,
}

impl Lane {
    pub(super) fn new(integration: &Integration, device: String) -> Self {
        Self {
            db: integration.db.clone(),
            recordings: integration.recordings.clone(),
            wakeups: integration.wakeups.clone(),
            vault_id: integration.vault_id.clone(),
            integration_id: integration.sink.id,
            integration: integration.sink.name.clone(),
            copies: integration.copies.clone(),
            replicas: integration.replicas.clone(),
            way: integration.sink.way.clone(),
            device,
            pace: integration.pace,
            stop: integration.stop.clone(),
        }
    }

    /// Sends until the lane is empty, fails, or its turn is over; answers its device.
    pub(super) async fn run(self) -> String {
        let turn_ends = self.db.clock().elapsed() + TURN;
        loop {
            match self.batch(turn_ends).await {
                Ok(Batch::More) if self.goes_on(turn_ends) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::error!(
                        integration = self.integration,
                        error = &error as &dyn StdError,
                        "the outbox cannot be worked on"
                    );
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    break;
                }
            }
        }
        self.release().await;
        self.device
    }

    fn goes_on(&self, turn_ends: Duration) -> bool {
        self.db.clock().elapsed() < turn_ends && !self.stop.is_cancelled()
    }

    /// Lets other replicas have the lane. If that fails, it stays this vault's, which takes it again when it is due.
    async fn release(&self) {
        if !self.db.is_shared() {
            return;
        }
        let this = lane::Column::IntegrationId.eq(self.integration_id).and(lane::Column::Device.eq(&self.device));
        let mine = this.and(lane::Column::Owner.eq(self.replicas.me()));
        let nobodys = lane::ActiveModel { owner: Set(String::new()), ..Default::default() };
        let release = lane::Entity::update_many().set(nobodys).filter(mine);
        let released = self.db.write(move |tx| Box::pin(async move { Ok(release.exec(tx).await.map(drop)?) }));
        if let Err(error) = released.await {
            tracing::warn!(
                integration = self.integration,
                error = &error as &dyn StdError,
                "a lane stays this vault's"
            );
        }
    }

    async fn batch(&self, turn_ends: Duration) -> Result<Batch> {
        let Some(lane) =
            lane::Entity::find_by_id((self.integration_id, self.device.clone())).one(self.db.read()).await?
        else {
            return Ok(Batch::Empty);
        };
        let newest_first = matches!(&self.way, Way::Sink(sink) if sink.newest_first());
        let order = if newest_first { Order::Desc } else { Order::Asc };
        let waiting = delivery::Entity::find()
            .filter(delivery::Column::IntegrationId.eq(self.integration_id))
            .filter(delivery::Column::Device.eq(&self.device))
            .filter(in_state(WAITING))
            .order_by(delivery::Column::Id, order)
            .limit(BATCH)
            .all(self.db.read())
            .await?;
        let looked = waiting.len();
        let mut sent = Vec::with_capacity(waiting.len());
        for row in waiting {
            let id = row.id;
            match self.send(&row).await {
                Some(Ok(())) => {
                    steps::reached(Step::DeliverySent);
                    sent.push(id);
                }
                None => break,
                Some(Err(error)) => {
                    self.note(row.id, row.attempts + 1, lane.attempts + 1, sent, error).await?;
                    return Ok(Batch::Failed);
                }
            }
            if !self.goes_on(turn_ends) {
                break;
            }
        }
        let all = looked < BATCH as usize && sent.len() == looked;
        let rests = self.note_sent(sent, &lane, all).await?;
        steps::reached(Step::DeliveryNoted);
        Ok(if rests { Batch::Empty } else { Batch::More })
    }

    /// Sends one event; `None` when the worker is told to stop and the other side does not answer.
    async fn send(&self, row: &delivery::Model) -> Option<std::result::Result<(), SinkError>> {
        let patience = match &self.way {
            Way::Sink(sink) => sink.send_timeout(),
            Way::Copies => COPY_TIMEOUT,
            Way::Unusable(why) => return Some(Err(SinkError::transient(why.clone()))),
        };
        let stopping = async {
            self.stop.cancelled().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        tokio::select! {
            outcome = self.deliver(row) => Some(outcome),
            () = tokio::time::sleep(patience) => {
                Some(Err(SinkError::transient(format!("No answer within {} seconds.", patience.as_secs()))))
            }
            () = stopping => None,
        }
    }

    async fn deliver(&self, row: &delivery::Model) -> std::result::Result<(), SinkError> {
        let sink = match &self.way {
            Way::Sink(sink) => sink,
            Way::Copies => return self.copies.make(row.recording_id, self.integration_id).await,
            Way::Unusable(why) => return Err(SinkError::transient(why.clone())),
        };
        let recording = StoredRecording {
            recordings: self.recordings.clone(),
            id: row.recording_id,
            vault_id: self.vault_id.clone(),
        };
        let event = OutgoingEvent {
            id: row.event_id.clone(),
            device: row.device.clone(),
            body: row.event.clone().into(),
            purpose: Purpose::parse(&row.purpose).unwrap_or(Purpose::Stored),
            recording: Arc::new(recording),
        };
        sink.send(&event).await
    }

    /// Writes successes down. If that was all, the lane rests, unless something came in since we looked; answers whether
    /// it does. The first success after failures lets some of the integration's other cameras try at once: it is evidently
    /// back. Each of those releases more, so that one which can only take little is not flooded.
    async fn note_sent(&self, sent: Vec<i64>, seen: &lane::Model, all: bool) -> Result<bool> {
        let (id, now) = (self.integration_id, self.db.now_ms());
        let is_back = seen.attempts > 0 && !sent.is_empty();
        let this = lane::Column::IntegrationId.eq(id).and(lane::Column::Device.eq(&self.device));
        let unchanged = this.clone().and(lane::Column::Enqueued.eq(seen.enqueued));
        let rests = self.db.write(move |tx| {
            Box::pin(async move {
                mark_delivered(tx, sent, now).await?;
                if is_back {
                    release_some(tx, id, now).await?;
                    let healthy = lane::ActiveModel { attempts: Set(0), ..Default::default() };
                    lane::Entity::update_many().set(healthy).filter(this).exec(tx).await?;
                }
                if !all {
                    return Ok(false);
                }
                let resting = lane::ActiveModel { idle: Set(true), attempts: Set(0), ..Default::default() };
                Ok(lane::Entity::update_many().set(resting).filter(unchanged).exec(tx).await?.rows_affected == 1)
            })
        });
        let rests = rests.await?;
        if is_back {
            self.wakeups.wake(&[id]);
        }
        Ok(rests)
    }

    /// Writes a failure down. A permanent one is parked and the lane goes on; else it waits.
    async fn note(&self, failed: i64, attempts: i32, in_a_row: i32, sent: Vec<i64>, error: SinkError) -> Result<()> {
        let park = error.permanent || attempts >= MAX_ATTEMPTS;
        tracing::warn!(
            integration = self.integration,
            device = self.device,
            attempts,
            parked = park,
            error = &error as &dyn StdError,
            "an event was not delivered"
        );
        let reason: String = error.message.chars().take(MAX_ERROR).collect();
        let (id, device) = (self.integration_id, self.device.clone());
        let in_a_row = if park { 0 } else { in_a_row };
        let now = self.db.now_ms();
        let next = if park { 0 } else { now + self.pace.wait_ms(in_a_row) };
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    mark_delivered(tx, sent, now).await?;
                    let outcome = delivery::ActiveModel {
                        state: Set(if park { PARKED } else { WAITING }.into()),
                        attempts: Set(attempts),
                        last_error: Set(reason.clone()),
                        ..Default::default()
                    };
                    delivery::Entity::update_many()
                        .set(outcome)
                        .filter(delivery::Column::Id.eq(failed))
                        .exec(tx)
                        .await?;
                    let waiting = lane::ActiveModel {
                        attempts: Set(in_a_row),
                        next_attempt_at: Set(next),
                        last_error: Set(reason),
                        failed_at: Set(now),
                        ..Default::default()
                    };
                    let this = lane::Column::IntegrationId.eq(id).and(lane::Column::Device.eq(device));
                    lane::Entity::update_many().set(waiting).filter(this).exec(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn release_some(tx: &Tx, integration_id: i64, now: i64) -> Result<()> {
    let of_integration = lane::Column::IntegrationId.eq(integration_id);
    let sleeping: Vec<String> = lane::Entity::find()
        .select_only()
        .column(lane::Column::Device)
        .filter(of_integration.clone())
        .filter(open())
        .filter(lane::Column::NextAttemptAt.gt(now))
        .order_by_asc(lane::Column::NextAttemptAt)
        .limit(RELEASED)
        .into_tuple()
        .all(tx)
        .await?;
    let due = lane::ActiveModel { next_attempt_at: Set(0), ..Default::default() };
    let some = of_integration.and(lane::Column::Device.is_in(sleeping));
    lane::Entity::update_many().set(due).filter(some).exec(tx).await?;
    Ok(())
}

async fn mark_delivered(tx: &Tx, sent: Vec<i64>, now: i64) -> Result<()> {
    if sent.is_empty() {
        return Ok(());
    }
    let outcome = delivery::ActiveModel {
        state: Set(DELIVERED.into()),
        last_error: Set(String::new()),
        finished_at: Set(now),
        ..Default::default()
    };
    delivery::Entity::update_many().set(outcome).filter(delivery::Column::Id.is_in(sent)).exec(tx).await?;
    Ok(())
}
