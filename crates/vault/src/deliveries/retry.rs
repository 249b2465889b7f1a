//! Trying again what was given up, or what waits for its next try.

use super::enqueue::open_lanes;
use super::{BATCH, Deliveries, PARKED, WAITING, in_state};
use crate::audit::{self, Actor};
use crate::entity::{connection, delivery, lane};
use crate::{Result, VaultError};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder,
    QuerySelect,
};

impl Deliveries {
    /// Lets one delivery try again now: a parked one, or one whose camera waits after a failure.
    pub async fn retry(&self, actor: &Actor, id: i64) -> Result<()> {
        let actor = actor.clone();
        let retry = self.db.write(move |tx| {
            Box::pin(async move {
                let row = delivery::Entity::find_by_id(id).one(tx).await?.ok_or(VaultError::NotFound("delivery"))?;
                match row.state.as_str() {
                    PARKED => {
                        reopen(tx, vec![row.id]).await?;
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
                audit::record(tx, &actor, "retried delivery", &subject).await?;
                Ok(row.integration_id)
            })
        });
        let connection_id = retry.await?;
        self.wakeups.wake(&[connection_id]);
        Ok(())
    }

    /// Lets every parked delivery of a connection try again; answers how many.
    pub async fn retry_parked(&self, actor: &Actor, connection_id: i64) -> Result<u64> {
        let actor = actor.clone();
        let start = self.db.write(move |tx| {
            Box::pin(async move {
                let name = name(tx, connection_id).await?;
                make_all_due(tx, connection_id).await?;
                audit::record(tx, &actor, "retried parked deliveries", &name).await
            })
        });
        start.await?;
        let (mut retried, mut after) = (0, 0);
        loop {
            let batch = self.db.write(move |tx| Box::pin(retry_batch(tx, connection_id, after)));
            let Some((last, count)) = batch.await? else { return Ok(retried) };
            self.wakeups.wake(&[connection_id]);
            // What is parked again meanwhile lies behind and is not looked at twice.
            (retried, after) = (retried + count, last);
        }
    }
}

/// Reopens the oldest parked deliveries after an id; answers the last one's id and how many. `None` when none is left.
async fn retry_batch(tx: &impl ConnectionTrait, connection_id: i64, after: i64) -> Result<Option<(i64, u64)>> {
    let parked: Vec<(i64, String)> = delivery::Entity::find()
        .select_only()
        .columns([delivery::Column::Id, delivery::Column::Device])
        .filter(delivery::Column::IntegrationId.eq(connection_id))
        .filter(in_state(PARKED))
        .filter(delivery::Column::Id.gt(after))
        .order_by_asc(delivery::Column::Id)
        .limit(BATCH)
        .into_tuple()
        .all(tx)
        .await?;
    let Some((last, _)) = parked.last() else { return Ok(None) };
    let last = *last;
    let (ids, devices): (Vec<i64>, Vec<String>) = parked.into_iter().unzip();
    let count = reopen(tx, ids).await?;
    open_lanes(tx, devices.into_iter().map(|device| (connection_id, device)).collect()).await?;
    Ok(Some((last, count)))
}

async fn reopen(tx: &impl ConnectionTrait, ids: Vec<i64>) -> Result<u64> {
    let again = delivery::ActiveModel { state: Set(WAITING.into()), attempts: Set(0), ..Default::default() };
    // Another replica may have been asked the same.
    let still_parked = delivery::Column::Id.is_in(ids).and(in_state(PARKED));
    Ok(delivery::Entity::update_many().set(again).filter(still_parked).exec(tx).await?.rows_affected)
}

/// Lets a connection's lanes try at once: somebody has mended it.
pub(crate) async fn make_all_due(tx: &impl ConnectionTrait, connection_id: i64) -> Result<()> {
    make_due(tx, Condition::all().add(lane::Column::IntegrationId.eq(connection_id))).await
}

/// Ends the wait of lanes after failures.
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
