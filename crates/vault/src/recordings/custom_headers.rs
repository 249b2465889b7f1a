//! Headers of the owner's choice that recordings came with (docs/protocol.md §2).

use crate::base::Result;
use crate::base::damaged::Damage;
use crate::base::db::Tx;
use crate::base::entity::custom_headers;
use model::wire::CustomHeaders;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};
use std::collections::HashMap;

/// Those of several recordings, without those that have none.
pub(crate) async fn of(
    db: &impl ConnectionTrait,
    recording_ids: Vec<i64>,
) -> Result<HashMap<i64, std::result::Result<CustomHeaders, Damage>>> {
    let rows =
        custom_headers::Entity::find().filter(custom_headers::Column::RecordingId.is_in(recording_ids)).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.recording_id, row.read_headers())).collect())
}

/// Those of one recording.
pub(crate) async fn of_one(
    db: &impl ConnectionTrait,
    recording_id: i64,
) -> Result<std::result::Result<CustomHeaders, Damage>> {
    let mut found = of(db, vec![recording_id]).await?;
    Ok(found.remove(&recording_id).unwrap_or_else(|| Ok(CustomHeaders::default())))
}

/// Keeps them with a recording that has none yet.
pub(crate) async fn keep(tx: &Tx, recording_id: i64, headers: &CustomHeaders) -> Result<()> {
    if headers.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_string(headers).expect("texts serialise");
    let row = custom_headers::ActiveModel { recording_id: Set(recording_id), headers: Set(json) };
    custom_headers::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Forgets those of recordings, in the transaction that deletes or replaces them.
pub(crate) async fn forget(tx: &Tx, recording_ids: &[i64]) -> Result<()> {
    let theirs = custom_headers::Column::RecordingId.is_in(recording_ids.iter().copied());
    custom_headers::Entity::delete_many().filter(theirs).exec(tx).await?;
    Ok(())
}
