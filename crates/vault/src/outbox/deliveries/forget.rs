//! What happens to deliveries when their connection goes.

use super::{DEFERRED, DELIVERED, PARKED, WAITING, in_state};
use crate::base::entity::{delivery, lane, replay};
use crate::base::{Result, VaultError};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter, QuerySelect};

/// What to do with deliveries that still wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// Keep them, and with them the connection.
    Keep,
    /// Drop them; the administrator was told.
    Drop,
}

/// Removes a connection's deliveries, lanes and replays; returns how many deliveries were still waiting.
pub(crate) async fn forget_connection(tx: &impl ConnectionTrait, id: i64, backlog: Backlog) -> Result<u64> {
    // State by state, to use the indexes.
    let in_its = |state| delivery::Column::IntegrationId.eq(id).and(in_state(state));
    let mut lost = 0;
    for state in [WAITING, DEFERRED] {
        let its = delivery::Entity::find().filter(in_its(state)).limit(1);
        if backlog == Backlog::Keep && its.one(tx).await?.is_some() {
            return Err(VaultError::Conflict(
                "Deliveries still wait for it and would be lost. Let them drain first (disabling it keeps them), or \
                 tick the box to delete it with them."
                    .into(),
            ));
        }
        lost += delivery::Entity::delete_many().filter(in_its(state)).exec(tx).await?.rows_affected;
    }
    for state in [PARKED, DELIVERED] {
        delivery::Entity::delete_many().filter(in_its(state)).exec(tx).await?;
    }
    lane::Entity::delete_many().filter(lane::Column::IntegrationId.eq(id)).exec(tx).await?;
    replay::Entity::delete_many().filter(replay::Column::IntegrationId.eq(id)).exec(tx).await?;
    Ok(lost)
}
