//! The outbox: one row per recording and integration, written with the recording.
//!
//! A *lane* is one camera's deliveries to one integration. Deliveries of a lane leave one after the
//! other; lanes do not wait for each other.

use crate::audit::{self, Actor};
use crate::clock::now_ms;
use crate::db::{Db, statement};
use crate::entity::{delivery, lane};
use crate::{Result, VaultError};
use model::ports::Purpose;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Where counting stops: beyond it a figure reads "10,000+".
pub const COUNT_CAP: i64 = 10_000;

/// Not yet made.
pub(crate) const WAITING: &str = "waiting";
/// Made.
pub(crate) const DELIVERED: &str = "delivered";
/// Given up until someone retries.
pub(crate) const PARKED: &str = "parked";

/// A condition on the state, spelled out so that the partial index of that state can be used.
pub(crate) fn in_state(state: &str) -> Expr {
    Expr::cust(format!("deliveries.state = '{state}'"))
}

/// A delivery as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryView {
    /// Row id.
    pub id: i64,
    /// Device key.
    pub device: String,
    /// The event's JSON.
    pub event: String,
    /// Tries so far.
    pub attempts: i32,
    /// Why the last one failed.
    pub last_error: String,
    /// When the recording was stored, Unix milliseconds.
    pub created_at: i64,
}

/// Wakes the dispatcher's workers by integration, so that a delivery leaves right after its commit.
#[derive(Clone, Default)]
pub(crate) struct Wakeups(Arc<Mutex<HashMap<i64, Arc<Notify>>>>);

impl Wakeups {
    pub(crate) fn of(&self, integration_id: i64) -> Arc<Notify> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(integration_id).or_default().clone()
    }

    pub(crate) fn wake(&self, integrations: &[i64]) {
        for id in integrations {
            self.of(*id).notify_one();
        }
    }
}

/// Looks after deliveries.
#[derive(Clone)]
pub struct Deliveries {
    db: Db,
    wakeups: Wakeups,
}

impl Deliveries {
    pub(crate) fn new(db: Db, wakeups: Wakeups) -> Self {
        Self { db, wakeups }
    }

    /// Deliveries waiting and parked, both capped at [`COUNT_CAP`], by integration; without one, of all.
    pub async fn count(&self, integration_id: Option<i64>) -> Result<(i64, i64)> {
        count(&self.db, integration_id).await
    }

    /// The parked deliveries of an integration, oldest first.
    pub async fn parked(&self, integration_id: i64, limit: u64) -> Result<Vec<DeliveryView>> {
        let rows = delivery::Entity::find()
            .filter(delivery::Column::IntegrationId.eq(integration_id))
            .filter(in_state(PARKED))
            .order_by_asc(delivery::Column::Id)
            .limit(limit);
        let view = |row: delivery::Model| DeliveryView {
            id: row.id,
            device: row.device,
            event: row.event,
            attempts: row.attempts,
            last_error: row.last_error,
            created_at: row.created_at,
        };
        Ok(rows.all(self.db.read()).await?.into_iter().map(view).collect())
    }

    /// Lets every parked delivery of an integration try again; answers how many.
    pub async fn retry_parked(&self, actor: &Actor, integration_id: i64) -> Result<u64> {
        let actor = actor.clone();
        let retry = self.db.write(move |tx| {
            Box::pin(async move {
                let of_integration = delivery::Column::IntegrationId.eq(integration_id).and(in_state(PARKED));
                let devices: Vec<String> = delivery::Entity::find()
                    .select_only()
                    .column(delivery::Column::Device)
                    .distinct()
                    .filter(of_integration.clone())
                    .into_tuple()
                    .all(tx)
                    .await?;
                let again =
                    delivery::ActiveModel { state: Set(WAITING.into()), attempts: Set(0), ..Default::default() };
                let changed = delivery::Entity::update_many().set(again).filter(of_integration).exec(tx).await?;
                for device in devices {
                    open_lanes(tx, &[integration_id], &device).await?;
                }
                make_due(tx, integration_id).await?;
                audit::record(tx, &actor, "retried parked deliveries", &integration_id.to_string()).await?;
                Ok(changed.rows_affected)
            })
        });
        let retried = retry.await?;
        self.wakeups.wake(&[integration_id]);
        Ok(retried)
    }
}

/// An event for several integrations.
#[derive(Clone, Copy)]
pub(crate) struct NewDelivery<'a> {
    pub(crate) recording_id: i64,
    pub(crate) device: &'a str,
    pub(crate) event_id: &'a str,
    pub(crate) event: &'a str,
    pub(crate) purpose: Purpose,
}

/// Adds an event for each integration and opens its lanes, in the transaction of its recording.
pub(crate) async fn enqueue(tx: &impl ConnectionTrait, integrations: &[i64], new: NewDelivery<'_>) -> Result<()> {
    if integrations.is_empty() {
        return Ok(());
    }
    let now = now_ms();
    let rows = integrations.iter().map(|id| delivery::ActiveModel {
        integration_id: Set(*id),
        recording_id: Set(new.recording_id),
        device: Set(new.device.to_owned()),
        event_id: Set(new.event_id.to_owned()),
        event: Set(new.event.to_owned()),
        purpose: Set(new.purpose.as_str().to_owned()),
        state: Set(WAITING.into()),
        attempts: Set(0),
        last_error: Set(String::new()),
        created_at: Set(now),
        finished_at: Set(0),
        ..Default::default()
    });
    delivery::Entity::insert_many(rows).exec_without_returning(tx).await?;
    open_lanes(tx, integrations, new.device).await
}

/// Marks lanes as having something to send. `enqueued` counts up, so that whoever finds a lane empty
/// can tell whether something came in meanwhile.
async fn open_lanes(tx: &impl ConnectionTrait, integrations: &[i64], device: &str) -> Result<()> {
    let rows = integrations.iter().map(|id| lane::ActiveModel {
        integration_id: Set(*id),
        device: Set(device.to_owned()),
        idle: Set(false),
        enqueued: Set(1),
        attempts: Set(0),
        next_attempt_at: Set(0),
        lease_until: Set(0),
    });
    let reopen = OnConflict::columns([lane::Column::IntegrationId, lane::Column::Device])
        .value(lane::Column::Idle, Expr::val(false))
        .value(lane::Column::Enqueued, Expr::col((lane::Entity, lane::Column::Enqueued)).add(1))
        .to_owned();
    lane::Entity::insert_many(rows).on_conflict(reopen).exec_without_returning(tx).await?;
    Ok(())
}

/// Lets an integration's lanes try at once: somebody has mended it.
pub(crate) async fn make_due(tx: &impl ConnectionTrait, integration_id: i64) -> Result<()> {
    let due = lane::ActiveModel { attempts: Set(0), next_attempt_at: Set(0), ..Default::default() };
    let waiting = lane::Column::IntegrationId.eq(integration_id).and(lane::Column::NextAttemptAt.gt(0));
    lane::Entity::update_many().set(due).filter(waiting).exec(tx).await?;
    Ok(())
}

/// Removes an integration's whole backlog. Refused while something still waits.
pub(crate) async fn forget_integration(tx: &impl ConnectionTrait, integration_id: i64) -> Result<()> {
    let waiting = delivery::Entity::find()
        .filter(delivery::Column::IntegrationId.eq(integration_id))
        .filter(in_state(WAITING))
        .limit(1)
        .one(tx)
        .await?;
    if waiting.is_some() {
        return Err(VaultError::Conflict(
            "Deliveries still wait for this integration and would be lost. Let them drain first; disabling it keeps them.".into(),
        ));
    }
    delivery::Entity::delete_many().filter(delivery::Column::IntegrationId.eq(integration_id)).exec(tx).await?;
    lane::Entity::delete_many().filter(lane::Column::IntegrationId.eq(integration_id)).exec(tx).await?;
    Ok(())
}

/// See [`Deliveries::count`].
pub(crate) async fn count(db: &Db, integration_id: Option<i64>) -> Result<(i64, i64)> {
    let mut counts = [0, 0];
    for (count, state) in counts.iter_mut().zip([WAITING, PARKED]) {
        // The state is spelled out so that the partial index can be used.
        let filter = if integration_id.is_some() { "AND integration_id = $2" } else { "" };
        let sql = format!(
            "SELECT COUNT(*) AS n FROM (SELECT 1 FROM deliveries WHERE state = '{state}' {filter} LIMIT $1) AS capped"
        );
        let values = [Some(COUNT_CAP), integration_id].into_iter().flatten().map(sea_orm::Value::from);
        let row = db.read().query_one_raw(statement(db.read().get_database_backend(), &sql, values)).await?;
        *count = row.map_or(Ok(0), |row| row.try_get("", "n"))?;
    }
    Ok((counts[0], counts[1]))
}
