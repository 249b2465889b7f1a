//! Browser sessions, kept in the database.

use crate::base::db::Db;
use crate::base::entity::session;
use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};
use time::OffsetDateTime;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{Error, Result, SessionStore};

/// The store that tower-sessions uses.
#[derive(Clone)]
pub struct Store(pub(crate) Db);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

fn backend(e: impl std::fmt::Display) -> Error {
    Error::Backend(e.to_string())
}

fn row(record: &Record) -> Result<session::ActiveModel> {
    Ok(session::ActiveModel {
        id: Set(record.id.to_string()),
        data: Set(serde_json::to_vec(&record.data).map_err(|e| Error::Encode(e.to_string()))?),
        expires_at: Set(record.expiry_date.unix_timestamp()),
    })
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // Ids are 128 random bits: a collision fails the insert, and with it the request.
        self.save(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let row = row(record)?;
        let save = self.0.write(move |tx| {
            Box::pin(async move {
                let replace = OnConflict::column(session::Column::Id)
                    .update_columns([session::Column::Data, session::Column::ExpiresAt])
                    .to_owned();
                session::Entity::insert(row).on_conflict(replace).exec_without_returning(tx).await?;
                Ok(())
            })
        });
        save.await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let found = session::Entity::find_by_id(id.to_string()).filter(session::Column::ExpiresAt.gt(now));
        let Some(found) = found.one(self.0.read()).await.map_err(backend)? else { return Ok(None) };
        let data = serde_json::from_slice(&found.data);
        let Ok((data, expiry_date)) = data
            .map_err(drop)
            .and_then(|data| Ok((data, OffsetDateTime::from_unix_timestamp(found.expires_at).map_err(drop)?)))
        else {
            // The row is not named, since its id would let others in. The user just signs in again.
            tracing::error!("a damaged row of the table sessions is left out");
            return Ok(None);
        };
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let id = id.to_string();
        let delete = self.0.write(move |tx| {
            Box::pin(async move {
                session::Entity::delete_by_id(id).exec(tx).await?;
                Ok(())
            })
        });
        delete.await.map_err(backend)
    }
}
