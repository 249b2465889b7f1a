//! What is stored of uploads in several requests. Whoever writes says where the upload stood and by whom it is held; if
//! either is no longer so, nothing is written.

use super::{expiry, signed};
use crate::base::db::{Db, Tx};
use crate::base::entity::{resumable, resumable_tail, upload};
use crate::base::{Result, VaultError};
use bytes::Bytes;
use model::ObjectKey;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use sea_orm::{QueryOrder as _, QuerySelect as _, UpdateMany};

/// Most bytes in one row.
const ROW: usize = 1024 * 1024;
/// Longest that is kept of what was said of an upload that is finished, in bytes: there may be any number of these.
pub(super) const SAID_WHEN_DONE: usize = 1024;

#[derive(Clone)]
pub(super) struct Rows(pub(super) Db);

/// What a row is to say.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) received: u64,
    pub(super) length: Option<u64>,
    /// Parts at the provider, as JSON.
    pub(super) at_provider: Option<String>,
    pub(super) digest: String,
    pub(super) expires_at: i64,
}

/// Of which upload, and what its row must still say.
#[derive(Clone)]
pub(super) struct Expected {
    pub(super) id: String,
    pub(super) received: u64,
    pub(super) holder: Option<String>,
}

impl Rows {
    pub(super) async fn insert(&self, row: resumable::ActiveModel) -> Result<()> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    resumable::Entity::insert(row).exec_without_returning(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    pub(super) async fn find(&self, id: &str) -> Result<Option<resumable::Model>> {
        Ok(resumable::Entity::find_by_id(id).one(self.0.read()).await?)
    }

    pub(super) async fn count_open(&self, account_id: i64) -> Result<u64> {
        let open = resumable::Entity::find().filter(resumable::Column::AccountId.eq(account_id));
        Ok(open.filter(resumable::Column::Done.eq(false)).count(self.0.read()).await?)
    }

    /// Uploads that were to be forgotten before a moment.
    pub(super) async fn expired(&self, before: i64, limit: u64) -> Result<Vec<resumable::Model>> {
        let rows = resumable::Entity::find().filter(resumable::Column::ExpiresAt.lt(before));
        Ok(rows.order_by_asc(resumable::Column::ExpiresAt).limit(limit).all(self.0.read()).await?)
    }

    /// The bytes from here to there, in pieces; `None` if some are missing.
    pub(super) async fn tail(&self, id: &str, from: u64, to: u64) -> Result<Option<Vec<Bytes>>> {
        let rows = resumable_tail::Entity::find()
            .filter(resumable_tail::Column::ResumableId.eq(id))
            .filter(resumable_tail::Column::Position.gte(signed(from)))
            .filter(resumable_tail::Column::Position.lt(signed(to)))
            .order_by_asc(resumable_tail::Column::Position)
            .all(self.0.read())
            .await?;
        let (mut at, mut pieces) = (from, Vec::new());
        for row in rows {
            if row.position == signed(at) {
                at += row.bytes.len() as u64;
                pieces.push(Bytes::from(row.bytes));
            }
        }
        Ok((at == to).then_some(pieces))
    }

    /// Notes which parts there are, or will be, at the provider; of no more bytes than are kept already.
    pub(super) async fn note_parts(&self, expected: Expected, at_provider: String) -> Result<()> {
        self.0.write(move |tx| Box::pin(async move { note_parts(tx, &expected, at_provider).await })).await
    }

    /// Notes the upload in parts that has begun at the provider, in place of the intent that named it so far.
    pub(super) async fn begin_parts(&self, expected: Expected, at_provider: String, intent_id: i64) -> Result<()> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    note_parts(tx, &expected, at_provider).await?;
                    upload::Entity::delete_by_id(intent_id).exec(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Keeps whole parts: they are at the provider, and what was kept here of them is needed no more.
    pub(super) async fn keep_parts(&self, expected: Expected, kept: Kept) -> Result<()> {
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    update(tx, &expected, kept).await?;
                    delete_tail(tx, &expected.id, 0).await
                })
            })
            .await
    }

    /// Keeps more bytes, those at the end of what has come. A few rows at a time, so that the database's other users go on; they
    /// count once the upload's own row says so.
    pub(super) async fn keep_tail(&self, expected: Expected, kept: Kept, mut bytes: Bytes) -> Result<()> {
        let mut position = kept.received - bytes.len() as u64;
        let mut is_first = true;
        loop {
            let piece = bytes.split_to(bytes.len().min(ROW));
            let row = (!piece.is_empty()).then(|| resumable_tail::ActiveModel {
                resumable_id: Set(expected.id.clone()),
                position: Set(signed(position)),
                bytes: Set(piece.to_vec()),
            });
            let (from, is_last) = (is_first.then_some(position), bytes.is_empty());
            position += piece.len() as u64;
            is_first = false;
            let (expected, kept) = (expected.clone(), is_last.then(|| kept.clone()));
            self.0
                .write(move |tx| {
                    Box::pin(async move {
                        if let Some(from) = from {
                            // Left by a request that was cut off here.
                            delete_tail(tx, &expected.id, from).await?;
                        }
                        if let Some(row) = row {
                            insert_tail(tx, row).await?;
                        }
                        match kept {
                            Some(kept) => update(tx, &expected, kept).await,
                            None => Ok(()),
                        }
                    })
                })
                .await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Notes that the recording is stored.
    pub(super) async fn done(&self, id: &str, length: u64) -> Result<()> {
        let id = id.to_owned();
        self.0.write(move |tx| Box::pin(async move { is_done(tx, &id, length).await })).await
    }

    /// Forgets an upload.
    pub(super) async fn delete(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    delete_tail(tx, &id, 0).await?;
                    resumable::Entity::delete_by_id(id).exec(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}

/// Notes that an upload's recording is stored, for as long as its client may ask.
pub(in crate::flows::ingest) async fn is_done(tx: &Tx, id: &str, length: u64) -> Result<()> {
    use resumable::Column::{AtProvider, Digest, Done, ExpiresAt, Length, Received, Said};
    let short = format!("CASE WHEN LENGTH(said) > {SAID_WHEN_DONE} THEN '{{}}' ELSE said END");
    resumable::Entity::update_many()
        .col_expr(Received, Expr::val(signed(length)))
        .col_expr(Length, Expr::val(signed(length)))
        .col_expr(AtProvider, Expr::val(None::<String>))
        .col_expr(Digest, Expr::val(""))
        .col_expr(Said, Expr::cust(short))
        .col_expr(ExpiresAt, Expr::val(expiry(tx.now_ms())))
        .col_expr(Done, Expr::val(true))
        .filter(resumable::Column::Id.eq(id))
        .exec(tx)
        .await?;
    delete_tail(tx, id, 0).await
}

/// Whether one of these providers has parts of an upload of this key that may go on.
pub(in crate::flows::ingest) async fn has_parts(db: &Db, providers: &[i64], key: &ObjectKey) -> Result<bool> {
    let open = resumable::Entity::find()
        .filter(resumable::Column::ProviderId.is_in(providers.iter().copied()))
        .filter(resumable::Column::Key.eq(key.as_str()))
        .filter(resumable::Column::AtProvider.is_not_null());
    Ok(open.limit(1).one(db.read()).await?.is_some())
}

async fn note_parts(tx: &Tx, expected: &Expected, at_provider: String) -> Result<()> {
    let noted = resumable::Entity::update_many().col_expr(resumable::Column::AtProvider, Expr::val(at_provider));
    changes_one(noted, expected, tx).await
}

async fn update(tx: &Tx, expected: &Expected, kept: Kept) -> Result<()> {
    use resumable::Column::{AtProvider, Digest, ExpiresAt, Length, Received};
    let update = resumable::Entity::update_many()
        .col_expr(Received, Expr::val(signed(kept.received)))
        .col_expr(AtProvider, Expr::val(kept.at_provider))
        .col_expr(Digest, Expr::val(kept.digest))
        .col_expr(ExpiresAt, Expr::val(kept.expires_at))
        .col_expr(Length, Expr::val(kept.length.map(signed)));
    changes_one(update, expected, tx).await
}

/// Runs an update of the row that is expected.
async fn changes_one(update: UpdateMany<resumable::Entity>, expected: &Expected, tx: &Tx) -> Result<()> {
    use resumable::Column::{Holder, Id, Received};
    let mut update = update.filter(Id.eq(&expected.id)).filter(Received.eq(signed(expected.received)));
    if let Some(holder) = &expected.holder {
        update = update.filter(Holder.eq(holder));
    }
    if update.exec(tx).await?.rows_affected == 0 {
        return Err(VaultError::Conflict("Another request goes on with this upload.".into()));
    }
    Ok(())
}

async fn insert_tail(tx: &Tx, row: resumable_tail::ActiveModel) -> Result<()> {
    use resumable_tail::Column::{Bytes, Position, ResumableId};
    let replace = OnConflict::columns([ResumableId, Position]).update_column(Bytes).to_owned();
    resumable_tail::Entity::insert(row).on_conflict(replace).exec_without_returning(tx).await?;
    Ok(())
}

async fn delete_tail(tx: &Tx, id: &str, from: u64) -> Result<()> {
    resumable_tail::Entity::delete_many()
        .filter(resumable_tail::Column::ResumableId.eq(id))
        .filter(resumable_tail::Column::Position.gte(signed(from)))
        .exec(tx)
        .await?;
    Ok(())
}
