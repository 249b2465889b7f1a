//! How deliveries to each connection are going.

use super::reasons::reasons;
use super::replay::running_replays;
use super::{DEFERRED, DELIVERED, Deliveries, PARKED, WAITING, capped, count_in, in_state};
use crate::base::Result;
use crate::base::entity::{connection, delivery, lane};
use futures::future::try_join_all;
use model::connection::Family;
use model::delivery::{DeliveryHealth, ReplayView};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

impl Deliveries {
    /// Every integration, and every provider that gets copies, by name.
    pub async fn health(&self) -> Result<Vec<DeliveryHealth>> {
        let rows = connection::Entity::find().order_by_asc(connection::Column::Name).all(self.db.read()).await?;
        let mut replays = running_replays(&self.db).await?;
        let lines = try_join_all(rows.into_iter().map(|row| self.line(row))).await?;
        Ok(lines.into_iter().flatten().map(|line| with_replay(line, &mut replays)).collect())
    }

    /// `None` for a provider without deliveries.
    async fn line(&self, row: connection::Model) -> Result<Option<DeliveryHealth>> {
        let provider = row.family == Family::Provider.as_str();
        if provider && !self.has_lane(row.id).await? {
            return Ok(None);
        }
        let now = self.db.now_ms();
        let waiting = count_in(&self.db, WAITING, Some(row.id)).await?;
        let deferred = count_in(&self.db, DEFERRED, Some(row.id)).await?;
        let parked = count_in(&self.db, PARKED, Some(row.id)).await?;
        let oldest = if waiting > 0 { self.oldest_waiting(row.id).await? } else { None };
        let (last_error, failed_at) = self.last_failure(row.id).await?.unwrap_or_default();
        Ok(Some(DeliveryHealth {
            family: if provider { Family::Provider } else { Family::Integration },
            last_success: self.last_success(row.id).await?.unwrap_or_default(),
            last_minute: self.delivered_since(row.id, now - MINUTE_MS).await?,
            last_hour: self.delivered_since(row.id, now - HOUR_MS).await?,
            oldest_waiting_ms: oldest.map_or(0, |at| (now - at).max(0)),
            failing: waiting > 0 && self.is_failing(row.id).await?,
            reasons: if deferred + parked > 0 { reasons(&self.db, row.id).await? } else { Vec::new() },
            id: row.id,
            name: row.name,
            kind: row.kind,
            enabled: row.enabled,
            waiting,
            deferred,
            parked,
            last_error,
            failed_at,
            replay: None,
        }))
    }

    async fn has_lane(&self, id: i64) -> Result<bool> {
        let lane = lane::Entity::find().filter(lane::Column::IntegrationId.eq(id)).limit(1).one(self.db.read());
        Ok(lane.await?.is_some())
    }

    async fn oldest_waiting(&self, id: i64) -> Result<Option<i64>> {
        let oldest = delivery::Entity::find()
            .select_only()
            .column(delivery::Column::CreatedAt)
            .filter(delivery::Column::IntegrationId.eq(id))
            .filter(in_state(WAITING))
            .order_by_asc(delivery::Column::Id)
            .limit(1);
        Ok(oldest.into_tuple().one(self.db.read()).await?)
    }

    async fn last_success(&self, id: i64) -> Result<Option<i64>> {
        let last = delivery::Entity::find()
            .select_only()
            .column(delivery::Column::FinishedAt)
            .filter(delivery::Column::IntegrationId.eq(id))
            .filter(in_state(DELIVERED))
            .order_by_desc(delivery::Column::FinishedAt)
            .limit(1);
        Ok(last.into_tuple().one(self.db.read()).await?)
    }

    async fn delivered_since(&self, id: i64, since: i64) -> Result<i64> {
        let condition = format!("state = '{DELIVERED}' AND integration_id = $2 AND finished_at > $3");
        capped(&self.db, "deliveries", &condition, [id.into(), since.into()]).await
    }

    async fn last_failure(&self, id: i64) -> Result<Option<(String, i64)>> {
        let last = lane::Entity::find()
            .select_only()
            .columns([lane::Column::LastError, lane::Column::FailedAt])
            .filter(lane::Column::IntegrationId.eq(id))
            .filter(Expr::cust("lanes.failed_at > 0"))
            .order_by_desc(lane::Column::FailedAt)
            .limit(1);
        Ok(last.into_tuple().one(self.db.read()).await?)
    }

    async fn is_failing(&self, id: i64) -> Result<bool> {
        let failing = lane::Entity::find()
            .filter(lane::Column::IntegrationId.eq(id))
            .filter(Expr::cust("lanes.idle = FALSE"))
            .filter(lane::Column::Attempts.gt(0))
            .limit(1);
        Ok(failing.one(self.db.read()).await?.is_some())
    }
}

fn with_replay(mut line: DeliveryHealth, replays: &mut HashMap<i64, ReplayView>) -> DeliveryHealth {
    line.replay = replays.remove(&line.id);
    line
}
