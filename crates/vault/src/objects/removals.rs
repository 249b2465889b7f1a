//! Objects still to be deleted: one row each, which goes once the object is gone.

use crate::base::Result;
use crate::base::db::{Db, Tx};
use crate::base::entity::removal;
use model::ObjectKey;
use sea_orm::{ActiveValue::Set, EntityTrait as _};

/// Has housekeeping delete an object, at `when` (Unix milliseconds) or later; returns the row's id.
pub(crate) async fn note(tx: &Tx, provider_id: i64, key: &str, when: i64) -> Result<i64> {
    let row = removal::ActiveModel {
        provider_id: Set(provider_id),
        key: Set(key.to_owned()),
        removed_at: Set(when),
        ..Default::default()
    };
    Ok(removal::Entity::insert(row).exec(tx).await?.last_insert_id)
}

/// Forgets a removal: its object is gone, or has a row of its own now.
pub(crate) async fn forget(tx: &Tx, id: i64) -> Result<()> {
    removal::Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}

/// Notes an object before it is written, so that what a crash or a database failure leaves of it is deleted. The
/// transaction that writes its row removes the note.
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
