//! Recordings that are past their account's days.

use super::list::without_json;
use super::locked::is_free;
use super::{RecordingRef, Recordings};
use crate::base::Result;
use crate::base::entity::recording::{self, Column};
use crate::host::timekeeping::Trusted;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select,
};

/// How far a search in the order of time has got: the last row's timestamp and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached(i64, i64);

impl Default for Reached {
    fn default() -> Self {
        Self(i64::MIN, 0)
    }
}

/// A batch of a search.
pub(crate) struct Expired {
    /// Without those whose rows are damaged.
    pub(crate) found: Vec<RecordingRef>,
    /// Where to go on; `None` at the end.
    pub(crate) reached: Option<Reached>,
}

impl Recordings {
    /// An account's recordings that are older than its day limit, the oldest first. Those of which an event or a copy is still
    /// on its way stay until it has arrived or is parked.
    pub(crate) async fn expired(
        &self,
        _: &Trusted,
        account_id: i64,
        before: i64,
        behind: Reached,
        limit: u64,
    ) -> Result<Expired> {
        self.batch(expired(account_id, before, behind).limit(limit)).await
    }

    pub(super) async fn batch(&self, rows: Select<recording::Entity>) -> Result<Expired> {
        let rows = rows.all(self.db.read()).await?;
        let reached = rows.last().map(|row| Reached(row.timestamp, row.id));
        let found = self.db.damaged_rows().readable(rows.into_iter().map(RecordingRef::try_from));
        Ok(Expired { found, reached })
    }
}

fn expired(account_id: i64, before: i64, behind: Reached) -> Select<recording::Entity> {
    older(account_id, before, behind).filter(recording::is_recording()).filter(is_free()).filter(is_told())
}

/// An account's recordings that were recorded and stored before a moment.
pub(crate) fn due(account_id: i64, before: i64) -> Condition {
    Condition::all()
        .add(recording::is_recording())
        .add(Column::AccountId.eq(account_id))
        .add(Column::Timestamp.lt(before))
        .add(Column::UploadedAt.lt(before))
}

/// Whether nobody is yet to be told of a recording: its events, copies and forwards have arrived or are parked, or are for what is
/// disabled.
pub(crate) fn is_told() -> Expr {
    Expr::cust(
        "NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.recording_id = recordings.id \
         AND deliveries.state IN ('waiting', 'deferred') \
         AND deliveries.integration_id IN (SELECT id FROM connections WHERE enabled = TRUE))",
    )
}

/// An account's rows that were recorded and stored before a moment, the oldest first.
pub(super) fn older(account_id: i64, before: i64, Reached(timestamp, id): Reached) -> Select<recording::Entity> {
    let behind = Column::Timestamp.gte(timestamp).and(Column::Timestamp.gt(timestamp).or(Column::Id.gt(id)));
    without_json(recording::Entity::find())
        .filter(Column::AccountId.eq(account_id))
        .filter(behind)
        .filter(Column::Timestamp.lt(before))
        .filter(Column::UploadedAt.lt(before))
        .order_by_asc(Column::Timestamp)
        .order_by_asc(Column::Id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::base::db::{Db, PATIENCE};
    use sea_orm::{ConnectionTrait as _, DbBackend, QueryTrait as _};

    #[tokio::test]
    async fn the_search_has_its_indexes() {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = format!("sqlite://{}/t.db", dir.path().display());
        let db = Db::open(&file, Clock::default(), PATIENCE).await.expect("opens");
        let mut query = expired(1, 1, Reached::default()).limit(10).build(DbBackend::Sqlite);
        query.sql = format!("EXPLAIN QUERY PLAN {}", query.sql);
        let steps = db.read().query_all_raw(query).await.expect("explained");
        let plan: String =
            steps.iter().map(|step| step.try_get::<String>("", "detail").expect("a step") + "\n").collect();
        assert!(plan.contains("recordings_by_account (account_id=? AND timestamp>? AND timestamp<?)"), "{plan}");
        assert!(plan.contains("deliveries_open_by_recording") && !plan.contains("B-TREE"), "{plan}");
    }
}
