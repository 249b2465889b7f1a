//! Objects that are still to be deleted: a row each, which goes when the object is gone.

use crate::base::Result;
use crate::base::db::{Db, Tx};
use crate::base::entity::removal;
use model::ObjectKey;
use sea_orm::{ActiveValue::Set, EntityTrait as _};

/// Has housekeeping delete an object, at the given time or later; answers the row's id.
pub(crate) async fn note(tx: &Tx, provider_id: i64, key: &str, when: i64) -> Result<i64> {
    let row = removal::ActiveModel {
        provider_id: Set(provider_id),
        key: Set(key.to_owned()),
        removed_at: Set(when),
        ..Default::default()
    };
    Ok(removal::Entity::insert(row).exec(tx).await?.last_insert_id)
}

/// Forgets one: its object is gone, or has a row of its own now.
pub(crate) async fn forget(tx: &Tx, id: i64) -> Result<()> {
    removal::Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}

/// Notes an object before it is there: what a crash leaves of it, or a failure of the database, is deleted. Whoever has
/// written its row removes the note in the same transaction.
pub(crate) async fn announce(db: &Db, provider_id: i64, key: &ObjectKey) -> Result<i64> {
    let key = key.to_string();
    db.write(move |tx| {
        Box::pin(async move {
            let now = tx.now_ms();
            note(tx, provider_id, &key, now).await
        })
    })
    .await
}
