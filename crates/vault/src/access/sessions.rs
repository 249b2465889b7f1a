//! Browser sessions: who is behind one, and where they are kept.

use super::users::{User, UserId, Users};
use crate::base::VaultError;
use crate::base::clock::DAY_MS;
use crate::base::db::Db;
use crate::base::entity::session;
use crate::base::keys::Keys;
use async_trait::async_trait;
use sea_orm::{ActiveValue::NotSet, ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, QueryFilter};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use time::OffsetDateTime;
use tower_sessions_core::session::{self as sessions, Id, Record, Session};
use tower_sessions_core::session_store::{Error, Result, SessionStore};

/// What a session holds: whose it is, which of their passwords it was begun with, and when.
const USER_ID: &str = "user_id";
const EPOCH: &str = "epoch";
const BEGUN_AT: &str = "begun_at";

/// A session ends this long after it began, however much it is used: who has stolen one does not keep it for ever.
const LIFETIME_MS: i64 = 30 * DAY_MS;

/// Whoever signed in with a session; `None` when nobody did, too long ago, or when their password was changed since.
pub async fn user(users: &Users, session: &Session) -> crate::base::Result<Option<User>> {
    let id = session.get::<i64>(USER_ID).await.map_err(unusable)?;
    let epoch = session.get::<i64>(EPOCH).await.map_err(unusable)?;
    let age = session.get::<i64>(BEGUN_AT).await.map_err(unusable)?.map(|begun| users.now_ms().saturating_sub(begun));
    match (id, epoch) {
        (Some(id), Some(epoch)) if age.is_some_and(|age| age < LIFETIME_MS) => users.current(UserId(id), epoch).await,
        _ => Ok(None),
    }
}

/// Marks a session as this user's, under a new id.
pub async fn begin(users: &Users, session: &Session, user: &User) -> crate::base::Result<()> {
    session.cycle_id().await.map_err(unusable)?;
    session.insert(BEGUN_AT, users.now_ms()).await.map_err(unusable)?;
    session.insert(USER_ID, user.id.0).await.map_err(unusable)?;
    session.insert(EPOCH, user.epoch).await.map_err(unusable)
}

/// Whether somebody has signed in with a session; they may be out again.
pub async fn is_begun(session: &Session) -> bool {
    matches!(session.get::<i64>(USER_ID).await, Ok(Some(_)))
}

fn unusable(error: sessions::Error) -> VaultError {
    DbErr::Custom(error.to_string()).into()
}

/// The store that tower-sessions uses. What a session holds is sealed: a form that was refused is kept in it, with what was
/// typed.
#[derive(Clone)]
pub struct Store {
    pub(crate) db: Db,
    pub(crate) keys: Arc<Keys>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

fn backend(e: impl std::fmt::Display) -> Error {
    Error::Backend(e.to_string())
}

/// What a session is kept under. Whoever reads the database or a backup of it must not be let in with what they find.
fn key(id: &Id) -> String {
    hex::encode(Sha256::digest(id.to_string()))
}

impl Store {
    fn row(&self, record: &Record) -> Result<session::ActiveModel> {
        let (id, data) = (key(&record.id), serde_json::to_vec(&record.data).map_err(|e| Error::Encode(e.to_string()))?);
        Ok(session::ActiveModel {
            data: Set(self.keys.seal(&sealed_in(&id), &data)),
            id: Set(id),
            expires_at: Set(record.expiry_date.unix_timestamp()),
        })
    }
}

/// What a session's content is bound to when sealed.
fn sealed_in(id: &str) -> String {
    format!("sessions:{id}")
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // Ids are 128 random bits: a collision fails the insert, and with it the request.
        let row = self.row(record)?;
        let create = self.db.write(move |tx| {
            Box::pin(async move {
                session::Entity::insert(row).exec_without_returning(tx).await?;
                Ok(())
            })
        });
        create.await.map_err(backend)
    }

    /// Does nothing to a session that has ended meanwhile: a request that was slow must not bring it back.
    async fn save(&self, record: &Record) -> Result<()> {
        let changed = session::ActiveModel { id: NotSet, ..self.row(record)? };
        let update = session::Entity::update_many().set(changed).filter(session::Column::Id.eq(key(&record.id)));
        let save = self.db.write(move |tx| Box::pin(async move { Ok(update.exec(tx).await.map(drop)?) }));
        save.await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let found = session::Entity::find_by_id(key(id)).filter(session::Column::ExpiresAt.gt(now));
        let Some(found) = found.one(self.db.read()).await.map_err(backend)? else { return Ok(None) };
        let data = self.keys.open(&sealed_in(&found.id), &found.data).map_err(drop);
        let Ok((data, expiry_date)) = data
            .and_then(|data| serde_json::from_slice(&data).map_err(drop))
            .and_then(|data| Ok((data, OffsetDateTime::from_unix_timestamp(found.expires_at).map_err(drop)?)))
        else {
            // The user just signs in again.
            tracing::error!("a damaged row of the table sessions is left out");
            return Ok(None);
        };
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let id = key(id);
        let delete = self.db.write(move |tx| {
            Box::pin(async move {
                session::Entity::delete_by_id(id).exec(tx).await?;
                Ok(())
            })
        });
        delete.await.map_err(backend)
    }
}
