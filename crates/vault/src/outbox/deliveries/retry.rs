//! Retrying deliveries that were set aside or parked, or that wait for their next attempt.

use super::enqueue::open_lanes;
use super::{BATCH, DEFERRED, Deliveries, PARKED, WAITING, aside, in_state};
use crate::base::db::Tx;
use crate::base::entity::{connection, delivery, lane};
use crate::base::{Permission, Principal, audit};
use crate::base::{Result, VaultError};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder,
    QuerySelect,
};

impl Deliveries {
    /// Retries one delivery now: one set aside or parked, or one whose camera waits after a failure.
    pub async fn retry(&self, principal: &Principal, id: i64) -> Result<()> {
        let principal = principal.clone();
        let retry = self.db.write(move |tx| {
            Box::pin(async move {
                let row = delivery::Entity::find_by_id(id).one(tx).await?.ok_or(VaultError::NotFound("delivery"))?;
                match row.state.as_str() {
                    state @ (DEFERRED | PARKED) => {
                        reopen(tx, state, vec![row.id]).await?;
                        open_lanes(tx, vec![(row.integration_id, row.device.clone())]).await?;
                    }
                    WAITING => {}
                    _ => {
                        return Err(VaultError::Conflict(
                            "It has been delivered. To send it again, replay its period to the integration.".into(),
                        ));
                    }
                }
                let lane = lane::Column::IntegrationId.eq(row.integration_id).and(lane::Column::Device.eq(&row.device));
                make_due(tx, Condition::all().add(lane)).await?;
                let subject = format!("{} ({})", row.event_id, name(tx, row.integration_id).await?);
                audit::record(tx, &principal, Permission::Manage, "retried delivery", &subject).await?;
                Ok(row.integration_id)
            })
        });
        let connection_id = retry.await?;
        self.wakeups.wake(&[connection_id]);
        self.wakeups.given_up.notify_one();
        Ok(())
    }

    /// Retries everything of a connection that is set aside or parked; returns how many.
    pub async fn retry_parked(&self, principal: &Principal, connection_id: i64) -> Result<u64> {
        self.retry_all(principal, connection_id, None).await
    }

    /// Retries those that failed for this reason; returns how many.
    pub async fn retry_reason(&self, principal: &Principal, connection_id: i64, reason: String) -> Result<u64> {
        self.retry_all(principal, connection_id, Some(reason)).await
    }

    async fn retry_all(&self, principal: &Principal, connection_id: i64, reason: Option<String>) -> Result<u64> {
        let (principal, told) = (principal.clone(), reason.clone());
        let start = self.db.write(move |tx| {
            Box::pin(async move {
                let name = name(tx, connection_id).await?;
                make_lanes_due(tx, connection_id).await?;
                let subject = told.map_or_else(|| name.clone(), |reason| format!("{name}: {reason}"));
                audit::record(tx, &principal, Permission::Manage, "retried parked deliveries", &subject).await
            })
        });
        start.await?;
        let mut retried = 0;
        // First those set aside: a parked one that is refused again would otherwise be among them, and be retried
        // twice.
        for state in [DEFERRED, PARKED] {
            let mut after = 0;
            loop {
                let reason = reason.clone();
                let batch = self.db.write(move |tx| Box::pin(retry_batch(tx, connection_id, state, reason, after)));
                let Some((last, count)) = batch.await? else { break };
                self.wakeups.wake(&[connection_id]);
                // Those set aside again meanwhile lie before this position and are not looked at twice.
                (retried, after) = (retried + count, last);
            }
        }
        self.wakeups.given_up.notify_one();
        Ok(retried)
    }
}

/// Reopens the oldest deliveries in a state after an id; returns the last id and how many. `None` when none is left.
async fn retry_batch(
    tx: &Tx,
    connection_id: i64,
    state: &'static str,
    reason: Option<String>,
    after: i64,
) -> Result<Option<(i64, u64)>> {
    let mut held_up = delivery::Entity::find()
        .select_only()
        .columns([delivery::Column::Id, delivery::Column::Device])
        .filter(delivery::Column::IntegrationId.eq(connection_id))
        .filter(in_state(state))
        .filter(delivery::Column::Id.gt(after));
    if let Some(reason) = reason {
        held_up = held_up.filter(delivery::Column::LastError.eq(reason));
    }
    let rows: Vec<(i64, String)> = held_up.order_by_asc(delivery::Column::Id).limit(BATCH).into_tuple().all(tx).await?;
    let Some((last, _)) = rows.last() else { return Ok(None) };
    let last = *last;
    let (ids, devices): (Vec<i64>, Vec<String>) = rows.into_iter().unzip();
    let count = reopen(tx, state, ids).await?;
    open_lanes(tx, devices.into_iter().map(|device| (connection_id, device)).collect()).await?;
    Ok(Some((last, count)))
}

/// Lets deliveries in a state start over, with their full patience.
async fn reopen(tx: &impl ConnectionTrait, state: &str, ids: Vec<i64>) -> Result<u64> {
    let again = delivery::ActiveModel {
        state: Set(WAITING.into()),
        attempts: Set(0),
        due_at: Set(0),
        waited_ms: Set(0),
        ..Default::default()
    };
    // Another replica may have been asked the same.
    let still = delivery::Column::Id.is_in(ids).and(in_state(state));
    Ok(delivery::Entity::update_many().set(again).filter(still).exec(tx).await?.rows_affected)
}

/// Makes a connection's lanes, and what was set aside, due at once: somebody has mended it.
pub(crate) async fn make_all_due(tx: &impl ConnectionTrait, connection_id: i64) -> Result<()> {
    make_lanes_due(tx, connection_id).await?;
    aside::return_oldest(tx, connection_id).await
}

async fn make_lanes_due(tx: &impl ConnectionTrait, connection_id: i64) -> Result<()> {
    make_due(tx, Condition::all().add(lane::Column::IntegrationId.eq(connection_id))).await
}

/// Ends lanes' waits after failures.
async fn make_due(tx: &impl ConnectionTrait, lanes: Condition) -> Result<()> {
    let due = lane::ActiveModel { attempts: Set(0), next_attempt_at: Set(0), ..Default::default() };
    let waiting = lanes.add(lane::Column::NextAttemptAt.gt(0));
    lane::Entity::update_many().set(due).filter(waiting).exec(tx).await?;
    Ok(())
}

async fn name(tx: &impl ConnectionTrait, connection_id: i64) -> Result<String> {
    let row = connection::Entity::find_by_id(connection_id).one(tx).await?;
    Ok(row.ok_or(VaultError::NotFound("connection"))?.name)
}
