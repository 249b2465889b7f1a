//! Moving recordings from one provider to another, each readable at every moment.
//!
//! A move goes through a provider's recordings by id and remembers its position, so it continues after a restart. Each
//! recording is copied, read back and compared with the stored hash; only then does its row point to the new place, and
//! the old object is deleted a while later.

mod one;
mod worker;

use crate::base::db::Db;
use crate::base::entity::{connection, provider_move, recording};
use crate::base::{Permission, Principal, audit};
use crate::base::{Result, VaultError};
use crate::connections::Connections;
use crate::host::replicas::Replicas;
use crate::objects::KeyLocks;
use crate::objects::Objects;
use model::connection::Family;
use model::moving::{MoveState, MoveView};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait as _, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long both providers may take to show their places before a move is started.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most moves listed.
const LISTED: u64 = 20;

/// Starts, pauses and resumes moves, and carries them out.
#[derive(Clone)]
pub struct Moves {
    db: Db,
    connections: Connections,
    locks: Arc<KeyLocks>,
    objects: Objects,
    replicas: Replicas,
    wakeup: Arc<Notify>,
}

impl Moves {
    pub(crate) fn new(
        db: Db,
        connections: Connections,
        locks: Arc<KeyLocks>,
        objects: Objects,
        replicas: Replicas,
    ) -> Self {
        Self { db, connections, locks, objects, replicas, wakeup: Arc::default() }
    }

    /// The latest moves, newest first.
    pub async fn list(&self) -> Result<Vec<MoveView>> {
        let rows =
            provider_move::Entity::find().order_by_desc(provider_move::Column::Id).limit(LISTED).all(self.db.read());
        let rows = rows.await?;
        let names: HashMap<i64, String> =
            connection::Entity::find().all(self.db.read()).await?.into_iter().map(|c| (c.id, c.name)).collect();
        let name = |id: i64| names.get(&id).cloned().unwrap_or_else(|| "deleted provider".into());
        let view = |row: provider_move::Model| {
            Ok(MoveView {
                state: row.read_state()?,
                id: row.id,
                from: name(row.from_provider_id),
                to: name(row.to_provider_id),
                total: row.total,
                moved: row.moved,
                moved_bytes: row.moved_bytes,
                failed: row.failed,
                last_error: row.last_error,
                started_at: row.started_at,
                finished_at: row.finished_at,
            })
        };
        Ok(self.db.damaged_rows().readable(rows.into_iter().map(view)))
    }

    /// Number of recordings at a provider, without their assets.
    pub async fn count(&self, provider_id: i64) -> Result<i64> {
        let counted: Option<i64> = recording::Entity::find()
            .select_only()
            .column_as(Expr::col(recording::Column::Id).count(), "n")
            .filter(recording::is_recording())
            .filter(recording::Column::ProviderId.eq(provider_id))
            .into_tuple()
            .one(self.db.read())
            .await?;
        Ok(counted.unwrap_or(0))
    }

    /// Starts moving all recordings of one provider to another; returns the move's id.
    pub async fn start(&self, principal: &Principal, from: i64, to: i64) -> Result<i64> {
        if from == to {
            return Err(VaultError::invalid("to", "Choose another provider than the one to be emptied"));
        }
        self.check_apart(from, to).await?;
        let total = self.count(from).await?;
        let principal = principal.clone();
        let id = self.db.write(move |tx| {
            Box::pin(async move {
                let (source, target) = (provider(tx, from).await?, provider(tx, to).await?);
                if !target.enabled {
                    return Err(VaultError::Conflict(format!("{} is disabled; enable it first.", target.name)));
                }
                let involved = provider_move::Column::FromProviderId
                    .is_in([from, to])
                    .or(provider_move::Column::ToProviderId.is_in([from, to]));
                let other = provider_move::Entity::find().filter(involved).filter(unfinished()).one(tx).await?;
                if other.is_some() {
                    return Err(VaultError::Conflict(format!(
                        "Another move from or to {} or {} has not ended. Let it end, or stop it first.",
                        source.name, target.name
                    )));
                }
                let row = provider_move::ActiveModel {
                    from_provider_id: Set(from),
                    to_provider_id: Set(to),
                    state: Set(MoveState::Running.as_str().into()),
                    after_id: Set(0),
                    total: Set(total),
                    moved: Set(0),
                    moved_bytes: Set(0),
                    failed: Set(0),
                    last_error: Set(String::new()),
                    owner: Set(None),
                    started_at: Set(tx.now_ms()),
                    finished_at: Set(0),
                    ..Default::default()
                };
                let id = row.insert(tx).await?.id;
                let subject = format!("{} to {}", source.name, target.name);
                audit::record(tx, &principal, Permission::Manage, "started moving recordings", &subject).await?;
                Ok(id)
            })
        });
        let id = id.await?;
        self.wakeup.notify_one();
        Ok(id)
    }

    /// Refuses a move within one place, as far as that can be told now; the move itself checks again before each batch.
    async fn check_apart(&self, from: i64, to: i64) -> Result<()> {
        let (from, to) = (self.connections.store(from).await?, self.connections.store(to).await?);
        match timeout(PATIENCE, self.connections.check_apart(&from, &to)).await {
            Ok(Err(VaultError::Store(_))) | Err(_) => self.connections.check_known_apart(&from, &to).await,
            Ok(checked) => checked,
        }
    }

    /// Pauses a move; what has been moved stays moved.
    pub async fn pause(&self, principal: &Principal, id: i64) -> Result<()> {
        self.change(principal, id, "paused moving recordings", |row, _| {
            row.state = Set(MoveState::Paused.as_str().into())
        })
        .await
    }

    /// Resumes a move; what could not be moved is tried again.
    pub async fn resume(&self, principal: &Principal, id: i64) -> Result<()> {
        self.change(principal, id, "resumed moving recordings", |row, _| {
            row.state = Set(MoveState::Running.as_str().into());
            row.after_id = Set(0);
            row.failed = Set(0);
            row.last_error = Set(String::new());
        })
        .await?;
        self.wakeup.notify_one();
        Ok(())
    }

    /// Ends a move where it stands.
    pub async fn stop(&self, principal: &Principal, id: i64) -> Result<()> {
        self.change(principal, id, "stopped moving recordings", |row, now_ms| {
            row.state = Set(MoveState::Stopped.as_str().into());
            row.finished_at = Set(now_ms);
        })
        .await
    }

    async fn change(
        &self,
        principal: &Principal,
        id: i64,
        action: &'static str,
        edit: impl FnOnce(&mut provider_move::ActiveModel, i64) + Send + 'static,
    ) -> Result<()> {
        let principal = principal.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let row =
                        provider_move::Entity::find_by_id(id).one(tx).await?.ok_or(VaultError::NotFound("move"))?;
                    if !row.read_state()?.is_open() {
                        return Err(VaultError::Conflict("This move has ended already.".into()));
                    }
                    let mut row = row.into_active_model();
                    edit(&mut row, tx.now_ms());
                    row.update(tx).await?;
                    audit::record(tx, &principal, Permission::Manage, action, &id.to_string()).await
                })
            })
            .await
    }
}

/// Everything not known to have ended: a move whose state is damaged may go on once mended.
fn unfinished() -> Expr {
    provider_move::Column::State.is_not_in([MoveState::Done, MoveState::Stopped].map(MoveState::as_str))
}

/// Whether a move that has not ended involves a provider.
pub(crate) async fn involves(tx: &impl ConnectionTrait, provider_id: i64) -> Result<bool> {
    let involved =
        provider_move::Column::FromProviderId.eq(provider_id).or(provider_move::Column::ToProviderId.eq(provider_id));
    let other = provider_move::Entity::find().filter(involved).filter(unfinished());
    Ok(other.one(tx).await?.is_some())
}

async fn provider(tx: &impl ConnectionTrait, id: i64) -> Result<connection::Model> {
    let row = connection::Entity::find_by_id(id).one(tx).await?;
    row.filter(|row| row.family == Family::Provider.as_str()).ok_or(VaultError::NotFound("storage provider"))
}
