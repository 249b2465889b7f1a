//! Taking recordings' rows out: the only way in which any goes.

use super::{RecordingRef, assets, copies, custom_headers, locked};
use crate::base::Result;
use crate::base::db::Tx;
use crate::base::entity::recording;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use std::collections::{HashMap, HashSet};

/// Deletes rows, with what belongs to them; answers whose are gone. Their objects are still there, and the caller notes that in
/// `removals`; copies' objects are noted here. One that was replaced since it was looked up is another recording now, and
/// one that was moved has its object elsewhere: both stay. So does what is locked, or is an asset of something that is.
pub(super) async fn take_out<'a>(tx: &Tx, found: &'a [RecordingRef]) -> Result<Vec<&'a RecordingRef>> {
    let as_they_are: Vec<(i64, i64, i64)> = recording::Entity::find()
        .select_only()
        .columns([recording::Column::Id, recording::Column::UploadedAt, recording::Column::ProviderId])
        .filter(recording::Column::Id.is_in(found.iter().map(|one| one.id)))
        .filter(locked::is_free())
        .lock_exclusive()
        .into_tuple()
        .all(tx)
        .await?;
    let as_they_are: HashSet<(i64, i64, i64)> = as_they_are.into_iter().collect();
    let mut gone: Vec<&RecordingRef> = Vec::new();
    for one in found {
        let same = as_they_are.contains(&(one.id, one.uploaded_at, one.provider_id));
        if same && !(one.is_asset && why_locked(tx, one).await?.is_some()) {
            gone.push(one);
        }
    }
    let ids: Vec<i64> = gone.iter().map(|one| one.id).collect();
    if ids.is_empty() {
        return Ok(gone);
    }
    // First: the database deletes no recording that has a lock, be it over.
    locked::forget(tx, &ids).await?;
    recording::Entity::delete_many().filter(recording::Column::Id.is_in(ids.iter().copied())).exec(tx).await?;
    copies::forget(tx, &ids).await?;
    custom_headers::forget(tx, &ids).await?;
    let mut keys: HashMap<i64, Vec<_>> = HashMap::new();
    for one in gone.iter().filter(|one| !one.is_asset) {
        keys.entry(one.account_id).or_default().push(&one.key);
    }
    for (account_id, keys) in keys {
        assets::orphan(tx, account_id, &keys).await?;
    }
    Ok(gone)
}

/// Why [`take_out`] leaves a recording alone although it is there: somebody has locked it, or what it is an asset of.
pub(super) async fn why_locked(tx: &Tx, found: &RecordingRef) -> Result<Option<String>> {
    match recording::Entity::find_by_id(found.id).one(tx).await? {
        Some(row) => locked::why(tx, &row).await,
        None => Ok(None),
    }
}
