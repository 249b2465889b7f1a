//! Objects still to be deleted: one row each, which goes once the object is gone.

use crate::base::Result;
use crate::base::clock::DAY_MS;
use crate::base::db::{Db, Tx};
use crate::base::entity::removal;
use model::ObjectKey;
use model::connection::Refused;
use model::delivery::COUNT_CAP;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, ExprTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

/// How long the old object of a moved recording is kept for its current readers, in milliseconds.
const LINGERS_MS: i64 = 10 * 60_000;

/// How long a deletion that was not answered may still take effect, in milliseconds: longer than any request to a provider
/// takes.
const LATE_MS: i64 = 15 * 60_000;

/// Rows of one statement.
const ROWS: usize = 500;

/// How long what was refused waits the first time, and at most.
const FIRST_WAIT_MS: i64 = 60_000;
const LONGEST_WAIT_MS: i64 = DAY_MS;

/// Notes that an object is being deleted from now on; returns the row's id.
pub(crate) async fn insert_begun(tx: &Tx, provider_id: i64, key: &str) -> Result<i64> {
    let row = removal::ActiveModel {
        provider_id: Set(provider_id),
        key: Set(key.to_owned()),
        removed_at: Set(tx.now_ms()),
        asked_at: Set(Some(tx.now_ms())),
        whole: Set(true),
        ..Default::default()
    };
    Ok(removal::Entity::insert(row).exec(tx).await?.last_insert_id)
}

/// Has housekeeping delete objects whose rows are gone: providers and keys.
pub(crate) async fn insert_whole(tx: &Tx, objects: impl IntoIterator<Item = (i64, String)>) -> Result<()> {
    let now = tx.now_ms();
    let row = |(provider_id, key)| removal::ActiveModel {
        provider_id: Set(provider_id),
        key: Set(key),
        removed_at: Set(now),
        whole: Set(true),
        ..Default::default()
    };
    let rows: Vec<_> = objects.into_iter().map(row).collect();
    for rows in rows.chunks(ROWS) {
        removal::Entity::insert_many(rows.to_vec()).exec_without_returning(tx).await?;
    }
    Ok(())
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

/// Forgets removals whose objects are gone, a batch at most.
pub(crate) async fn forget_all(db: &Db, ids: Vec<i64>) -> Result<()> {
    db.write(move |tx| {
        Box::pin(async move {
            removal::Entity::delete_many().filter(removal::Column::Id.is_in(ids)).exec(tx).await?;
            Ok(())
        })
    })
    .await
}

/// Forgets a removal: its object is gone, or has a row of its own now.
pub(crate) async fn forget(tx: &Tx, id: i64) -> Result<()> {
    removal::Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}

/// Notes that the provider is about to be asked to delete objects, a batch at most.
pub(crate) async fn note_begun(db: &Db, ids: Vec<i64>) -> Result<()> {
    db.write(move |tx| {
        Box::pin(async move {
            let row = removal::ActiveModel { asked_at: Set(Some(tx.now_ms())), ..Default::default() };
            removal::Entity::update_many().set(row).filter(removal::Column::Id.is_in(ids)).exec(tx).await?;
            Ok(())
        })
    })
    .await
}

/// Notes that the provider has refused to delete an object: it is tried again after a minute, then after twice as long each time, up
/// to a day.
pub(crate) async fn note_refused(db: &Db, row: &removal::Model, why: String) -> Result<()> {
    let (id, tries) = (row.id, row.tries.saturating_add(1));
    db.write(move |tx| {
        Box::pin(async move {
            let wait = Ord::min(FIRST_WAIT_MS << Ord::clamp(tries - 1, 0, 20), LONGEST_WAIT_MS);
            let row = removal::ActiveModel {
                tries: Set(tries),
                due_at: Set(tx.now_ms() + wait),
                last_error: Set(why),
                ..Default::default()
            };
            removal::Entity::update_many().set(row).filter(removal::Column::Id.eq(id)).exec(tx).await?;
            Ok(())
        })
    })
    .await
}

/// What a provider has refused to delete.
pub(crate) async fn refused(db: &Db, provider_id: i64) -> Result<Option<Refused>> {
    // As the partial index has it.
    let refused = removal::Entity::find()
        .filter(removal::Column::ProviderId.eq(provider_id))
        .filter(Expr::cust("removals.tries > 0"));
    let objects = refused.clone().select_only().column(removal::Column::Id).limit(COUNT_CAP.unsigned_abs());
    let objects = objects.count(db.read()).await?;
    let next = refused.order_by_asc(removal::Column::DueAt);
    Ok(next.one(db.read()).await?.filter(|_| objects > 0).map(|row| Refused {
        objects: i64::try_from(objects).unwrap_or(i64::MAX),
        reason: row.last_error,
        next_at: row.due_at,
    }))
}

/// Leaves objects for a minute: whether they may go is not known yet.
pub(crate) async fn put_off(db: &Db, ids: Vec<i64>) -> Result<()> {
    db.write(move |tx| {
        Box::pin(async move {
            let row = removal::ActiveModel { due_at: Set(tx.now_ms() + FIRST_WAIT_MS), ..Default::default() };
            removal::Entity::update_many().set(row).filter(removal::Column::Id.is_in(ids)).exec(tx).await?;
            Ok(())
        })
    })
    .await
}

/// Has what a provider refused to delete tried at once: it was set up anew.
pub(crate) async fn make_due(tx: &Tx, provider_id: i64) -> Result<()> {
    let row = removal::ActiveModel { due_at: Set(0), ..Default::default() };
    let refused = removal::Column::ProviderId.eq(provider_id).and(Expr::cust("removals.tries > 0"));
    removal::Entity::update_many().set(row).filter(refused).exec(tx).await?;
    Ok(())
}

/// Notes that a deletion was not answered, whoever asked for it.
pub(crate) async fn note_unanswered(db: &Db, provider_id: i64, key: &ObjectKey) -> Result<()> {
    let key = key.to_string();
    db.write(move |tx| {
        Box::pin(async move {
            let here = removal::Column::ProviderId.eq(provider_id).and(removal::Column::Key.eq(&key));
            let row = removal::ActiveModel { asked_at: Set(Some(tx.now_ms())), ..Default::default() };
            let noted = removal::Entity::update_many().set(row).filter(here).exec(tx).await?;
            if noted.rows_affected == 0 {
                let row = removal::ActiveModel {
                    provider_id: Set(provider_id),
                    key: Set(key),
                    removed_at: Set(tx.now_ms()),
                    asked_at: Set(Some(tx.now_ms())),
                    ..Default::default()
                };
                removal::Entity::insert(row).exec_without_returning(tx).await?;
            }
            Ok(())
        })
    })
    .await
}

/// Deletions of a key at some providers that may still take effect.
pub(super) async fn unanswered(db: &Db, place: &[i64], key: &ObjectKey) -> Result<Vec<removal::Model>> {
    let asked = removal::Entity::find()
        .filter(removal::Column::ProviderId.is_in(place.iter().copied()))
        .filter(removal::Column::Key.eq(key.as_str()))
        .filter(removal::Column::AskedAt.gt(db.now_ms() - LATE_MS));
    Ok(asked.all(db.read()).await?)
}

/// Has nothing deleted after all: what lies there is not what was to be written.
pub(crate) async fn withdraw(db: &Db, id: i64) -> Result<()> {
    db.write(move |tx| Box::pin(async move { forget(tx, id).await })).await
}

/// Has an object deleted before it is written, so that what a crash or a database failure leaves of it goes. The
/// transaction that writes its row forgets the removal.
pub(crate) async fn reserve(db: &Db, provider_id: i64, key: &ObjectKey) -> Result<i64> {
    let key = key.to_string();
    db.write(move |tx| {
        Box::pin(async move {
            let row = removal::ActiveModel {
                provider_id: Set(provider_id),
                key: Set(key),
                removed_at: Set(tx.now_ms()),
                ..Default::default()
            };
            Ok(removal::Entity::insert(row).exec(tx).await?.last_insert_id)
        })
    })
    .await
}
