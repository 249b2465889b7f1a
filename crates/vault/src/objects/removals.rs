//! Objects still to be deleted: one row each, which goes once the object is gone.

use crate::base::Result;
use crate::base::db::{Db, Tx};
use crate::base::entity::removal;
use model::ObjectKey;
use sea_orm::{ActiveValue::Set, EntityTrait as _};

/// How long the old object of a moved recording is kept for its current readers, in milliseconds.
const LINGERS_MS: i64 = 10 * 60_000;

/// Has housekeeping delete an object; returns the row's id.
pub(crate) async fn insert(tx: &Tx, provider_id: i64, key: &str) -> Result<i64> {
    let row = removal::ActiveModel {
        provider_id: Set(provider_id),
        key: Set(key.to_owned()),
        removed_at: Set(tx.now_ms()),
        ..Default::default()
    };
    Ok(removal::Entity::insert(row).exec(tx).await?.last_insert_id)
}

/// Has housekeeping delete the old object of a recording that was moved, once nobody reads it there any more.
pub(crate) async fn insert_moved(tx: &Tx, provider_id: i64, key: &str, recording_id: i64) -> Result<()> {
    let row = removal::ActiveModel {
        provider_id: Set(provider_id),
        key: Set(key.to_owned()),
        removed_at: Set(tx.now_ms() + LINGERS_MS),
        moved_id: Set(Some(recording_id)),
        ..Default::default()
    };
    removal::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Forgets a removal: its object is gone, or has a row of its own now.
pub(crate) async fn forget(tx: &Tx, id: i64) -> Result<()> {
    removal::Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}

/// Has nothing deleted after all: what lies there is not what was to be written.
pub(crate) async fn withdraw(db: &Db, id: i64) -> Result<()> {
    db.write(move |tx| Box::pin(async move { forget(tx, id).await })).await
}

/// Has an object deleted before it is written, so that what a crash or a database failure leaves of it goes. The
/// transaction that writes its row forgets the removal.
pub(crate) async fn reserve(db: &Db, provider_id: i64, key: &ObjectKey) -> Result<i64> {
    let key = key.to_string();
    db.write(move |tx| Box::pin(async move { insert(tx, provider_id, &key).await })).await
}
