//! Assets without a recording, which nobody sees: the recording never came, or was deleted while they were on their way. They
//! expire (docs/protocol.md §5).

use super::expired::{Expired, Reached, older};
use super::{RecordingRef, Recordings};
use crate::base::Result;
use crate::base::entity::recording::{self, is_asset};
use crate::host::timekeeping::Trusted;
use model::asset;
use model::connection::Family;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select};

/// Most rows, of whatever kind, that one search goes past.
const WINDOW: u64 = 20_000;

/// What a search found.
pub(crate) struct Lone {
    /// Assets without a recording, the oldest first.
    pub(crate) assets: Vec<RecordingRef>,
    /// When what was not searched yet was uploaded, or later.
    pub(crate) searched_until: i64,
}

impl Recordings {
    /// An account's assets that are older than its day limit and have no recording. The others go with theirs.
    pub(crate) async fn expired_assets(
        &self,
        _: &Trusted,
        account_id: i64,
        before: i64,
        behind: Reached,
        limit: u64,
    ) -> Result<Expired> {
        self.batch(expired(account_id, before, behind).limit(limit)).await
    }

    /// All accounts' assets that were uploaded in a period and have no recording. A window at a time: whoever goes on where
    /// the last search ended looks at each once, when it is old enough. Later it loses its recording only by a deletion, and goes with it.
    pub(crate) async fn lone_assets(&self, _: &Trusted, from: i64, before: i64, limit: u64) -> Result<Lone> {
        let end: Option<i64> = recording::Entity::find()
            .select_only()
            .column(recording::Column::UploadedAt)
            .filter(recording::Column::UploadedAt.gte(from))
            .filter(recording::Column::UploadedAt.lt(before))
            .order_by_asc(recording::Column::UploadedAt)
            .offset(WINDOW)
            .limit(1)
            .into_tuple()
            .one(self.db.read())
            .await?;
        let until = end_of_window(end, from, before);
        let assets = self.refs(uploaded(from, until).limit(limit)).await?;
        let is_all = (assets.len() as u64) < limit;
        // The next search finds no more of those that are deleted until then.
        let searched_until = assets.last().filter(|_| !is_all).map_or(until, |last| last.uploaded_at);
        Ok(Lone { assets, searched_until })
    }

    async fn refs(&self, rows: Select<recording::Entity>) -> Result<Vec<RecordingRef>> {
        Ok(self.db.damaged_rows().readable(rows.all(self.db.read()).await?.into_iter().map(RecordingRef::try_from)))
    }
}

/// `end` is when the first row behind the window was uploaded. More rows than fit may have come at one moment.
fn end_of_window(end: Option<i64>, from: i64, before: i64) -> i64 {
    end.map_or(before.max(from), |end| end.max(from + 1))
}

fn expired(account_id: i64, before: i64, behind: Reached) -> Select<recording::Entity> {
    older(account_id, before, behind).filter(is_asset()).filter(Expr::cust(has_no_recording()))
}

fn uploaded(from: i64, until: i64) -> Select<recording::Entity> {
    recording::Entity::find()
        .filter(is_asset())
        .filter(recording::Column::UploadedAt.gte(from))
        .filter(recording::Column::UploadedAt.lt(until))
        .filter(Expr::cust(has_no_recording()))
        .order_by_asc(recording::Column::UploadedAt)
}

/// Asked for at every provider by name, which the index of places and keys answers.
fn has_no_recording() -> String {
    let keys = asset::recording_extensions().into_iter().map(|end| format!("recordings.asset_of || '{end}'"));
    format!(
        "NOT EXISTS (SELECT 1 FROM recordings parent WHERE parent.account_id = recordings.account_id \
         AND parent.provider_id IN (SELECT id FROM connections WHERE family = '{}') AND parent.key IN ({}) \
         AND parent.asset_of IS NULL)",
        Family::Provider.as_str(),
        keys.collect::<Vec<_>>().join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::base::db::{Db, PATIENCE};
    use sea_orm::{ConnectionTrait as _, DbBackend, QueryTrait as _};

    #[test]
    fn a_search_gets_on_and_leaves_nothing_out() {
        assert_eq!(end_of_window(Some(7), 3, 9), 7, "the next begins with the first that was left");
        assert_eq!(end_of_window(Some(3), 3, 9), 4, "all of one moment");
        assert_eq!(end_of_window(None, 3, 9), 9);
        assert_eq!(end_of_window(None, 9, 3), 9, "the clock was set back");
    }

    #[tokio::test]
    async fn every_search_has_its_index() {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = format!("sqlite://{}/t.db", dir.path().display());
        let db = Db::open(&file, Clock::default(), PATIENCE).await.expect("opens");
        for (query, index) in
            [(expired(1, 1, Reached::default()), "assets_by_time"), (uploaded(0, 1), "recordings_by_upload")]
        {
            let mut query = query.limit(10).build(DbBackend::Sqlite);
            query.sql = format!("EXPLAIN QUERY PLAN {}", query.sql);
            let steps = db.read().query_all_raw(query).await.expect("explained");
            let plan: String =
                steps.iter().map(|step| step.try_get::<String>("", "detail").expect("a step") + "\n").collect();
            assert!(plan.contains(index) && !plan.contains("B-TREE"), "{index}: {plan}");
            assert!(!plan.contains("SCAN parent"), "{plan}");
        }
    }
}
