//! Assets: files derived from a recording, in rows of their own (docs/protocol.md §5). They belong to the account's
//! recording of their name, at whatever provider that is; when the last recording of that name is deleted, they go, too.

use super::list::without_json;
use super::{RecordingRef, Recordings};
use crate::base::Result;
use crate::base::VaultError;
use crate::base::db::Tx;
use crate::base::entity::recording;
use model::ObjectKey;
use model::asset::{self, Reading};
use model::recording::AssetView;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use std::collections::{BTreeSet, HashMap};
use std::error::Error as StdError;

/// Most assets of a recording that are shown.
const SHOWN: u64 = 100;
/// Most stems looked for by one query.
const CHUNK: usize = 200;

/// The stem of the recording that a new row belongs to; nothing, if it is a recording.
pub(crate) async fn recording_of(tx: &Tx, account_id: i64, key: &ObjectKey) -> Result<Option<String>> {
    let candidates = match asset::read(key) {
        Reading::Recording => return Ok(None),
        Reading::Asset { recording, .. } => {
            // What is derived of an asset belongs to that one's recording.
            let rows = rows_under(tx, account_id, &asset::recording_keys(&recording)).await?;
            let is_there = rows.iter().any(|row| row.asset_of.is_none());
            let of_asset = rows.into_iter().find_map(|row| row.asset_of).filter(|_| !is_there);
            return Ok(Some(of_asset.unwrap_or(recording)));
        }
        Reading::Perhaps(candidates) => candidates,
    };
    let keys: Vec<String> = candidates.iter().flat_map(|stem| asset::recording_keys(stem)).collect();
    let rows = recordings_under(tx, account_id, &keys).await?;
    let has = |stem: &String| {
        rows.iter().any(|row| row.read_key().is_ok_and(|key| asset::recording_stem(&key) == stem.as_str()))
    };
    Ok(candidates.into_iter().find(has))
}

/// A recording of an account by its stem; if there are several, any of them.
pub(crate) async fn recording_with(tx: &Tx, account_id: i64, stem: &str) -> Result<Option<recording::Model>> {
    Ok(recordings_under(tx, account_id, &asset::recording_keys(stem)).await?.into_iter().next())
}

async fn recordings_under(
    db: &impl ConnectionTrait,
    account_id: i64,
    keys: &[String],
) -> Result<Vec<recording::Model>> {
    let rows = rows_under(db, account_id, keys).await?;
    Ok(rows.into_iter().filter(|row| row.asset_of.is_none()).collect())
}

async fn rows_under(db: &impl ConnectionTrait, account_id: i64, keys: &[String]) -> Result<Vec<recording::Model>> {
    let rows = without_json(recording::Entity::find())
        .filter(recording::under(keys.iter().map(String::as_str)))
        .filter(recording::Column::AccountId.eq(account_id));
    Ok(rows.all(db).await?)
}

/// The assets of several recordings, each with the place of its recording among them.
pub(crate) async fn of_many(
    db: &impl ConnectionTrait,
    recordings: &[recording::Model],
) -> Result<Vec<(usize, recording::Model)>> {
    let mut places: HashMap<(i64, String), usize> = HashMap::new();
    let mut stems: HashMap<i64, Vec<String>> = HashMap::new();
    for (place, row) in recordings.iter().enumerate().filter(|(_, row)| row.asset_of.is_none()) {
        let Ok(key) = row.read_key() else { continue };
        let stem = asset::recording_stem(&key).to_owned();
        if places.insert((row.account_id, stem.clone()), place).is_none() {
            stems.entry(row.account_id).or_default().push(stem);
        }
    }
    let mut found = Vec::new();
    for (account_id, stems) in stems {
        for stems in stems.chunks(CHUNK) {
            let assets = recording::Entity::find()
                .filter(recording::Column::AccountId.eq(account_id))
                .filter(recording::Column::AssetOf.is_in(stems))
                .order_by_asc(recording::Column::Id);
            for row in assets.all(db).await? {
                let whose = row.asset_of.clone().map(|stem| (account_id, stem));
                found.extend(whose.and_then(|whose| places.get(&whose)).map(|place| (*place, row)));
            }
        }
    }
    Ok(found)
}

/// Row ids of an account's recordings with this stem.
pub(super) async fn recordings_of(db: &impl ConnectionTrait, account_id: i64, stem: &str) -> Result<Vec<i64>> {
    let rows = recordings_under(db, account_id, &asset::recording_keys(stem)).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Notes that deleted recordings' assets go with them, in the transaction that deletes them, unless the account has another
/// recording of that name. One that is stored again after that is not concerned. Most have no assets.
pub(crate) async fn orphan(tx: &Tx, account_id: i64, deleted: &[&ObjectKey]) -> Result<()> {
    let stems: BTreeSet<&str> = deleted.iter().map(|key| asset::recording_stem(key)).collect();
    let stems: Vec<&str> = stems.into_iter().collect();
    for stems in stems.chunks(CHUNK) {
        let having: Vec<String> = recording::Entity::find()
            .select_only()
            .column(recording::Column::AssetOf)
            .distinct()
            .filter(recording::Column::AccountId.eq(account_id))
            .filter(recording::Column::AssetOf.is_in(stems.iter().copied()))
            .into_tuple()
            .all(tx)
            .await?;
        for stem in having {
            if recording_with(tx, account_id, &stem).await?.is_none() {
                recording::Entity::update_many()
                    .col_expr(recording::Column::Orphaned, Expr::val(true))
                    .filter(recording::Column::AccountId.eq(account_id))
                    .filter(recording::Column::AssetOf.eq(stem))
                    .exec(tx)
                    .await?;
            }
        }
    }
    Ok(())
}

impl Recordings {
    /// What a recording's details show of its assets, the oldest first.
    pub(super) async fn assets_of(&self, account_id: i64, key: &str) -> Result<Vec<AssetView>> {
        let Ok(key) = ObjectKey::parse(key) else { return Ok(Vec::new()) };
        let rows = without_json(recording::Entity::find())
            .filter(recording::Column::AccountId.eq(account_id))
            .filter(recording::Column::AssetOf.eq(asset::recording_stem(&key)))
            .order_by_asc(recording::Column::Id)
            .limit(SHOWN);
        let view = |row: recording::Model| {
            let key = row.read_key()?;
            Ok(AssetView { id: row.id, kind: asset::kind_of(&key), key: row.key, size: row.size })
        };
        Ok(self.db.damaged_rows().readable(rows.all(self.db.read()).await?.into_iter().map(view)))
    }

    /// Deletes the assets of a recording that has just been deleted. What fails is left to housekeeping.
    pub(super) async fn remove_assets_of(&self, deleted: &RecordingRef) {
        let assets = recording::Entity::find()
            .filter(recording::Column::AccountId.eq(deleted.account_id))
            .filter(recording::Column::AssetOf.eq(asset::recording_stem(&deleted.key)))
            .filter(is_orphaned());
        let removed = async { self.remove_all(assets.all(self.db.read()).await?).await };
        if let Err(error) = removed.await {
            let (key, error) = (&deleted.key, &error as &dyn StdError);
            tracing::warn!(%key, error, "assets of a deleted recording are left to be deleted later");
        }
    }

    /// Assets whose recordings were deleted: they go, too. Those behind this row, and the last one's id, whether or not it can be
    /// read; nothing at the end.
    pub(crate) async fn orphans(&self, after: i64, limit: u64) -> Result<Option<(Vec<RecordingRef>, i64)>> {
        let rows = recording::Entity::find()
            .filter(is_orphaned())
            .filter(recording::Column::Id.gt(after))
            .order_by_asc(recording::Column::Id)
            .limit(limit);
        let rows = rows.all(self.db.read()).await?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
        Ok(Some((self.db.damaged_rows().readable(rows.into_iter().map(RecordingRef::try_from)), last)))
    }

    /// In a task that goes on to its end.
    async fn remove_all(&self, rows: Vec<recording::Model>) -> Result<()> {
        for asset in self.db.damaged_rows().readable(rows.into_iter().map(RecordingRef::try_from)) {
            match self.remove_now(None, &asset).await {
                // Somebody else was faster, or it has been stored again.
                Ok(()) | Err(VaultError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Spelled out so that the partial index can be used.
fn is_orphaned() -> Expr {
    Expr::cust("recordings.orphaned = TRUE")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::base::db::{Db, PATIENCE};
    use sea_orm::{DbBackend, QueryTrait as _};

    #[tokio::test]
    async fn every_list_of_assets_has_its_index() {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = format!("sqlite://{}/t.db", dir.path().display());
        let db = Db::open(&file, Clock::default(), PATIENCE).await.expect("opens");
        let rows = recording::Entity::find;
        let of_account = recording::Column::AccountId.eq(1);
        for (query, index) in [
            (rows().filter(of_account.clone()).filter(recording::Column::AssetOf.eq("dir/a")), "assets_by_recording"),
            (
                rows().filter(of_account).filter(recording::Column::AssetOf.is_in(["dir/a", "dir/b"])),
                "assets_by_recording",
            ),
            (rows().filter(is_orphaned()).order_by_asc(recording::Column::Id), "assets_orphaned"),
        ] {
            let mut query = query.limit(10).build(DbBackend::Sqlite);
            query.sql = format!("EXPLAIN QUERY PLAN {}", query.sql);
            let steps = db.read().query_all_raw(query).await.expect("explained");
            let plan: String =
                steps.iter().map(|step| step.try_get::<String>("", "detail").expect("a step") + "\n").collect();
            assert!(plan.contains(index) && !plan.contains("B-TREE"), "{index}: {plan}");
        }
    }
}
