//! Records what a lane has sent, and what failed.

use super::lane::Lane;
use super::open;
use super::sent_batch::SentBatch;
use super::verdict::{Verdict, judge};
use crate::base::Result;
use crate::base::db::Tx;
use crate::base::entity::{delivery, lane};
use crate::outbox::deliveries::{DEFERRED, DELIVERED, PARKED, aside};
use model::error::SinkError;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, QuerySelect};
use std::error::Error as StdError;

/// Other lanes to try at once after a recovery.
const RELEASED: u64 = 8;
/// Longest error text kept, in characters.
const MAX_ERROR: usize = 500;

impl Lane {
    /// Records successes; returns whether the lane rests now: all was sent, and nothing came in meanwhile.
    ///
    /// A camera's first success after failures, or of what was set aside, shows that the integration is back: some of
    /// its other cameras are tried at once, and what was set aside. Each success releases more, so that a weak endpoint
    /// is not flooded.
    pub(super) async fn record_sent(&self, sent: SentBatch, seen: &lane::Model, all: bool) -> Result<bool> {
        let (id, device, now) = (self.integration_id, self.device.clone(), self.db.now_ms());
        let is_back = seen.attempts > 0 && !sent.ids.is_empty();
        let others_try = is_back || sent.was_aside;
        let takes_again = others_try || sent.takes_again;
        let this = lane::Column::IntegrationId.eq(id).and(lane::Column::Device.eq(&self.device));
        let unchanged = this.clone().and(lane::Column::Enqueued.eq(seen.enqueued));
        let rests = self.db.write(move |tx| {
            Box::pin(async move {
                mark_delivered(tx, sent.ids, now).await?;
                if others_try {
                    release_some(tx, id, now).await?;
                }
                if is_back {
                    let healthy = lane::ActiveModel { attempts: Set(0), ..Default::default() };
                    lane::Entity::update_many().set(healthy).filter(this).exec(tx).await?;
                }
                if takes_again {
                    aside::return_alike(tx, id, &device).await?;
                }
                if !all {
                    return Ok(false);
                }
                let resting = lane::ActiveModel {
                    idle: Set(true),
                    attempts: Set(0),
                    next_attempt_at: Set(0),
                    ..Default::default()
                };
                Ok(lane::Entity::update_many().set(resting).filter(unchanged).exec(tx).await?.rows_affected == 1)
            })
        });
        let rests = rests.await?;
        if takes_again {
            self.wakeups.wake(&[id]);
        }
        Ok(rests)
    }

    /// Records a failure, and what happens to the delivery and its lane. `before` is the lane's number of failures in a
    /// row so far; `alone` says that the previous event, of any camera, was accepted.
    pub(super) async fn record_failure(
        &self,
        row: &delivery::Model,
        before: i32,
        alone: bool,
        sent: SentBatch,
        error: SinkError,
    ) -> Result<()> {
        let now = self.db.now_ms();
        // Earlier successes of the same batch ended that row of failures.
        let before = if sent.ids.is_empty() { before } else { 0 };
        let verdict = judge(&self.pace, row, before, error.kind, now);
        tracing::warn!(
            integration = self.integration,
            device = self.device,
            attempts = row.attempts + 1,
            set_aside = verdict.state == DEFERRED,
            parked = verdict.state == PARKED,
            error = &error as &dyn StdError,
            "an event was not delivered"
        );
        let failure = Failure { id: row.id, attempts: row.attempts + 1, alone, reason: reason(&error), now };
        let (id, device) = (self.integration_id, self.device.clone());
        let written = self.db.write(move |tx| {
            Box::pin(async move {
                mark_delivered(tx, sent.ids, now).await?;
                failure.write(tx, id, device, verdict).await
            })
        });
        written.await?;
        if verdict.state == PARKED {
            self.wakeups.given_up.notify_one();
        }
        Ok(())
    }
}

struct Failure {
    id: i64,
    attempts: i32,
    alone: bool,
    reason: String,
    now: i64,
}

impl Failure {
    async fn write(self, tx: &Tx, integration_id: i64, device: String, verdict: Verdict) -> Result<()> {
        let outcome = delivery::ActiveModel {
            state: Set(verdict.state.into()),
            attempts: Set(self.attempts),
            last_error: Set(self.reason.clone()),
            failed_at: Set(self.now),
            due_at: Set(verdict.due_at),
            waited_ms: Set(verdict.waited_ms),
            alone: Set(self.alone),
            ..Default::default()
        };
        delivery::Entity::update_many().set(outcome).filter(delivery::Column::Id.eq(self.id)).exec(tx).await?;
        let waiting = lane::ActiveModel {
            attempts: Set(verdict.in_a_row),
            next_attempt_at: Set(verdict.next_attempt_at),
            last_error: Set(self.reason),
            failed_at: Set(self.now),
            ..Default::default()
        };
        let this = lane::Column::IntegrationId.eq(integration_id).and(lane::Column::Device.eq(device));
        lane::Entity::update_many().set(waiting).filter(this).exec(tx).await?;
        Ok(())
    }
}

/// The reason as stored: one line, since administrators retry by it.
fn reason(error: &SinkError) -> String {
    error.message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_ERROR).collect()
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
