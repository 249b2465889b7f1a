//! Why deliveries were set aside or parked.

use super::{DEFERRED, PARKED, capped, in_state};
use crate::base::Result;
use crate::base::db::Db;
use crate::base::entity::delivery;
use model::delivery::DeliveryReason;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;

/// Most reasons looked at, and returned.
const MOST: usize = 20;

/// A connection's reasons, the most frequent first. An index leads from one reason to the next, and counts are capped,
/// so that a hundred thousand deliveries with one reason cost little.
pub(super) async fn reasons(db: &Db, connection_id: i64) -> Result<Vec<DeliveryReason>> {
    let mut found: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for state in [DEFERRED, PARKED] {
        let mut after: Option<String> = None;
        for _ in 0..MOST {
            let Some(reason) = next(db, connection_id, state, after.as_deref()).await? else { break };
            let condition = format!("state = '{state}' AND integration_id = $2 AND last_error = $3");
            let count = capped(db, "deliveries", &condition, [connection_id.into(), reason.as_str().into()]).await?;
            let (deferred, parked) = found.entry(reason.clone()).or_default();
            *(if state == DEFERRED { deferred } else { parked }) = count;
            after = Some(reason);
        }
    }
    let told = found.into_iter().map(|(reason, (deferred, parked))| DeliveryReason { reason, deferred, parked });
    let mut told: Vec<DeliveryReason> = told.collect();
    told.sort_by_key(|of| std::cmp::Reverse(of.deferred + of.parked));
    told.truncate(MOST);
    Ok(told)
}

async fn next(db: &Db, connection_id: i64, state: &str, after: Option<&str>) -> Result<Option<String>> {
    let mut query = delivery::Entity::find()
        .select_only()
        .column(delivery::Column::LastError)
        .filter(delivery::Column::IntegrationId.eq(connection_id))
        .filter(in_state(state));
    if let Some(after) = after {
        query = query.filter(delivery::Column::LastError.gt(after));
    }
    Ok(query.order_by_asc(delivery::Column::LastError).limit(1).into_tuple().one(db.read()).await?)
}
