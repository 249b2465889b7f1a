//! Where a recording's copies are. They are made through the outbox, and read while the main provider is down.

use super::RecordingRef;
use crate::base::Result;
use crate::base::db::{Db, Tx};
use crate::base::entity::{copy, recording, upload};
use crate::objects::removals;
use model::error::{StoreError, StoreErrorKind};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use std::collections::HashMap;

/// Providers that have a copy, the oldest copy first.
pub(crate) async fn providers(db: &Db, recording_id: i64) -> Result<Vec<i64>> {
    let rows = copy::Entity::find()
        .filter(copy::Column::RecordingId.eq(recording_id))
        .order_by_asc(copy::Column::CopiedAt)
        .all(db.read())
        .await?;
    Ok(rows.into_iter().map(|row| row.provider_id).collect())
}

/// The same for several recordings, without those that have no copy, and without damaged rows.
pub(crate) async fn of(db: &Db, recording_ids: Vec<i64>) -> Result<HashMap<i64, Vec<i64>>> {
    let rows = copy::Entity::find()
        .filter(copy::Column::RecordingId.is_in(recording_ids))
        .order_by_asc(copy::Column::CopiedAt)
        .all(db.read())
        .await?;
    let mut places: HashMap<i64, Vec<i64>> = HashMap::new();
    let sound = |row: copy::Model| row.read_key().map(|_| row);
    for row in db.damaged_rows().readable(rows.into_iter().map(sound)) {
        places.entry(row.recording_id).or_default().push(row.provider_id);
    }
    Ok(places)
}

/// A recording whose row cannot change before this transaction ends. Whoever replaces or deletes it waits, and then
/// finds the copies recorded meanwhile.
pub(crate) async fn lock_recording(tx: &Tx, recording_id: i64) -> Result<Option<recording::Model>> {
    // On SQLite nobody else writes meanwhile.
    Ok(recording::Entity::find_by_id(recording_id).lock_shared().one(tx).await?)
}

/// Forgets recordings' copies, in the transaction that deletes or replaces them; their objects are deleted later.
pub(crate) async fn forget(tx: &Tx, recording_ids: &[i64]) -> Result<()> {
    let theirs = copy::Column::RecordingId.is_in(recording_ids.iter().copied());
    let rows = copy::Entity::find().filter(theirs.clone()).all(tx).await?;
    if rows.is_empty() {
        return Ok(());
    }
    removals::insert_whole(tx, rows.into_iter().map(|row| (row.provider_id, row.key))).await?;
    copy::Entity::delete_many().filter(theirs).exec(tx).await?;
    Ok(())
}

/// A recording replaces the copy of another one at its place; `place` lists the providers there.
pub(crate) async fn give_way(tx: &impl ConnectionTrait, place: &[i64], key: &str) -> Result<()> {
    copy::Entity::delete_many()
        .filter(copy::Column::ProviderId.is_in(place.iter().copied()))
        .filter(copy::Column::Key.eq(key))
        .exec(tx)
        .await?;
    Ok(())
}

/// Whether a recording's object differs from its row because an upload is replacing it, or was interrupted while doing
/// so: then the row will follow.
pub(crate) async fn is_being_replaced(db: &Db, found: &RecordingRef, error: &StoreError) -> Result<bool> {
    if error.kind != StoreErrorKind::Corrupt {
        return Ok(false);
    }
    let row = recording::Entity::find_by_id(found.id).one(db.read()).await?;
    if row.is_none_or(|row| row.sha256 != found.sha256) {
        return Ok(true);
    }
    let intent = upload::Entity::find()
        .filter(upload::Column::ProviderId.eq(found.provider_id))
        .filter(upload::Column::Key.eq(found.key.as_str()));
    Ok(intent.one(db.read()).await?.is_some())
}
