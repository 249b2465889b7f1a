//! When the clock is set back, no wait becomes longer.

use super::{Integration, open};
use crate::base::Result;
use crate::base::entity::lane;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait as _, QueryFilter};

/// How far apart the clocks of vaults that share a database may be.
const APART_MS: i64 = 10_000;

impl Integration {
    /// A failure later than this happened before the clock was set back.
    pub(super) fn latest_plausible_ms(&self) -> i64 {
        self.db.now_ms() + if self.db.is_shared() { APART_MS } else { 0 }
    }

    /// Ends the waits of lanes that began in the future.
    pub(super) async fn clear_waits_after_clock_set_back(&self) -> Result<()> {
        let now = self.db.now_ms();
        let waits_of_the_future = Condition::all()
            .add(lane::Column::IntegrationId.eq(self.sink.id))
            .add(lane::Column::FailedAt.gt(self.latest_plausible_ms()))
            // Spelled out so that the partial index can be used.
            .add(Expr::cust("lanes.failed_at > 0"))
            .add(lane::Column::NextAttemptAt.gt(now))
            .add(open());
        if lane::Entity::find().filter(waits_of_the_future.clone()).count(self.db.read()).await? == 0 {
            return Ok(());
        }
        tracing::warn!(
            integration = self.sink.name,
            "the clock was set back: waits that began later than now are over"
        );
        let due = lane::ActiveModel { next_attempt_at: Set(0), ..Default::default() };
        let end = lane::Entity::update_many().set(due).filter(waits_of_the_future);
        self.db.write(move |tx| Box::pin(async move { Ok(end.exec(tx).await.map(drop)?) })).await
    }
}
