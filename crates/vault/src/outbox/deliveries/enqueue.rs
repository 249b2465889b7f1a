//! Putting events into the outbox.

use super::WAITING;
use crate::base::Result;
use crate::base::db::Tx;
use crate::base::entity::{delivery, lane};
use model::ports::Purpose;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};

/// An event for several integrations.
#[derive(Clone)]
pub(crate) struct NewDelivery<'a> {
    pub(crate) recording_id: i64,
    /// See [`lane`](crate::outbox::event::lane).
    pub(crate) lane: String,
    pub(crate) event_id: &'a str,
    pub(crate) event: &'a str,
    pub(crate) purpose: Purpose,
}

impl NewDelivery<'_> {
    fn row(&self, integration_id: i64, now: i64) -> delivery::ActiveModel {
        delivery::ActiveModel {
            integration_id: Set(integration_id),
            recording_id: Set(self.recording_id),
            device: Set(self.lane.clone()),
            event_id: Set(self.event_id.to_owned()),
            event: Set(self.event.to_owned()),
            purpose: Set(self.purpose.as_str().to_owned()),
            state: Set(WAITING.into()),
            attempts: Set(0),
            last_error: Set(String::new()),
            created_at: Set(now),
            finished_at: Set(0),
            failed_at: Set(0),
            due_at: Set(0),
            waited_ms: Set(0),
            alone: Set(false),
            ..Default::default()
        }
    }
}

/// Adds an event for each integration and opens its lanes, in the transaction of its recording.
pub(crate) async fn enqueue(tx: &Tx, integrations: &[i64], new: NewDelivery<'_>) -> Result<()> {
    if integrations.is_empty() {
        return Ok(());
    }
    let now = tx.now_ms();
    let rows = integrations.iter().map(|id| new.row(*id, now));
    delivery::Entity::insert_many(rows).exec_without_returning(tx).await?;
    open_lanes(tx, integrations.iter().map(|id| (*id, new.lane.clone())).collect()).await
}

/// Adds several events for one integration, in their order.
pub(super) async fn enqueue_many(tx: &Tx, integration_id: i64, new: &[NewDelivery<'_>]) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let now = tx.now_ms();
    let rows = new.iter().map(|event| event.row(integration_id, now));
    delivery::Entity::insert_many(rows).exec_without_returning(tx).await?;
    open_lanes(tx, new.iter().map(|event| (integration_id, event.lane.clone())).collect()).await
}

/// Marks lanes (integration and device) as having something to send. `enqueued` counts up, so that a worker that finds
/// a lane empty can tell whether something came in meanwhile.
pub(super) async fn open_lanes(tx: &impl ConnectionTrait, mut lanes: Vec<(i64, String)>) -> Result<()> {
    // Everybody locks lanes in the same order, to prevent deadlocks.
    lanes.sort_unstable();
    lanes.dedup();
    let rows = lanes.into_iter().map(|(integration_id, device)| lane::ActiveModel {
        integration_id: Set(integration_id),
        device: Set(device),
        idle: Set(false),
        enqueued: Set(1),
        attempts: Set(0),
        next_attempt_at: Set(0),
        owner: Set(None),
        last_error: Set(String::new()),
        failed_at: Set(0),
    });
    let reopen = OnConflict::columns([lane::Column::IntegrationId, lane::Column::Device])
        .value(lane::Column::Idle, Expr::val(false))
        .value(lane::Column::Enqueued, Expr::col((lane::Entity, lane::Column::Enqueued)).add(1))
        .to_owned();
    lane::Entity::insert_many(rows).on_conflict(reopen).exec_without_returning(tx).await?;
    Ok(())
}
